//! Every wish in every state of a shop account.

use events::{
    Fact,
    channel::{
        AttemptOutcome, AttemptRefused, ChannelAccessLost, ChannelAccessRenewed, ChannelConnected,
        ChannelKind, ChannelResumed, ChannelSuspended, ChannelTermsSet, ListingMapped, ListingRemoved,
        ReadBackRequested, ReadBackSettled, StockPushRequested, StockPushSettled, WantedLine,
    },
};
use vocabulary::{Account, Currency, Quantity, Reason, Sku};

use super::{Channel, Command, Figures, State};
use crate::Decider;

fn account() -> Account {
    "douyin/flagship".parse().unwrap()
}
fn sku(text: &str) -> Sku {
    text.parse().unwrap()
}
fn why() -> String {
    "holiday".into()
}
fn refused() -> AttemptOutcome {
    AttemptOutcome::Refused { code: "item_offline".into() }
}
fn retry() -> AttemptOutcome {
    AttemptOutcome::RetryAfter { secs: 9, code: "rate".into() }
}

fn connected() -> Fact {
    named("Flagship")
}
fn named(name: &str) -> Fact {
    let (account, orders_of) = (account(), account());
    let settings_digest = "00".repeat(32);
    ChannelConnected { account, name: name.into(), currency: Currency::CNY, orders_of, settings_digest }
        .into()
}
fn suspended() -> Fact {
    ChannelSuspended { account: account(), reason: why() }.into()
}
fn resumed() -> Fact {
    ChannelResumed { account: account(), reason: why() }.into()
}
fn mapped(to: &str) -> Fact {
    ListingMapped { account: account(), item: "i-1".into(), sku: sku(to) }.into()
}
fn removed() -> Fact {
    ListingRemoved { account: account(), item: "i-1".into() }.into()
}
fn terms(commission_bp: u32, sync_delay_s: u32, tags: &[&str]) -> Fact {
    let value_tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let (account, kind) = (account(), ChannelKind::Social);
    ChannelTermsSet { account, kind, commission_bp, pay_fee_bp: 60, sync_delay_s, value_tags }.into()
}
fn refusal(external_no: &str) -> Fact {
    let lines = vec![WantedLine { sku: sku("a"), quantity: Quantity::ONE }];
    let (external_no, reason) = (external_no.to_owned(), "out_of_stock".to_owned());
    AttemptRefused { account: account(), external_no, lines, reason }.into()
}
fn asked(external_no: &str) -> Fact {
    ReadBackRequested { account: account(), external_no: external_no.into() }.into()
}
fn answered(external_no: &str, outcome: AttemptOutcome) -> Fact {
    ReadBackSettled { account: account(), external_no: external_no.into(), outcome, attempts: 2 }.into()
}
fn pushed(available: u64) -> Fact {
    StockPushRequested { account: account(), item: "i-1".into(), sku: sku("a"), available }.into()
}
fn settled(available: u64, outcome: AttemptOutcome) -> Fact {
    StockPushSettled { account: account(), item: "i-1".into(), available, outcome, attempts: 1 }.into()
}

/// The wish whose only consequence is this fact.
fn wish(fact: Fact) -> Command {
    match fact {
        Fact::ChannelConnected(f) => Command::Connect {
            account: f.account,
            name: f.name,
            currency: f.currency,
            orders_of: f.orders_of,
            settings_digest: f.settings_digest,
        },
        Fact::ChannelSuspended(f) => Command::Suspend { account: f.account, reason: f.reason },
        Fact::ChannelResumed(f) => Command::Resume { account: f.account, reason: f.reason },
        Fact::ListingMapped(f) => Command::MapListing { account: f.account, item: f.item, sku: f.sku },
        Fact::ListingRemoved(f) => Command::RemoveListing { account: f.account, item: f.item },
        Fact::ReadBackRequested(f) => {
            Command::RequestReadBack { account: f.account, external_no: f.external_no }
        }
        Fact::ReadBackSettled(f) => Command::SettleReadBack {
            account: f.account,
            external_no: f.external_no,
            outcome: f.outcome,
            attempts: f.attempts,
        },
        Fact::StockPushRequested(f) => {
            Command::RequestStockPush { account: f.account, item: f.item, sku: f.sku, available: f.available }
        }
        Fact::StockPushSettled(f) => Command::SettleStockPush {
            account: f.account,
            item: f.item,
            available: f.available,
            outcome: f.outcome,
            attempts: f.attempts,
        },
        Fact::ChannelTermsSet(f) => Command::SetTerms(f),
        Fact::AttemptRefused(f) => Command::RecordRefusal {
            account: f.account,
            external_no: f.external_no,
            lines: f.lines,
            reason: f.reason,
        },
        other => panic!("no fact of a channel: {other:?}"),
    }
}

fn after(facts: &[Fact]) -> State {
    let mut state = State::default();
    facts.iter().for_each(|fact| Channel::evolve(&mut state, fact));
    state
}

