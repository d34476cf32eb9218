//! The history of an order told, folded into rows, and carried in a file.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, sync::Arc};

use events::{RecordedEvent, chain::GENESIS, staff::*};
use projection::testkit::{Scribe, fold, merchant, plausible_history};
use projection_orders::{Change, FileError, HistoryFile, Order, OrderView, Orders, history, steps};
use proptest::prelude::*;
use serde_json::{Value, json};
use vocabulary::{OrderId, Position, Timestamp};

/// The own events of every order of a history.
fn orders_of(all: &[RecordedEvent]) -> BTreeMap<OrderId, Vec<RecordedEvent>> {
    let mut orders: BTreeMap<OrderId, Vec<RecordedEvent>> = BTreeMap::new();
    for event in all {
        if let Ok(order) = event.stream.as_str().parse() {
            orders.entry(order).or_default().push(event.clone());
        }
    }
    orders
}

/// An order as shown, without what every event changes.
fn shown(events: &[RecordedEvent]) -> Value {
    let order = Order::fold(events).unwrap();
    let mut view = serde_json::to_value(OrderView::from(&order)).unwrap();
    for field in ["first_pos", "last_pos", "event_count"] {
        view.as_object_mut().unwrap().remove(field);
    }
    view
}

fn apply(state: &mut Value, change: &Change) {
    if let Some(place) = state.pointer_mut(change.path.as_ref()) {
        assert_eq!(*place, change.from, "{}", change.path);
        *place = change.to.clone();
        return;
    }
    assert_eq!(change.from, Value::Null, "{}", change.path);
    let (parent, name) = change.path.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    state.pointer_mut(parent).unwrap()[name] = change.to.clone();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn s3_the_changes_of_each_step_lead_from_its_state_to_the_next(seed in any::<u64>()) {
        for (order, events) in orders_of(&plausible_history(seed, 400)) {
            let told = steps(order, events.clone()).unwrap();
            let mut state = shown(&events[..1]);
            for (n, step) in told.iter().enumerate().skip(1) {
                step.changes.iter().for_each(|change| apply(&mut state, change));
                prop_assert_eq!(&state, &shown(&events[..=n]), "{} at {}", order, step.position);
            }
        }
    }
}

#[tokio::test]
async fn the_rows_hold_the_same_reasons_as_the_told_history() {
    let all = plausible_history(11, 3_000);
    let views = fold(Arc::new(Orders), &all).await.unwrap();
    let mut codes = 0;
    for (order, events) in orders_of(&all) {
        let rows: Vec<Option<String>> = sqlx::query_scalar(
            "SELECT reason_code FROM fct_order_event WHERE order_id = ? AND other_stream IS NULL ORDER BY pos",
        )
        .bind(order.to_string())
        .fetch_all(views.reader())
        .await
        .unwrap();
        let told: Vec<Option<String>> =
            steps(order, events).unwrap().into_iter().map(|step| step.reason_code).collect();
        assert_eq!(told, rows, "{order}");
        codes += rows.iter().flatten().count();
    }
    assert!(codes > 20, "{codes}");
}

#[tokio::test]
async fn what_staff_looked_for_and_took_away_stands_in_the_history_of_each_order_named() {
    let (first, second): (OrderId, OrderId) = (
        "order-0198c1c0a0007000800000000000002a".parse().unwrap(),
        "order-0198c1c0a0017000800000000000002b".parse().unwrap(),
    );
    let mut scribe = Scribe::new(merchant(), Timestamp::from_secs(1_767_322_800));
    let desk = || "staff-lin-tao".parse().unwrap();
    let search =
        SearchRun { kinds: vec!["phone".into()], digest: "ab".into(), orders: vec![first, second, first] };
    scribe.record(desk(), None, search);
    let export = ExportMade {
        views: vec!["order history".into()],
        format: "json".into(),
        as_of: Position(1),
        rows: 1,
        order: Some(second),
    };
    scribe.record(desk(), None, export);
    let views = fold(Arc::new(Orders), &scribe.events).await.unwrap();
    let types = async |order| {
        let all = history(views.reader(), &merchant(), order, Position(0), 10).await.unwrap();
        all.into_iter().map(|entry| (entry.type_name, entry.stream)).collect::<Vec<_>>()
    };
    let of = |name: &str| (name.to_owned(), "staff-lin-tao".to_owned());
    assert_eq!(types(first).await, [of("SearchRun")]);
    assert_eq!(types(second).await, [of("SearchRun"), of("ExportMade")]);
}

