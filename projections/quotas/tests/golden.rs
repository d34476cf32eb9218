//! Hand-written scenarios and the rows they give.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fmt::Debug, str::FromStr, sync::Arc};

use events::{Fact, order::*, pool::*, procurement::*};
use projection::{
    Follower,
    testkit::{Scribe, check_laws, fold, merchant},
};
use projection_quotas::{PurchaseFilter, PurchaseState, Quotas, SkuBoard, batches, board, key, purchases};
use vocabulary::{BatchId, Currency, DeliveryMethod, KeyKind, KeyRef, Money, OrderId, Quantity, Timestamp};

fn of<T: FromStr>(text: &str) -> T
where
    T::Err: Debug,
{
    text.parse().unwrap()
}

fn order() -> OrderId {
    of("order-0198c1c0a0007000800000000000002a")
}

fn keys(texts: &[&str]) -> Vec<KeyRef> {
    texts.iter().map(|text| of(text)).collect()
}

/// A pool with ten one-shot keys in batch 1, and quotas: taobao has 4 set aside of at most 6, douyin has 3.
struct Shop(Scribe);

impl Shop {
    fn open() -> Self {
        let mut shop = Self(Scribe::new(merchant(), of_time("2026-01-02T03:00:00Z")));
        shop.batch(1, KeyKind::OneShot, None, 10);
        shop.quota("taobao/main", 4, Some(6));
        shop.quota("douyin/live", 3, None);
        shop
    }
    fn say(&mut self, fact: impl Into<Fact>) {
        self.0.record(of("pool-steam-50"), None, fact);
    }
    fn batch(&mut self, number: u32, key_kind: KeyKind, sell_until: Option<Timestamp>, count: usize) {
        let (sku, batch) = (of("steam-50"), BatchId(number));
        self.say(BatchOpened { sku, batch, key_kind, supplier: None, unit_cost: None, sell_until });
        let fingerprints = vec!["00".repeat(16); count];
        self.say(KeysImported { sku: of("steam-50"), batch, first_index: 0, fingerprints });
    }
    fn quota(&mut self, account: &str, floor: u64, cap: Option<u64>) {
        self.say(QuotaSet { sku: of("steam-50"), account: of(account), floor, cap, reason: "plan".into() });
    }
    fn reserve(&mut self, account: &str, texts: &[&str]) {
        let until = self.0.now.plus_secs(900);
        self.say(KeysReserved { order: order(), line: 0, account: of(account), keys: keys(texts), until });
    }
    fn allocate(&mut self, account: &str, texts: &[&str], chosen: AllocationReason) {
        self.say(KeysAllocated { order: order(), line: 0, account: of(account), keys: keys(texts), chosen });
    }
    fn quarantine(&mut self, texts: &[&str]) {
        let (sku, batch) = (of("steam-50"), BatchId(1));
        self.say(KeysQuarantined { sku, batch, keys: keys(texts), reason: "complaints".into() });
    }
    fn lift(&mut self, texts: &[&str]) {
        let (sku, batch) = (of("steam-50"), BatchId(1));
        self.say(QuarantineLifted { sku, batch, keys: keys(texts), reason: "checked".into() });
    }
    fn deliver(&mut self, texts: &[&str]) {
        let lines = vec![LineKeys { line: 0, sku: of("steam-50"), keys: keys(texts) }];
        self.0.record(
            order().stream(),
            None,
            OrderDelivered { delivery: 1, method: DeliveryMethod::Reply, lines },
        );
    }
    async fn board_at(&self, now: Timestamp) -> SkuBoard {
        let views = fold(Arc::new(Quotas), &self.0.events).await.unwrap();
        let mut conn = views.reader().acquire().await.unwrap();
        board(&mut conn, &merchant(), Some(&of("steam-50")), now).await.unwrap().remove(0)
    }
    /// Sellable, shared, and per account (douyin, taobao): taken, held, sold, available.
    async fn figures(&self) -> (u64, u64, Vec<[u64; 4]>) {
        let board = self.board_at(self.0.now).await;
        let account = |a: &projection_quotas::AccountQuota| [a.taken, a.held, a.sold, a.available];
        (board.sellable, board.shared, board.accounts.iter().map(account).collect())
    }
}

