//! Calls to channels that a worker makes: no node makes any, and whatever dies, stands still or is cut off, nothing is
//! delivered twice and nothing is forgotten.

use serde_json::json;

use crate::{
    market::{Hold, Market},
    nodes::{Cluster, Node, owner, settled, until},
};

async fn cluster() -> Cluster {
    let mut cluster = Cluster::of(&["main"]).await;
    cluster.set("KAMI_CLUSTER__EFFECTS", "worker");
    cluster
}

/// How many orders the log has as delivered.
fn delivered(cluster: &Cluster, node: &Node) -> usize {
    let events = cluster.events(&node.data, "main");
    events.iter().filter(|event| event["type"] == "OrderDelivered").count()
}

/// Waits until so many orders are delivered, by the log.
async fn all_delivered(cluster: &Cluster, node: &Node, count: usize) {
    until(&format!("{count} orders are delivered"), async || delivered(cluster, node) >= count).await;
    assert_eq!(delivered(cluster, node), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_in_the_log_until_a_worker_delivers_it_and_the_log_has_the_outcome() {
    let cluster = cluster().await;
    let node = cluster.start("a");
    settled(std::slice::from_ref(&node), 1).await;
    let market = Market::start().await;
    market.set_up(&node, 10).await;
    market.sell(&node, "A-1").await;
    let waiting = r#"kami_calls_elsewhere{merchant="main",state="waiting"}"#;
    until("calls wait for a worker", async || node.figure(waiting).await >= 2.0).await;
    assert_eq!(market.books().calls, []);

    let worker = cluster.start_worker("w");
    all_delivered(&cluster, &node, 1).await;
    until("the market knows the stock", async || market.books().stock.get("steam-50") == Some(&9)).await;
    let refund = json!({"refund": "RF-1", "reason": "the buyer asked"});
    node.api("POST", "/m/main/v1/orders/A-1/refund", refund).await;
    until("the refund is paid", async || market.books().refunds.contains_key("RF-1")).await;
    until("the log says so", async || {
        cluster.events(&node.data, "main").iter().any(|event| event["type"] == "RefundSettled")
    })
    .await;
    let books = market.books();
    books.check(1);
    assert_eq!(books.refunds["RF-1"], (2888, 1));
    assert_eq!(books.count("deliveries-find") + books.count("refunds-find"), 0, "nothing was in doubt");
    until("nothing is open", async || {
        let out = r#"kami_calls_elsewhere{merchant="main",state="handed_out"}"#;
        node.figure(waiting).await + node.figure(out).await == 0.0
    })
    .await;
    worker.stop();
    cluster.verify(&node.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_of_the_worker_between_call_and_outcome_the_next_asks_first_and_nothing_goes_out_twice()
{
    let cluster = cluster().await;
    let node = cluster.start("a");
    settled(std::slice::from_ref(&node), 1).await;
    let market = Market::start().await;
    market.set_up(&node, 20).await;
    let worker = cluster.start_worker("w");
    // Of three deliveries the market has the keys, of three it has not: the worker dies without an answer to any.
    for (hold, out, numbers) in
        [(Hold::After, 3, ["A-1", "A-2", "A-3"]), (Hold::Before, 6, ["B-1", "B-2", "B-3"])]
    {
        market.hold(hold);
        for number in numbers {
            market.sell(&node, number).await;
        }
        until("the calls are out", async || market.books().count("deliveries") >= out).await;
    }
    worker.kill();
    market.let_go();
    assert_eq!((market.books().deliveries.len(), delivered(&cluster, &node)), (3, 0));

    let next = cluster.start_worker("w");
    all_delivered(&cluster, &node, 6).await;
    let books = market.books();
    books.check(6);
    assert!(books.count("deliveries-find") >= 6, "each was asked about: {books:?}");
    next.stop();
    cluster.verify(&node.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stood_still_past_its_lease_calls_nobody_afterwards_and_what_it_tells_is_refused() {
    let cluster = cluster().await;
    let node = cluster.start("a");
    settled(std::slice::from_ref(&node), 1).await;
    let market = Market::start().await;
    market.set_up(&node, 20).await;
    let first = cluster.start_worker("first");
    market.sell(&node, "A-1").await;
    all_delivered(&cluster, &node, 1).await;
    // It stands still with a call out that the market has acted on, and with another on its way to it.
    market.hold(Hold::After);
    market.sell(&node, "A-2").await;
    until("a call is out", async || market.books().count("deliveries") == 2).await;
    first.signal("-STOP");
    market.sell(&node, "A-3").await;
    let second = cluster.start_worker("second");
    until("the second worker has asked", async || market.books().count("deliveries-find") >= 1).await;
    market.let_go();
    all_delivered(&cluster, &node, 3).await;

    first.signal("-CONT");
    until("the first knows that it is none", async || {
        first.said().contains("lease on the merchant's calls was lost")
    })
    .await;
    market.sell(&node, "A-4").await;
    all_delivered(&cluster, &node, 4).await;
    // It takes over when the second leaves, and does what comes then.
    second.stop();
    market.sell(&node, "A-5").await;
    all_delivered(&cluster, &node, 5).await;
    market.books().check(5);
    first.stop();
    cluster.verify(&node.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_owner_dies_while_the_worker_has_a_call_out_the_next_owner_has_it_asked_about() {
    let cluster = cluster().await;
    let mut nodes = cluster.start_all(&["a", "b"]);
    settled(&nodes, 1).await;
    let market = Market::start().await;
    market.set_up(&nodes[0], 20).await;
    let worker = cluster.start_worker("w");
    market.hold(Hold::After);
    market.sell(&nodes[0], "A-1").await;
    until("the call is out", async || market.books().count("deliveries") == 1).await;
    let serving = owner(&nodes, "main", None).await;
    nodes[serving].kill();
    let dead = nodes.remove(serving);
    owner(&nodes, "main", None).await;
    market.sell(&nodes[0], "A-2").await;
    market.let_go();
    all_delivered(&cluster, &nodes[0], 2).await;
    market.books().check(2);
    // The other way of changing: handed over in peace, nothing is in doubt.
    nodes.push(cluster.start(&dead.name));
    settled(&nodes, 1).await;
    let asked = market.books().count("deliveries-find");
    let leaving = nodes.remove(owner(&nodes, "main", None).await);
    leaving.stop();
    market.sell(&nodes[0], "A-3").await;
    all_delivered(&cluster, &nodes[0], 3).await;
    let books = market.books();
    books.check(3);
    assert_eq!(books.count("deliveries-find"), asked);
    worker.stop();
    nodes.into_iter().for_each(|node| cluster.verify(&node.stop()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_comes_while_nats_is_away_is_told_when_it_is_back_and_nothing_is_asked_or_repeated() {
    let mut cluster = cluster().await;
    let node = cluster.start("a");
    settled(std::slice::from_ref(&node), 1).await;
    let market = Market::start().await;
    market.set_up(&node, 20).await;
    let worker = cluster.start_worker("w");
    market.hold(Hold::After);
    market.sell(&node, "A-1").await;
    until("the call is out", async || market.books().count("deliveries") == 1).await;
    cluster.nats.kill();
    market.let_go();
    // Orders are taken in without NATS; their calls wait.
    market.sell(&node, "A-2").await;
    assert_eq!(delivered(&cluster, &node), 0);
    cluster.nats.restart().unwrap();
    all_delivered(&cluster, &node, 2).await;
    let books = market.books();
    books.check(2);
    assert_eq!(books.count("deliveries-find"), 0);
    worker.stop();
    cluster.verify(&node.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_nothing_and_the_one_that_waits_takes_over_at_once_when_the_other_stops() {
    let cluster = cluster().await;
    let node = cluster.start("a");
    settled(std::slice::from_ref(&node), 1).await;
    let market = Market::start().await;
    market.set_up(&node, 40).await;
    let first = cluster.start_worker("first");
    let second = cluster.start_worker("second");
    for n in 0..10 {
        market.sell(&node, &format!("A-{n}")).await;
    }
    all_delivered(&cluster, &node, 10).await;
    first.stop();
    for n in 10..20 {
        market.sell(&node, &format!("A-{n}")).await;
    }
    all_delivered(&cluster, &node, 20).await;
    let books = market.books();
    books.check(20);
    assert_eq!((books.count("deliveries"), books.count("deliveries-find")), (20, 0));
    second.stop();
    cluster.verify(&node.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_does_not_start_where_nodes_make_the_calls_and_a_lone_process_not_where_workers_do() {
    let output = crate::kami::binary()
        .args(["worker", "effects"])
        .env("KAMI_LOG_URL", "postgres://127.0.0.1:1/kami")
        .env("KAMI_VAULT_URL", "log")
        .env("KAMI_NATS_URL", "nats://127.0.0.1:1")
        .env("KAMI_CLUSTER__NODE", "w")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the nodes make the calls themselves"), "{said}");
    // And a process that is no node would have nobody to hand its calls to.
    let dir = tempfile::tempdir().unwrap();
    let output = crate::kami::binary()
        .args(["serve", "--listen", "127.0.0.1:0", "--data", dir.path().to_str().unwrap()])
        .env("KAMI_CLUSTER__EFFECTS", "worker")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("workers are for several nodes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_makes_calls_itself_does_not_take_a_merchant_whose_calls_a_worker_has() {
    let mut cluster = cluster().await;
    let worker_node = cluster.start("a");
    settled(std::slice::from_ref(&worker_node), 1).await;
    let market = Market::start().await;
    market.set_up(&worker_node, 10).await;
    let worker = cluster.start_worker("w");
    market.sell(&worker_node, "A-1").await;
    all_delivered(&cluster, &worker_node, 1).await;
    worker_node.stop();
    cluster.set("KAMI_CLUSTER__EFFECTS", "node");
    let node = cluster.start("b");
    until("the node says why it does not serve", async || node.said().contains("worker w makes its calls"))
        .await;
    assert!(node.serves().await.is_empty());
    worker.stop();
    settled(std::slice::from_ref(&node), 1).await;
    market.sell(&node, "A-2").await;
    all_delivered(&cluster, &node, 2).await;
    market.books().check(2);
    cluster.verify(&node.stop());
}
