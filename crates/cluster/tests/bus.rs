//! Requests between nodes over a real NATS server, which is killed on the way.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{path::Path, time::Duration};

use cluster::{AskError, Bus, Door, NewsKind};
use futures::StreamExt;
use testkit::nats::NatsServer;

/// Far longer than anything here takes that comes at all.
const PATIENCE: Duration = Duration::from_secs(60);

fn server() -> NatsServer {
    NatsServer::start(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

async fn bus(server: &NatsServer, node: &str) -> Bus {
    Bus::new(async_nats::connect(server.url()).await.unwrap(), node)
}

#[tokio::test]
async fn an_answer_of_any_size_comes_back_whole_and_a_refusal_as_one() {
    let server = server();
    let (asks, answers) = (bus(&server, "a").await, bus(&server, "b").await);
    let mut requests = Box::pin(answers.requests(Door::Http).await.unwrap());
    // What was asked for is known to the server before anybody asks.
    answers.flush().await.unwrap();
    let large: Vec<u8> = (0..5_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    for wanted in [Vec::new(), b"small".to_vec(), large] {
        let (asked, ()) = tokio::join!(asks.ask("b", Door::Http, b"request".to_vec(), PATIENCE), async {
            let request = requests.next().await.unwrap();
            assert_eq!(request.payload, b"request"[..]);
            request.answer(&wanted).await.unwrap();
        });
        assert!(asked.unwrap() == wanted, "{} bytes came back otherwise", wanted.len());
    }
    let (asked, ()) = tokio::join!(asks.ask("b", Door::Http, Vec::new(), PATIENCE), async {
        requests.next().await.unwrap().not_mine().await.unwrap();
    });
    let error = asked.unwrap_err();
    assert!(matches!(error, AskError::NotMine) && error.is_harmless());
}

#[tokio::test]
async fn whoever_asks_knows_whether_anybody_has_the_request() {
    let mut server = server();
    let (asks, answers) = (bus(&server, "a").await, bus(&server, "b").await);
    let nobody = asks.ask("b", Door::Http, Vec::new(), PATIENCE).await.unwrap_err();
    assert!(matches!(nobody, AskError::NobodyThere) && nobody.is_harmless());
    let large = asks.ask("b", Door::Http, vec![0; 2 << 20], PATIENCE).await.unwrap_err();
    assert!(matches!(large, AskError::TooLarge) && large.is_harmless());

    let mut requests = Box::pin(answers.requests(Door::Http).await.unwrap());
    answers.flush().await.unwrap();
    let (asked, ()) =
        tokio::join!(asks.ask("b", Door::Http, Vec::new(), Duration::from_millis(200)), async {
            drop(requests.next().await.unwrap());
        });
    let silent = asked.unwrap_err();
    assert!(matches!(silent, AskError::Silent) && !silent.is_harmless());

    server.kill();
    while asks.is_up() {
        tokio::task::yield_now().await;
    }
    let away = asks.ask("b", Door::Http, Vec::new(), PATIENCE).await.unwrap_err();
    assert!(matches!(away, AskError::Away) && away.is_harmless());
    asks.tell(NewsKind::Nodes, None).await;
}

#[tokio::test]
async fn what_is_said_at_one_door_is_not_heard_at_the_other() {
    let server = server();
    let (asks, answers) = (bus(&server, "a").await, bus(&server, "b").await);
    let mut effects = Box::pin(answers.requests(Door::Effects).await.unwrap());
    answers.flush().await.unwrap();
    let nobody = asks.ask("b", Door::Http, Vec::new(), PATIENCE).await.unwrap_err();
    assert!(matches!(nobody, AskError::NobodyThere), "{nobody}");
    let (asked, ()) = tokio::join!(asks.ask("b", Door::Effects, b"what?".to_vec(), PATIENCE), async {
        let asked = effects.next().await.unwrap();
        assert_eq!(asked.payload, b"what?"[..]);
        asked.answer(b"this").await.unwrap();
    });
    assert_eq!(asked.unwrap(), b"this");
}

#[tokio::test]
async fn news_are_heard_by_the_others_also_those_of_a_newer_build() {
    let server = server();
    let (tells, hears) = (bus(&server, "a").await, bus(&server, "b").await);
    let mut heard = Box::pin(hears.news().await.unwrap());
    hears.flush().await.unwrap();
    hears.tell(NewsKind::Nodes, None).await;
    let plain = async_nats::connect(server.url()).await.unwrap();
    let newer = r#"{"kind":"merged","node":"z","merchant":"shop","why":{"because":1}}"#;
    plain.publish("kami-cluster.news", "no news".into()).await.unwrap();
    plain.publish("kami-cluster.news", newer.into()).await.unwrap();
    plain.flush().await.unwrap();
    assert_eq!(heard.next().await.unwrap().kind, NewsKind::Other);
    tells.tell(NewsKind::Freed, Some(&"shop".parse().unwrap())).await;
    let news = heard.next().await.unwrap();
    assert_eq!((news.kind, news.node.as_str()), (NewsKind::Freed, "a"));
}