fn of_time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

#[tokio::test]
async fn quotas_count_what_is_held_and_sold_and_given_back() {
    let mut shop = Shop::open();
    assert_eq!(shop.figures().await, (10, 3, vec![[0, 0, 0, 6], [0, 0, 0, 6]]));
    shop.reserve("taobao/main", &["b1-0", "b1-1"]);
    assert_eq!(shop.figures().await, (8, 3, vec![[0, 0, 0, 6], [2, 2, 0, 4]]));
    shop.allocate("taobao/main", &["b1-0", "b1-1"], AllocationReason::Reserved);
    assert_eq!(
        shop.figures().await,
        (8, 3, vec![[0, 0, 0, 6], [2, 0, 2, 4]]),
        "its own reservation counts once"
    );
    shop.allocate("douyin/live", &["b1-2"], AllocationReason::Stock);
    shop.allocate("douyin/live", &["b1-3"], AllocationReason::Replacement);
    let wanted = (6, 2, vec![[1, 0, 2, 4], [2, 0, 2, 4]]);
    assert_eq!(shop.figures().await, wanted, "a replacement is outside the quota");
    shop.say(KeysReleased {
        order: order(),
        line: 0,
        account: of("taobao/main"),
        keys: keys(&["b1-0"]),
        reason: "cancelled".into(),
    });
    assert_eq!(shop.figures().await, (7, 2, vec![[1, 0, 2, 4], [1, 0, 1, 5]]));
    shop.quota("taobao/main", 1, Some(3));
    assert_eq!(
        shop.figures().await,
        (7, 4, vec![[1, 0, 2, 6], [0, 0, 1, 3]]),
        "a new quota counts from nothing"
    );
}

#[tokio::test]
async fn every_unit_is_in_one_place() {
    let mut shop = Shop::open();
    shop.allocate("taobao/main", &["b1-0", "b1-1", "b1-2"], AllocationReason::Stock);
    shop.deliver(&["b1-0", "b1-1"]);
    shop.deliver(&["b1-0", "b1-1"]);
    shop.say(KeysRevoked { order: order(), line: 0, keys: keys(&["b1-1"]), reason: "refunded".into() });
    shop.say(KeysVoided { keys: keys(&["b1-9"]), reason: "withdrawn".into() });
    shop.quarantine(&["b1-8"]);
    let views = fold(Arc::new(Quotas), &shop.0.events).await.unwrap();
    let batch = batches(views.reader(), &merchant(), &of("steam-50")).await.unwrap().remove(0);
    let counts = [
        batch.imported,
        batch.available,
        batch.quarantined,
        batch.reserved,
        batch.allocated,
        batch.delivered,
        batch.revoked,
        batch.voided,
    ];
    assert_eq!(counts, [10, 5, 1, 0, 1, 1, 1, 1]);
    let place = key(views.reader(), &merchant(), of("b1-1")).await.unwrap().unwrap();
    assert_eq!(
        (place.state.as_str(), place.order, place.account),
        ("revoked", Some(order()), Some(of("taobao/main")))
    );
    assert_eq!(key(views.reader(), &merchant(), of("b1-5")).await.unwrap(), None, "untouched");
}

#[tokio::test]
async fn quarantine_covers_units_and_whole_batches_now_and_when_units_return() {
    let mut shop = Shop::open();
    shop.reserve("taobao/main", &["b1-0"]);
    shop.quarantine(&["b1-9"]);
    assert_eq!(shop.figures().await.0, 8);
    shop.quarantine(&[]);
    assert_eq!(shop.figures().await.0, 0);
    shop.say(KeysReleased {
        order: order(),
        line: 0,
        account: of("taobao/main"),
        keys: keys(&["b1-0"]),
        reason: "expired".into(),
    });
    assert_eq!(shop.figures().await.0, 0, "what returns is kept back too");
    shop.lift(&[]);
    assert_eq!(shop.figures().await.0, 10, "all of the batch is on sale again");
    shop.quarantine(&["b1-3", "b1-4"]);
    shop.lift(&["b1-3"]);
    assert_eq!(shop.figures().await.0, 9);
}

