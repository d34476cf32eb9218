//! A partner who is told of events, and verifies them with the SDK of Standard Webhooks.

use serde_json::json;

use crate::{
    clients,
    kami::{Kami, paid},
    receiver::Receiver,
    site::OWN,
};

#[tokio::test]
async fn a_partner_built_on_the_sdk_takes_our_webhooks_and_refuses_forged_ones() {
    let (dir, mut receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
    let settings = [("KAMI_PARTNERS__ALLOW_PRIVATE", "true")];
    let kami = Kami::start_with(dir.path(), "127.0.0.1:0".parse().unwrap(), &settings);
    kami.set_up(&[OWN], 2).await;
    let wanted = json!({ "url": receiver.url, "event_types": ["order.delivered"] });
    let first = kami.api("PUT", "/v1/subscriptions/erp", wanted).await;
    kami.send(OWN, "m-1", &paid("A-1", 1, 2888).to_string()).await.unwrap();
    let before = receiver.took(1).await.remove(0);
    let second = kami.api("POST", "/v1/subscriptions/erp/rotate", json!({})).await;
    kami.send(OWN, "m-2", &paid("A-2", 1, 2888).to_string()).await.unwrap();
    let after = receiver.took(2).await.remove(1);
    for (secret, got) in
        [(&first["secret"], &before), (&first["secret"], &after), (&second["secret"], &after)]
    {
        let job = json!({ "secret": secret, "body": got.body, "headers": got.signed() });
        let told = clients::run("own_site_reads.py", &job);
        assert_eq!(told["event"], got.json());
    }
    assert!(kami.stop());
}