/// Given these facts, the wish for `fact` is fulfilled by it, is fulfilled already, or is refused.
fn check(given: &[Fact], fact: Fact, then: Result<bool, Reason>) {
    let state = after(given);
    let decision = Channel::decide(&state, &wish(fact.clone())).map_err(|no| no.reason);
    let expected = then.map(|recorded| if recorded { vec![fact.clone()] } else { vec![] });
    assert_eq!(decision, expected, "{given:?} {fact:?}");
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
}

#[test]
fn nothing_but_connecting_is_possible_before_an_account_is_connected() {
    let done = AttemptOutcome::Done;
    let wishes = [
        suspended(),
        resumed(),
        mapped("a"),
        removed(),
        terms(500, 30, &[]),
        refusal("1"),
        asked("1"),
        answered("1", done.clone()),
        pushed(1),
        settled(1, done),
    ];
    for fact in wishes {
        check(&[], fact, Err(Reason::UnknownChannel));
    }
    check(&[], connected(), Ok(true));
}

#[test]
fn an_account_is_connected_anew_only_when_its_set_up_differs() {
    check(&[connected()], connected(), Ok(false));
    check(&[connected()], named("Outlet"), Ok(true));
    check(&[connected(), named("Outlet")], named("Outlet"), Ok(false));
    for name in ["", "a\tb", &"x".repeat(201)] {
        check(&[connected()], named(name), Err(Reason::InvalidValue));
    }
    let state = after(&[connected(), suspended(), named("Outlet")]);
    assert!(state.suspended(), "a new set-up does not resume sales");
    assert_eq!(state.connected().unwrap().name, "Outlet");
}

#[test]
fn sales_stop_once_and_go_on_once() {
    check(&[connected()], suspended(), Ok(true));
    check(&[connected()], resumed(), Ok(false));
    check(&[connected(), suspended()], suspended(), Ok(false));
    check(&[connected(), suspended()], resumed(), Ok(true));
    check(&[connected(), suspended(), resumed()], resumed(), Ok(false));
    check(&[connected(), suspended(), resumed()], suspended(), Ok(true));
}

#[test]
fn a_listing_is_mapped_moved_and_removed() {
    check(&[connected()], mapped("a"), Ok(true));
    check(&[connected()], removed(), Ok(false));
    check(&[connected(), mapped("a")], mapped("a"), Ok(false));
    check(&[connected(), mapped("a")], mapped("b"), Ok(true));
    check(&[connected(), mapped("a")], removed(), Ok(true));
    check(&[connected(), mapped("a"), removed()], removed(), Ok(false));
    check(&[connected(), suspended()], mapped("a"), Ok(true));
    for item in ["", "a\nb", &"x".repeat(201)] {
        let fact = ListingMapped { account: account(), item: item.into(), sku: sku("a") };
        check(&[connected()], fact.into(), Err(Reason::InvalidValue));
    }
    let other = ListingMapped { account: account(), item: "i-2".into(), sku: sku("b") };
    let state = after(&[connected(), mapped("a"), other.into(), mapped("b")]);
    assert_eq!(state.sku_of("i-1"), Some(&sku("b")));
    assert_eq!(state.items_of(&sku("b")).collect::<Vec<_>>(), ["i-1", "i-2"]);
    assert_eq!(state.items_of(&sku("a")).count(), 0);
    assert_eq!(state.listings().count(), 2);
}

#[test]
fn terms_are_set_once_until_they_differ() {
    check(&[connected()], terms(500, 30, &["trust"]), Ok(true));
    check(&[connected(), terms(500, 30, &["trust"])], terms(500, 30, &["trust"]), Ok(false));
    check(&[connected(), terms(500, 30, &["trust"])], terms(500, 30, &["speed"]), Ok(true));
    check(&[connected(), terms(500, 30, &[]), named("Outlet")], terms(500, 30, &[]), Ok(false));
    check(&[connected()], terms(10_000, 604_800, &["a", "b"]), Ok(true));
    let long = "x".repeat(51);
    let wrong = [
        terms(10_001, 30, &[]),
        terms(500, 604_801, &[]),
        terms(500, 30, &[""]),
        terms(500, 30, &[&long]),
        terms(500, 30, &["a", "b", "a"]),
        terms(500, 30, &["t"; 21]),
    ];
    for fact in wrong {
        check(&[connected()], fact, Err(Reason::InvalidValue));
    }
}

#[test]
fn every_refused_attempt_is_told() {
    check(&[connected()], refusal("1"), Ok(true));
    check(&[connected(), suspended(), refusal("1")], refusal("2"), Ok(true));
}

