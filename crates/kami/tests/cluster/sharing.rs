//! Nodes that share the work, and hand it to each other.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
};

use futures::{StreamExt, stream::FuturesUnordered};
use serde_json::{Value, json};

use crate::{
    kami::{paid, send},
    nodes::{Cluster, owner, settled, until},
    sale::{ACCOUNTS, Sale},
};

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_sell_exactly_the_keys_there_are_whichever_is_asked() {
    let cluster = Cluster::of(&["main"]).await;
    let nodes = cluster.start_all(&["a", "b", "c"]);
    settled(&nodes, 1).await;
    // Whoever is asked: the set-up, key file and all, goes to a node that does not serve the merchant.
    let serving = owner(&nodes, "main", None).await;
    nodes[(serving + 1) % 3].set_up("main", &ACCOUNTS, 300).await;
    let mut sale = Sale::begin("main", &nodes, 900, 7);
    sale.ends().await;
    let passed_on = nodes[(serving + 1) % 3].figure("kami_cluster_passed_on_total").await;
    assert!(passed_on > 0.0, "a node that does not serve the merchant passed nothing on");
    let data: Vec<_> = nodes.into_iter().map(crate::nodes::Node::stop).collect();
    data.iter().for_each(|data| sale.settle(&cluster, data, 300));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_asked_to_stop_in_a_sale_hands_its_merchant_over_and_no_request_is_lost() {
    let cluster = Cluster::of(&["main"]).await;
    let mut nodes = cluster.start_all(&["a", "b", "c"]);
    settled(&nodes, 1).await;
    nodes[0].set_up("main", &ACCOUNTS, 300).await;
    let mut sale = Sale::begin("main", &nodes, 900, 17);
    let mut data = Vec::new();
    for percent in [20, 50] {
        sale.reaches(percent).await;
        let leaving = nodes.remove(owner(&nodes, "main", None).await);
        let begun = std::time::Instant::now();
        let path = tokio::task::spawn_blocking(move || leaving.stop()).await.unwrap();
        let said = std::fs::read_to_string(path.join("stderr")).unwrap();
        let line = said.lines().find(|line| line.contains("the merchant is handed over")).unwrap();
        println!("stopped in {:?}: {line}", begun.elapsed());
        data.push(path);
    }
    sale.ends().await;
    println!("the longest wait was {:?}, {} times somebody asked again", sale.longest_wait(), sale.again());
    data.extend(nodes.into_iter().map(crate::nodes::Node::stop));
    data.iter().for_each(|data| sale.settle(&cluster, data, 300));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_merchants_are_spread_evenly_and_a_node_that_joins_gets_its_share() {
    let names: Vec<String> = (0..20).map(|n| format!("shop-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let cluster = Cluster::of(&names).await;
    let mut nodes = cluster.start_all(&["a", "b"]);
    settled(&nodes, 20).await;
    for (n, merchant) in names.iter().enumerate() {
        nodes[n % 2].set_up(merchant, &["generic/own"], 3).await;
    }
    nodes.push(cluster.start("c"));
    settled(&nodes, 20).await;
    for merchant in &names {
        for (n, node) in nodes.iter().enumerate() {
            let url = node.url(&format!("/m/{merchant}/v1/in/generic/own"));
            let body = paid(&format!("A-{n}"), 1, 2888).to_string();
            let (status, answer) = send(&node.client, &url, &format!("m-{n}"), &body).await.unwrap();
            let code = serde_json::from_slice::<Value>(&answer).unwrap()["keys"][0]["code"].clone();
            assert!(status == 200 && code.as_str().unwrap().starts_with(merchant), "{merchant}: {code}");
        }
    }
    let (status, problem) = nodes[0].try_api("GET", "/m/nobody/v1/skus", Value::Null).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
    let data: Vec<_> = nodes.into_iter().map(crate::nodes::Node::stop).collect();
    data.iter().for_each(|data| cluster.verify(data));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_builds_run_side_by_side_while_one_replaces_the_other() {
    let mut cluster = Cluster::of(&["main"]).await;
    let mut nodes = vec![cluster.start("old-1"), cluster.start("old-2")];
    settled(&nodes, 1).await;
    nodes[0].set_up("main", &ACCOUNTS, 200).await;
    let mut sale = Sale::begin("main", &nodes, 600, 19);
    cluster.set("KAMI_TEST_ANNOUNCED_VERSION", "99.0.0-next");
    sale.reaches(10).await;
    // As a rolling upgrade does: one of the new build comes, one of the old goes.
    let fresh = cluster.start("new-1");
    until("the builds see each other", async || {
        let nodes = nodes[0].ready().await["nodes"].clone();
        nodes.to_string().contains("99.0.0-next") && nodes.as_array().is_some_and(|all| all.len() == 3)
    })
    .await;
    let leaving = owner(&nodes, "main", None).await % nodes.len();
    let leaving = nodes.remove(leaving);
    let gone = tokio::task::spawn_blocking(move || leaving.stop()).await.unwrap();
    sale.ends().await;
    let body = paid("after", 1, 2888).to_string();
    for node in [&nodes[0], &fresh] {
        let url = node.url("/v1/in/generic/own");
        let (status, _) = send(&node.client, &url, "after", &body).await.unwrap();
        assert_eq!(status, 422, "everything is sold, whichever build is asked");
    }
    nodes.push(fresh);
    let data: Vec<_> = nodes.into_iter().map(crate::nodes::Node::stop).chain([gone]).collect();
    data.iter().for_each(|data| sale.settle(&cluster, data, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_come_through_byte_for_byte_and_streams_are_passed_on_as_they_grow() {
    let cluster = Cluster::of(&["main"]).await;
    let bus = Bus::listen(cluster.nats.address());
    let nodes = cluster.start_all(&["a", "b"]);
    settled(&nodes, 1).await;
    let serving = owner(&nodes, "main", None).await;
    let (serving, other) = (&nodes[serving], &nodes[1 - serving]);
    serving.set_up("main", &ACCOUNTS, 2_000).await;

    // The same message at both: one effect, and the same bytes.
    let body = paid("B-1", 2_000, 2888 * 2_000).to_string();
    let mut answers = Vec::new();
    for node in [other, serving] {
        answers.push(send(&node.client, &node.url("/v1/in/generic/own"), "b-1", &body).await.unwrap());
    }
    assert_eq!(answers[0].0, 200);
    assert!(answers[0] == answers[1], "the answers differ");
    let (status, inbox) = other.try_api("GET", "/v1/inbox", Value::Null).await;
    assert_eq!(status, 200, "{inbox}");
    // It went over the bus, and nobody who listens there has a key or a token.
    bus.holds("kami-node.").await;
    assert!(!bus.has("main-KEY-") && !bus.has(&other.token) && !bus.has("Bearer"));

    // A body that is too large is refused as the merchant's own node refuses it.
    let large = "x".repeat(300 * 1024);
    let mut refused = Vec::new();
    for node in [other, serving] {
        refused.push(send(&node.client, &node.url("/v1/in/generic/own"), "b-2", &large).await.unwrap());
    }
    assert!(refused[0] == refused[1] && refused[0].0 == 413, "{}", refused[0].0);

    // A stream of events is open while something happens.
    let mut stream = other.stream("/v1/stream").await;
    let note = json!({"unit_price": {"minor": 3000, "currency": "CNY"}, "reason": "dearer"});
    other.api("PUT", "/v1/skus/steam-50/prices", note).await;
    let mut heard = String::new();
    while !heard.contains("event: PriceSet") {
        heard.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().expect("the stream goes on")));
    }
    drop(stream);
    let data: Vec<_> = nodes.into_iter().map(crate::nodes::Node::stop).collect();
    data.iter().for_each(|data| cluster.verify(data));
}

/// Everything that passes through NATS, as anybody hears it who may listen.
struct Bus(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Bus {
    fn listen(at: std::net::SocketAddr) -> Self {
        let mut line = TcpStream::connect(at).unwrap();
        line.write_all(b"CONNECT {\"verbose\":false}\r\nSUB > 1\r\nPING\r\n").unwrap();
        let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let all = heard.clone();
        std::thread::spawn(move || {
            let mut some = [0; 65_536];
            // Ends with the server.
            while let Ok(count @ 1..) = line.read(&mut some) {
                all.lock().unwrap().extend_from_slice(&some[..count]);
            }
        });
        Self(heard)
    }

    fn has(&self, text: &str) -> bool {
        self.0.lock().unwrap().windows(text.len()).any(|found| found == text.as_bytes())
    }

    async fn holds(&self, text: &str) {
        until("it was on the bus", async || self.has(text)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_whose_append_has_to_wait_holds_up_a_part_of_the_others_at_most() {
    let names: Vec<String> = (0..16).map(|n| format!("shop-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let cluster = Cluster::of(&names).await;
    let nodes = cluster.start_all(&["a"]);
    settled(&nodes, 16).await;
    for merchant in &names {
        nodes[0].set_up(merchant, &["generic/own"], 2).await;
    }
    let mut session = cluster.session().await;
    let lock = "BEGIN; SELECT FROM kami_log.merchant WHERE merchant = 'shop-0' FOR UPDATE";
    sqlx::raw_sql(lock).execute(&mut session).await.unwrap();
    let buy = async |merchant: &'static str| {
        let url = nodes[0].url(&format!("/m/{merchant}/v1/in/generic/own"));
        let answer = send(&nodes[0].client, &url, "m-1", &paid("A-1", 1, 2888).to_string()).await.unwrap();
        assert_eq!(answer.0, 200, "{merchant}");
        merchant
    };
    let names: Vec<&'static str> = names.iter().map(|name| &*name.to_string().leak()).collect();
    let mut orders: FuturesUnordered<_> = names.iter().map(|name| buy(name)).collect();
    let mut served = BTreeSet::new();
    // Four lanes by the merchants' hashes: a quarter may wait, give or take; half of them surely do not.
    while served.len() < 8 {
        served.insert(orders.next().await.unwrap());
    }
    assert!(!served.contains("shop-0"));
    sqlx::raw_sql("COMMIT").execute(&mut session).await.unwrap();
    while let Some(merchant) = orders.next().await {
        served.insert(merchant);
    }
    assert_eq!(served.len(), 16);
}