/// The longest history of a plausible one, with the hash before each event.
fn exported() -> HistoryFile {
    let all = plausible_history(5, 2_000);
    let (order, events) = orders_of(&all).into_iter().max_by_key(|(_, events)| events.len()).unwrap();
    let previous = |event: &RecordedEvent| match event.position.0 {
        1 => GENESIS,
        position => all[usize::try_from(position).unwrap() - 2].hash,
    };
    let linked: Vec<_> = events.into_iter().map(|event| (previous(&event), event)).collect();
    let head = all.last().unwrap();
    HistoryFile::new((merchant(), order), Timestamp::from_secs(0), (head.position, head.hash), &linked)
}

#[test]
fn s8_a_file_gives_back_the_very_events_that_were_written() {
    let file = exported();
    let text = file.to_json().unwrap();
    let read = HistoryFile::read(text.as_bytes()).unwrap();
    assert_eq!(read, file);
    let live = orders_of(&plausible_history(5, 2_000)).remove(&file.order).unwrap();
    assert_eq!(read.history(), live);
    assert_eq!(read.to_json().unwrap(), text);
}

/// What is said of the file after `tamper` was at it.
fn refused(tamper: impl Fn(&mut Value)) -> String {
    let mut file: Value = serde_json::from_str(&exported().to_json().unwrap()).unwrap();
    tamper(&mut file);
    match HistoryFile::read(file.to_string().as_bytes()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn s8_a_file_that_was_tampered_with_is_refused_and_the_place_is_named() {
    let file = exported();
    let count = file.history().len();
    for n in 0..count {
        let position = file.history()[n].position;
        let named = format!("event {position} of the file was changed: its hash does not fit");
        for field in ["payload", "metadata"] {
            let said = refused(|file| {
                let text = file["events"][n][field].as_str().unwrap().replacen(':', ": ", 1);
                file["events"][n][field] = json!(text);
            });
            assert_eq!(said, named);
        }
        let later = refused(|file| file["events"][n]["recorded_at"] = json!("2026-01-02T03:04:05.000006Z"));
        assert_eq!(later, named);
        let said = refused(|file| drop(file["events"].as_array_mut().unwrap().remove(n)));
        assert!(said.contains("missing") || said.starts_with("the digest of the file"), "{said}");
    }
    let swapped = refused(|file| file["events"].as_array_mut().unwrap().swap(0, 1));
    assert!(swapped.contains("is not the order's event 0, which is missing"), "{swapped}");
    let head = refused(|file| file["head"]["position"] = json!(1));
    assert_eq!(head, "the head of the file does not fit the last event");
    let when = refused(|file| file["exported_at"] = json!("2026-01-02T03:04:05.000006Z"));
    assert!(when.starts_with("the digest of the file does not fit"), "{when}");
    let merchant = refused(|file| file["merchant"] = json!("other"));
    assert!(merchant.contains("was changed: its hash does not fit"), "{merchant}");
    let more = refused(|file| file["note"] = json!("x"));
    assert!(more.contains("unknown field `note`"), "{more}");
}

#[test]
fn a_file_of_a_later_format_is_told_from_a_broken_one() {
    let read = |text: &str| HistoryFile::read(text.as_bytes());
    let newer = read(r#"{"format":"kami-order-history","format_version":2}"#);
    assert!(matches!(newer, Err(FileError::NewerFormat { found: 2 })));
    assert!(matches!(read(r#"{"format":"x","format_version":1}"#), Err(FileError::Shape(_))));
    assert!(matches!(read("no JSON"), Err(FileError::Shape(_))));
}