#[tokio::test]
async fn whole_batches_come_and_go_alike_however_the_log_is_cut() {
    let mut shop = Shop::open();
    shop.reserve("taobao/main", &["b1-0", "b1-1"]);
    shop.quarantine(&["b1-5", "b1-0"]);
    shop.quarantine(&[]);
    shop.say(KeysReleased {
        order: order(),
        line: 0,
        account: of("taobao/main"),
        keys: keys(&["b1-0"]),
        reason: "expired".into(),
    });
    shop.lift(&["b1-6"]);
    shop.lift(&[]);
    shop.quarantine(&["b1-6"]);
    shop.quarantine(&[]);
    shop.lift(&["b1-5"]);
    shop.allocate("douyin/live", &["b1-5"], AllocationReason::Stock);
    shop.say(KeysVoided { keys: keys(&["b1-7"]), reason: "withdrawn".into() });
    for cut in 1..shop.0.events.len() {
        check_laws(Arc::new(Quotas), &shop.0.events, &[cut]).await.unwrap();
    }
    assert_eq!(shop.figures().await.0, 0);
    shop.lift(&[]);
    assert_eq!(shop.figures().await.0, 7, "all but one held, one allocated and one voided");
}

#[tokio::test]
async fn batches_whose_time_is_over_are_not_sold() {
    let mut shop = Shop::open();
    let end = of_time("2026-01-03T00:00:00Z");
    shop.batch(2, KeyKind::Reusable { use_limit: 3 }, Some(end), 5);
    assert_eq!(shop.figures().await.0, 25, "every use of a reusable key is a unit");
    assert_eq!(shop.board_at(end).await.sellable, 10);
}

#[tokio::test]
async fn an_event_that_contradicts_the_pool_is_put_aside_and_the_others_count() {
    let mut shop = Shop::open();
    shop.reserve("taobao/main", &["b1-0"]);
    shop.reserve("douyin/live", &["b1-0"]);
    shop.reserve("douyin/live", &["b1-1"]);
    let merchant = merchant();
    let views = Arc::new(projection::Views::temporary(vec![Arc::new(Quotas)]).await.unwrap());
    let mut follower = projection::Follower::new(views.clone(), &merchant).await.unwrap();
    let applied = follower.apply(shop.0.events.clone()).await.unwrap();
    assert_eq!(applied.quarantined, 1);
    let aside = views.quarantined(&merchant).await.unwrap();
    assert_eq!(aside[0].error, "unit b1-0 is reserved and cannot become reserved");
    let mut conn = views.reader().acquire().await.unwrap();
    let board = board(&mut conn, &merchant, None, shop.0.now).await.unwrap().remove(0);
    assert_eq!((board.sellable, board.accounts[0].held, board.accounts[1].held), (8, 1, 1));
}

/// A purchase of two keys at a supplier.
fn requested(shop: &mut Shop, our_no: &str, account: &str) {
    let wanted = ProcurementRequested {
        our_no: our_no.to_owned(),
        sku: of("steam-50"),
        account: of(account),
        item: "7".to_owned(),
        quantity: Quantity::try_from(2).unwrap(),
        max_price: Money::new(5_000, Currency::CNY),
        batch: BatchId(9),
        reason: "low stock".to_owned(),
    };
    shop.0.record(of(&format!("procurement-{our_no}")), None, wanted);
}

fn settled(shop: &mut Shop, our_no: &str, end: ProcurementEnd) {
    let fact = ProcurementSettled { our_no: our_no.to_owned(), end, reference: None };
    shop.0.record(of(&format!("procurement-{our_no}")), None, fact);
}

