//! Nodes and services that are lost in the middle of a sale.

use std::time::Instant;

use serde_json::{Value, json};

use crate::{
    kami::{paid, send},
    nodes::{Cluster, Node, owner, settled, until},
    sale::{ACCOUNTS, Sale},
};

fn stop(nodes: Vec<Node>) -> Vec<std::path::PathBuf> {
    nodes.into_iter().map(Node::stop).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_of_the_owner_another_sells_on_and_nothing_acknowledged_is_lost_or_doubled() {
    let cluster = Cluster::of(&["main"]).await;
    let mut nodes = cluster.start_all(&["a", "b", "c"]);
    settled(&nodes, 1).await;
    nodes[0].set_up("main", &ACCOUNTS, 300).await;
    let mut sale = Sale::begin("main", &nodes, 900, 11);
    for percent in [20, 60] {
        sale.reaches(percent).await;
        let first = owner(&nodes, "main", None).await;
        nodes[first].kill();
        let killed = Instant::now();
        let dead = nodes.remove(first);
        owner(&nodes, "main", None).await;
        println!("killed at {percent} %, served again after {:?}", killed.elapsed());
        // It comes back, as its supervisor would have it.
        nodes.push(cluster.start(&dead.name));
    }
    sale.ends().await;
    println!("the longest wait was {:?}, {} times somebody asked again", sale.longest_wait(), sale.again());
    // Events are published by whoever serves the merchant, and none is missing or doubled for that.
    let serving = &nodes[owner(&nodes, "main", None).await];
    let head = serving.api("GET", "/m/main/readyz", Value::Null).await["head_pos"].as_f64().unwrap();
    until("all events are published", async || serving.figure("kami_nats_position{").await == head).await;
    assert_eq!(serving.figure("kami_nats_ok{").await, 1.0);
    stop(nodes).iter().for_each(|data| sale.settle(&cluster, data, 300));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_stood_still_past_its_lease_is_refused_by_the_log_and_goes_on_passing_requests_on() {
    let cluster = Cluster::of(&["main"]).await;
    let nodes = cluster.start_all(&["a", "b"]);
    settled(&nodes, 1).await;
    nodes[0].set_up("main", &ACCOUNTS, 500).await;
    let mut sale = Sale::begin("main", &nodes, 2_500, 13);
    let (mut refused, mut rounds) = (0.0, 0);
    // Whether an append is on its way in the moment that everything stands still is chance; rarely it is not.
    while refused == 0.0 && rounds < 5 {
        rounds += 1;
        sale.reaches(15 * rounds).await;
        let old = owner(&nodes, "main", None).await;
        nodes[old].signal("-STOP");
        owner(&nodes, "main", Some(&nodes[old].name)).await;
        nodes[old].signal("-CONT");
        until("the old owner knows that it is none", async || nodes[old].serves().await.is_empty()).await;
        let sku = nodes[old].api("GET", "/v1/skus", Value::Null).await;
        assert!(sku.to_string().contains("steam-50"), "{sku}");
        refused += nodes[old].figure("kami_appends_refused_total").await;
    }
    println!("{refused} appends of an old owner were refused, in {rounds} rounds");
    assert!(refused > 0.0, "no append of an old owner was refused");
    sale.ends().await;
    stop(nodes).iter().for_each(|data| sale.settle(&cluster, data, 500));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_postgresql_was_killed_in_a_sale_the_nodes_find_out_what_is_stored_and_sell_on() {
    let cluster = Cluster::of(&["main"]).await;
    let mut nodes = cluster.start_all(&["a", "b"]);
    settled(&nodes, 1).await;
    nodes[0].set_up("main", &ACCOUNTS, 300).await;
    let mut sale = Sale::begin("main", &nodes, 900, 23);
    for percent in [20, 50] {
        sale.reaches(percent).await;
        let (before, killed) = (sale.answered(), Instant::now());
        cluster.postgres.kill();
        cluster.postgres.start_again();
        let back = killed.elapsed();
        until("sales go on", async || sale.answered() > before + 50).await;
        println!("PostgreSQL was back after {back:?}, sales went on after {:?}", killed.elapsed());
    }
    sale.ends().await;
    for node in &mut nodes {
        assert!(!node.has_ended(), "node {} ended: {}", node.name, node.said());
    }
    stop(nodes).iter().for_each(|data| sale.settle(&cluster, data, 300));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_the_owner_sells_on_and_the_others_say_so_until_it_is_back() {
    let mut cluster = Cluster::of(&["main"]).await;
    let nodes = cluster.start_all(&["a", "b"]);
    settled(&nodes, 1).await;
    nodes[0].set_up("main", &ACCOUNTS, 50).await;
    let serving = owner(&nodes, "main", None).await;
    let (serving, other) = (&nodes[serving], &nodes[1 - serving]);
    let buy = async |node: &Node, n: usize| {
        let body = paid(&format!("N-{n}"), 1, 2888).to_string();
        let url = node.url("/v1/in/generic/own");
        let (status, body) = send(&node.client, &url, &format!("n-{n}"), &body).await.unwrap();
        (status, serde_json::from_slice::<Value>(&body).unwrap()["code"].clone())
    };
    assert_eq!(buy(other, 0).await.0, 200);
    cluster.nats.kill();
    until("the other node has noticed", async || buy(other, 1).await == (503, json!("not_owner"))).await;
    for n in 2..20 {
        assert_eq!(buy(serving, n).await.0, 200);
    }
    assert_eq!(buy(other, 20).await, (503, json!("not_owner")));
    cluster.nats.restart().unwrap();
    until("requests are passed on again", async || buy(other, 21).await.0 == 200).await;
    assert_eq!(buy(other, 1).await.0, 200);
    stop(nodes).iter().for_each(|data| cluster.verify(data));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_cannot_both_be_one_node() {
    let cluster = Cluster::of(&["main"]).await;
    let nodes = cluster.start_all(&["a"]);
    settled(&nodes, 1).await;
    let said = cluster.try_start("a", "twin").err().unwrap();
    assert!(said.contains("another process is node a"), "{said}");
    assert_eq!(nodes[0].serves().await, ["main"]);
}
