//! Leases, against a real server.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{sync::Arc, time::Duration};

use event_log_postgres::leases::{Leases, Node, Worker};
use testkit_postgres::Database;
use vocabulary::{Epoch, MerchantId};

/// Long enough that no test outlives it; what is to have ended is ended by hand.
const LONG: Duration = Duration::from_secs(60);

fn node(name: &str, process: &str) -> Node {
    Node {
        name: name.to_owned(),
        process: process.to_owned(),
        advertise: String::new(),
        version: "1".to_owned(),
        protocol: 1,
        merchants: vec![shop()],
        at_most: 10,
        takes: true,
    }
}

fn shop() -> MerchantId {
    "shop".parse().unwrap()
}

async fn open(database: &Database) -> Leases {
    Leases::open(database.url(), LONG).await.unwrap()
}

/// Ends every lease and sign of life, as time does.
async fn let_time_pass(database: &Database) {
    let both =
        "UPDATE kami_cluster.lease SET expires_at = now(); UPDATE kami_cluster.node SET alive_until = now()";
    database.run(both).await;
}

#[tokio::test]
async fn a_merchant_is_taken_by_one_of_many_and_by_another_when_the_lease_has_ended() {
    let database = Database::new().await;
    let leases = Arc::new(open(&database).await);
    leases.live(&node("n0", "p0")).await.unwrap();
    let all: Vec<_> = (0..16)
        .map(|n| {
            let leases = leases.clone();
            let node = node(&format!("n{n}"), &format!("p{n}"));
            tokio::spawn(async move { leases.take(&node, &shop()).await.unwrap().map(|term| (node, term)) })
        })
        .collect();
    let mut took = Vec::new();
    for one in all {
        took.extend(one.await.unwrap());
    }
    let [(first, 1)] = took.as_slice() else { panic!("{took:?}") };
    assert_eq!(leases.renew(first).await.unwrap().get(&shop()), Some(&1));

    let_time_pass(&database).await;
    assert!(leases.renew(first).await.unwrap().is_empty(), "what has ended is not renewed");
    let second = node("other", "q");
    assert_eq!(leases.take(&second, &shop()).await.unwrap(), Some(2));
    assert!(!leases.serve(first, &shop(), 1, Epoch(1)).await.unwrap());
    leases.give_up(first, &shop(), 1).await.unwrap();
    assert!(leases.serve(&second, &shop(), 2, Epoch(7)).await.unwrap(), "another's lease is left alone");
    leases.live(&second).await.unwrap();
    let standing = leases.standing().await.unwrap();
    let lease = standing.leases[&shop()].clone().unwrap();
    assert_eq!((lease.node.as_str(), lease.term, lease.epoch), ("other", 2, Epoch(7)));
    assert_eq!(standing.nodes.keys().collect::<Vec<_>>(), ["other"]);

    leases.give_up(&second, &shop(), 2).await.unwrap();
    assert_eq!(leases.standing().await.unwrap().leases[&shop()], None);
    assert_eq!(leases.take(first, &shop()).await.unwrap(), Some(3));
}

#[tokio::test]
async fn a_name_is_of_one_process_until_its_sign_of_life_ends() {
    let database = Database::new().await;
    let leases = open(&database).await;
    let (first, second) = (node("a", "one"), node("a", "two"));
    assert!(leases.live(&first).await.unwrap());
    assert!(leases.live(&first).await.unwrap());
    assert!(!leases.live(&second).await.unwrap());
    let_time_pass(&database).await;
    assert!(leases.live(&second).await.unwrap());
    assert!(!leases.live(&first).await.unwrap());
    leases.leave(&first).await.unwrap();
    assert_eq!(leases.standing().await.unwrap().nodes["a"], second, "a process takes its own name away only");
    leases.leave(&second).await.unwrap();
    assert!(leases.live(&first).await.unwrap());
}

#[tokio::test]
async fn builds_of_different_age_share_the_tables_and_emptying_them_does_no_harm() {
    let database = Database::new().await;
    let old = open(&database).await;
    assert!(old.live(&node("a", "one")).await.unwrap());
    old.take(&node("a", "one"), &shop()).await.unwrap();
    // As a later build would.
    database.run("ALTER TABLE kami_cluster.node ADD COLUMN zone text NOT NULL DEFAULT ''").await;
    database.run("ALTER TABLE kami_cluster.lease ADD COLUMN why text NOT NULL DEFAULT ''").await;
    let again = open(&database).await;
    assert!(again.live(&node("a", "one")).await.unwrap());
    assert_eq!(old.renew(&node("a", "one")).await.unwrap().len(), 1);
    assert_eq!(old.standing().await.unwrap(), again.standing().await.unwrap());

    database.run("TRUNCATE kami_cluster.node, kami_cluster.lease").await;
    assert!(old.renew(&node("a", "one")).await.unwrap().is_empty());
    assert!(old.live(&node("a", "one")).await.unwrap());
    assert_eq!(old.take(&node("a", "one"), &shop()).await.unwrap(), Some(1));
}

fn worker(process: &str) -> Worker {
    Worker { work: "effects", name: "w".to_owned(), process: process.to_owned() }
}

#[tokio::test]
async fn work_is_done_by_one_worker_and_in_a_higher_term_by_the_next_also_when_the_table_was_emptied() {
    let database = Database::new().await;
    let leases = open(&database).await;
    let (one, two) = (worker("p"), worker("q"));
    let first = leases.take_work(&one, &shop()).await.unwrap().unwrap();
    assert_eq!(leases.take_work(&two, &shop()).await.unwrap(), None);
    let other_work = Worker { work: "sums", ..worker("q") };
    assert!(leases.take_work(&other_work, &shop()).await.unwrap().is_some(), "each kind has its own lease");
    assert_eq!(leases.renew_work(&one).await.unwrap().get(&shop()), Some(&first));
    assert_eq!(leases.renew_work(&two).await.unwrap().len(), 0, "another kind of work is not this one's");
    assert_eq!(leases.doing("effects", &shop()).await.unwrap().as_deref(), Some("w"));
    assert_eq!(leases.doing("nothing", &shop()).await.unwrap(), None);

    database.run("UPDATE kami_cluster.work SET expires_at = now()").await;
    assert!(leases.renew_work(&one).await.unwrap().is_empty(), "what has ended is not renewed");
    assert_eq!(leases.doing("effects", &shop()).await.unwrap(), None);
    let second = leases.take_work(&two, &shop()).await.unwrap().unwrap();
    assert!(second > first);
    leases.give_up_work(&one, &shop(), first).await.unwrap();
    assert_eq!(leases.renew_work(&two).await.unwrap().get(&shop()), Some(&second), "it is left alone");

    database.run("DELETE FROM kami_cluster.work").await;
    let third = leases.take_work(&one, &shop()).await.unwrap().unwrap();
    assert!(third > second);
    leases.give_up_work(&one, &shop(), third).await.unwrap();
    assert!(leases.take_work(&two, &shop()).await.unwrap().is_some_and(|fourth| fourth > third));
    leases.close().await;
}