#[tokio::test]
async fn purchases_are_listed_with_what_came_of_them_newest_first_by_page_and_filter() {
    let mut shop = Shop::open();
    let numbers: Vec<String> = (0..4).map(|n| format!("{n:032x}")).collect();
    for (number, account) in numbers.iter().zip(["agiso/a", "acg-faka/b", "acg-faka/b", "acg-faka/b"]) {
        requested(&mut shop, number, account);
    }
    let (first, second) = (numbers[0].clone(), numbers[1].clone());
    let accepted = ProcurementAccepted { our_no: first.clone(), reference: Some("T-1".to_owned()) };
    shop.0.record(of(&format!("procurement-{first}")), None, accepted);
    let later = ProcurementEnd::ForAPerson { code: "unknown_outcome".to_owned() };
    settled(&mut shop, &first, later);
    settled(&mut shop, &first, ProcurementEnd::Keys { batch: BatchId(9), count: 1, asked: 2, duplicates: 1 });
    settled(
        &mut shop,
        &second,
        ProcurementEnd::Failed { code: "costs_more_than_allowed:50.02 CNY".to_owned() },
    );
    for cut in 1..shop.0.events.len() {
        check_laws(Arc::new(Quotas), &shop.0.events, &[cut]).await.unwrap();
    }
    let views = fold(Arc::new(Quotas), &shop.0.events).await.unwrap();
    let list = async |filter: PurchaseFilter, before, limit| {
        let (found, next) = purchases(views.reader(), &merchant(), &filter, before, limit).await.unwrap();
        (found.into_iter().map(|one| one.purchase).collect::<Vec<_>>(), next)
    };
    let all = PurchaseFilter::default;
    let (page, next) = list(all(), None, 3).await;
    assert_eq!(page, [&numbers[3], &numbers[2], &numbers[1]].map(Clone::clone));
    assert_eq!(list(all(), next, 3).await, (vec![first.clone()], None));
    let of_supplier = PurchaseFilter { account: Some(of("acg-faka/b")), ..all() };
    assert_eq!(list(of_supplier, None, 9).await.0.len(), 3);
    let failed = PurchaseFilter { state: Some(PurchaseState::Failed), ..all() };
    assert_eq!(list(failed, None, 9).await, (vec![second], None));
    let other = PurchaseFilter { sku: Some(of("steam-51")), ..all() };
    assert_eq!(list(other, None, 9).await, (Vec::new(), None));
    let (found, _) = purchases(views.reader(), &merchant(), &all(), None, 9).await.unwrap();
    let one = &found[3];
    assert_eq!((one.state, one.keys, one.duplicates), (PurchaseState::Keys, 1, 1));
    assert_eq!((one.reference.as_deref(), one.code.as_deref()), (Some("T-1"), None));
    assert!(one.ended_at.is_some() && one.last_pos > one.first_pos);
}

#[tokio::test]
async fn what_came_of_a_purchase_is_told_after_a_restart_that_met_other_events_first() {
    let mut shop = Shop::open();
    let number = "0".repeat(32);
    requested(&mut shop, &number, "agiso/a");
    let views = fold(Arc::new(Quotas), &shop.0.events).await.unwrap();
    let mut restarted = Follower::new(views.clone(), &merchant()).await.unwrap();
    let mut told = shop.0.events.len();
    shop.quota("taobao/main", 5, None);
    restarted.apply(shop.0.events[told..].to_vec()).await.unwrap();
    told = shop.0.events.len();
    settled(&mut shop, &number, ProcurementEnd::Failed { code: "sold_out".to_owned() });
    restarted.apply(shop.0.events[told..].to_vec()).await.unwrap();
    let of_number = PurchaseFilter { purchase: Some(number.clone()), ..PurchaseFilter::default() };
    let (found, _) = purchases(views.reader(), &merchant(), &of_number, None, 9).await.unwrap();
    assert_eq!((found[0].state, found[0].code.as_deref()), (PurchaseState::Failed, Some("sold_out")));
    let other = PurchaseFilter { purchase: Some("1".repeat(32)), ..PurchaseFilter::default() };
    assert_eq!(purchases(views.reader(), &merchant(), &other, None, 9).await.unwrap(), (Vec::new(), None));
}