#[test]
fn one_read_back_is_pending_per_order_number() {
    let given = [connected(), asked("1")];
    check(&[connected()], asked("1"), Ok(true));
    check(&given, asked("1"), Ok(false));
    check(&given, asked("2"), Ok(true));
    for outcome in [AttemptOutcome::Done, refused(), AttemptOutcome::Abandoned { code: "x".into() }] {
        check(&[connected()], answered("1", outcome.clone()), Ok(false));
        check(&given, answered("1", outcome.clone()), Ok(true));
        check(&given, answered("2", outcome.clone()), Ok(false));
        check(
            &[connected(), asked("1"), answered("1", outcome.clone())],
            answered("1", outcome.clone()),
            Ok(false),
        );
        check(&[connected(), asked("1"), answered("1", outcome)], asked("1"), Ok(true));
    }
    check(&given, answered("1", retry()), Err(Reason::InvalidValue));
    check(&[connected()], asked(""), Err(Reason::InvalidValue));
    assert_eq!(
        after(&[connected(), asked("2"), asked("1")]).pending_read_backs().collect::<Vec<_>>(),
        ["1", "2"]
    );
}

#[test]
fn a_stock_figure_is_pushed_when_it_is_news_to_the_channel() {
    let start = [connected(), mapped("a")];
    let with = |more: &[Fact]| [&start[..], more].concat();
    let done = || AttemptOutcome::Done;
    check(&[connected()], pushed(5), Err(Reason::UnknownItem));
    check(&[connected(), mapped("b")], pushed(5), Err(Reason::UnknownItem));
    check(&start, pushed(5), Ok(true));
    check(&start, settled(5, done()), Ok(false));
    check(&with(&[pushed(5)]), pushed(5), Ok(false));
    check(&with(&[pushed(5)]), pushed(3), Ok(true));
    check(&with(&[pushed(5)]), settled(5, done()), Ok(true));
    check(&with(&[pushed(5)]), settled(5, retry()), Err(Reason::InvalidValue));
    check(&with(&[pushed(5), settled(5, done())]), pushed(5), Ok(false));
    check(&with(&[pushed(5), settled(5, done())]), pushed(3), Ok(true));
    check(&with(&[pushed(5), settled(5, done())]), settled(5, done()), Ok(false));
    check(&with(&[pushed(5), settled(5, done()), pushed(3)]), pushed(5), Ok(true));
    check(&with(&[pushed(5), settled(5, refused())]), pushed(5), Ok(true));
}

#[test]
fn a_newer_figure_stays_pending_when_the_older_one_settles() {
    let given = [connected(), mapped("a"), pushed(5), pushed(3)];
    let pending = |facts: &[Fact]| {
        after(facts).pending_pushes().map(|f| (f.item.to_owned(), f.available)).collect::<Vec<_>>()
    };
    assert_eq!(pending(&given), [("i-1".to_owned(), 3)]);
    check(&given, settled(5, AttemptOutcome::Done), Ok(true));
    let late = [&given[..], &[settled(5, AttemptOutcome::Done)]].concat();
    assert_eq!(pending(&late), [("i-1".to_owned(), 3)]);
    check(&late, pushed(3), Ok(false));
    let over = [&late[..], &[settled(3, AttemptOutcome::Done)]].concat();
    assert_eq!(pending(&over), []);
    assert_eq!(after(&over).figures("i-1"), Some(&Figures { pending: None, taken: Some(3) }));
}

#[test]
fn figures_of_an_item_are_forgotten_when_it_stands_for_something_else() {
    let settle = settled(5, AttemptOutcome::Done);
    for change in [removed(), mapped("b")] {
        let facts = [connected(), mapped("a"), pushed(5), change];
        assert_eq!(after(&facts).pending_pushes().count(), 0);
        check(&facts, settle.clone(), Ok(false));
    }
    let same = [connected(), mapped("a"), pushed(5), mapped("a")];
    assert_eq!(after(&same).pending_pushes().count(), 1);
}

fn renewal(replaces: &str) -> Command {
    let (account, settings_digest) = (account(), "11".repeat(32));
    Command::RecordRenewal { account, replaces: replaces.into(), settings_digest, next_at: None }
}
fn renewed() -> Fact {
    ChannelAccessRenewed { account: account(), settings_digest: "11".repeat(32), next_at: None }.into()
}
fn lost() -> Fact {
    ChannelAccessLost { account: account(), code: "expired".into() }.into()
}

#[test]
fn a_renewal_counts_only_for_the_settings_that_it_renewed() {
    let first = "00".repeat(32);
    assert_eq!(Channel::decide(&after(&[connected()]), &renewal(&first)).unwrap(), [renewed()]);
    let again = Channel::decide(&after(&[connected(), renewed()]), &renewal(&first)).unwrap_err();
    assert_eq!(again.reason, Reason::WrongState);
}

#[test]
fn access_is_lost_once_until_the_account_is_connected_anew_if_only_by_the_same_settings() {
    let lose = Command::RecordAccessLost { account: account(), code: "expired".into() };
    assert_eq!(Channel::decide(&after(&[connected()]), &lose).unwrap(), [lost()]);
    assert!(Channel::decide(&after(&[connected(), lost()]), &lose).unwrap().is_empty());
    let state = after(&[connected(), lost()]);
    assert_eq!(state.access_lost(), Some("expired"));
    assert_eq!(Channel::decide(&state, &wish(connected())).unwrap(), [connected()]);
    assert_eq!(after(&[connected(), lost(), connected()]).access_lost(), None);
}
