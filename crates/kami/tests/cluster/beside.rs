//! What a node does for a merchant beside selling, it does from the moment it has taken the merchant over.

use serde_json::{Value, json};
use sqlx::Row;

use crate::{
    kami::{paid, send},
    nodes::{Cluster, Node, owner, settled, until},
    receiver::Receiver,
};

/// What an order that is paid at once makes public.
const TOLD: [&str; 3] = ["order.created", "order.paid", "order.delivered"];

async fn sell(node: &Node, orders: std::ops::Range<usize>) {
    for n in orders {
        let body = paid(&format!("B-{n}"), 1, 2888).to_string();
        let (status, answer) =
            send(&node.client, &node.url("/v1/in/generic/own"), &format!("b-{n}"), &body).await.unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    }
}

/// The last position that every read model in PostgreSQL contains, and how many orders lie there.
async fn carried(cluster: &Cluster) -> (i64, i64) {
    let mut session = cluster.session().await;
    let question = "SELECT (SELECT coalesce(min(head_pos), 0) FROM kami_views.sys_projection), \
                    (SELECT count(*) FROM kami_views.order_row)";
    match sqlx::query(question).fetch_one(&mut session).await {
        Ok(row) => (row.get(0), row.get(1)),
        // Nothing was carried yet.
        Err(_) => (0, 0),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_took_a_merchant_over_tells_partners_and_carries_read_models_of_what_it_sells() {
    let mut cluster = Cluster::of(&["main"]).await;
    cluster.set("KAMI_VIEWS_URL", "log");
    cluster.set("KAMI_PARTNERS__ALLOW_PRIVATE", "true");
    let mut receiver = Receiver::start().await;
    let mut nodes = cluster.start_all(&["a", "b"]);
    settled(&nodes, 1).await;
    nodes[0].set_up("main", &["generic/own"], 20).await;
    let wanted = json!({"url": receiver.url, "event_types": TOLD});
    nodes[0].api("PUT", "/m/main/v1/subscriptions/erp", wanted).await;
    // Webhooks are sent by a worker, from what the node that serves the merchant publishes.
    let partners = cluster.start_partner_worker("p");
    sell(&nodes[0], 0..5).await;
    assert_eq!(receiver.took(15).await.len(), 15);
    until("the first orders are carried", async || carried(&cluster).await.1 == 5).await;

    let serving = owner(&nodes, "main", None).await;
    nodes[serving].kill();
    nodes.remove(serving);
    owner(&nodes, "main", None).await;
    sell(&nodes[0], 5..10).await;
    let told = receiver.took(30).await;
    let of_new = told.iter().filter(|got| got.event_type() == "order.delivered").count();
    assert_eq!(of_new, 10, "each delivery is told of");
    let head = nodes[0].api("GET", "/m/main/readyz", Value::Null).await["head_pos"].as_i64().unwrap();
    until("what it sold is carried", async || {
        let (position, orders) = carried(&cluster).await;
        position >= head && orders == 10
    })
    .await;
    let due = "/m/main/v1/subscriptions/erp/deliveries?state=waiting&limit=100";
    until("it has taken in what is due to partners", async || {
        let waiting = nodes[0].api("GET", due, Value::Null).await;
        waiting["deliveries"].as_array().map(Vec::len) == Some(30)
    })
    .await;
    partners.stop();
    nodes.into_iter().for_each(|node| cluster.verify(&node.stop()));
}
