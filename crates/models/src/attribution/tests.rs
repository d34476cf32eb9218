//! The models on a small set of paths whose answers are known.

use proptest::prelude::*;

use super::*;

const DAY: i64 = DAY_SECS;

/// A path over channels of one letter each, a day apart, with an order an hour after the last touch.
fn path(channels: &str, net_minor: Option<i64>) -> Path {
    let touch = |(day, channel): (i64, char)| Touch { at: day * DAY, channel: channel.to_string() };
    let touches: Vec<Touch> = (0..).zip(channels.chars()).map(touch).collect();
    let end = touches.last().map_or(0, |touch| touch.at) + 3_600;
    Path::new(touches, net_minor.map(|net_minor| Ordered { at: end, net_minor }), 30)
}

/// {D→W→O three orders, D→O 2, T 5, W→O 1, D→W lost 4, D lost 5}, each order of 1.00.
fn known() -> Vec<Path> {
    let ordered = [("DWO", 3), ("DO", 2), ("T", 5), ("WO", 1)].map(|(of, n)| vec![path(of, Some(100)); n]);
    let lost = [("DW", 4), ("D", 5)].map(|(of, n)| vec![path(of, None); n]);
    ordered.into_iter().chain(lost).flatten().collect()
}

fn orders(paths: &[Path], model: Model) -> Vec<(String, f64)> {
    attribute(paths, model, 7.0).into_iter().map(|(channel, credit)| (channel, credit.orders)).collect()
}

fn assert_orders(model: Model, wanted: [(&str, f64); 4]) {
    for ((channel, orders), (wanted_channel, wanted)) in orders(&known(), model).iter().zip(wanted) {
        assert_eq!(channel, wanted_channel);
        assert!((orders - wanted).abs() < 1e-9, "{model} {channel}: {orders}, not {wanted}");
    }
}

#[test]
fn markov_shares_are_the_known_ones() {
    let share = |share: f64| 11.0 * share;
    assert_orders(
        Model::Markov,
        [("D", share(0.25)), ("O", share(0.30)), ("T", share(0.25)), ("W", share(0.20))],
    );
}

#[test]
fn whoever_comes_straight_to_a_channel_is_not_mixed_with_those_led_there() {
    // Of those led to B by A nobody orders; A therefore has no part in the orders of B.
    let paths = [path("B", Some(1)), path("B", Some(1)), path("AB", None), path("AC", Some(1))];
    let credits = orders(&paths, Model::Markov);
    let wanted = [("A", 0.75), ("B", 1.5), ("C", 0.75)];
    for ((channel, orders), (wanted_channel, wanted)) in credits.iter().zip(wanted) {
        assert_eq!(channel, wanted_channel);
        assert!((orders - wanted).abs() < 1e-9, "{channel}: {orders}");
    }
}

#[test]
fn shapley_values_are_the_known_ones() {
    assert_orders(Model::Shapley, [("D", 2.0), ("O", 2.5), ("T", 5.0), ("W", 1.5)]);
}

#[test]
fn the_simple_models_divide_each_order_as_they_say() {
    assert_orders(Model::First, [("D", 5.0), ("O", 0.0), ("T", 5.0), ("W", 1.0)]);
    assert_orders(Model::Last, [("D", 0.0), ("O", 6.0), ("T", 5.0), ("W", 0.0)]);
    assert_orders(Model::Linear, [("D", 2.0), ("O", 2.5), ("T", 5.0), ("W", 1.5)]);
    assert_orders(Model::Position, [("D", 2.2), ("O", 2.7), ("T", 5.0), ("W", 1.1)]);
}

#[test]
fn a_touch_a_half_life_earlier_counts_half() {
    let touch = |at: i64, channel: &str| Touch { at, channel: channel.to_owned() };
    let touches = vec![touch(7 * DAY, "late"), touch(0, "early")];
    let path = Path::new(touches, Some(Ordered { at: 7 * DAY, net_minor: 300 }), 30);
    let credits = attribute(&[path], Model::Decay, 7.0);
    assert_eq!(credits["early"].net_minor, 100);
    assert_eq!(credits["late"].net_minor, 200);
    assert!((credits["early"].orders - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn touches_older_than_the_window_or_after_the_order_lead_to_nothing() {
    let touch = |day: i64, channel: &str| Touch { at: day * DAY, channel: channel.to_owned() };
    let touches = vec![touch(0, "old"), touch(1, "first"), touch(31, "last"), touch(32, "after")];
    let path = Path::new(touches, Some(Ordered { at: 31 * DAY, net_minor: 5 }), 30);
    let credits = attribute(&[path], Model::Linear, 7.0);
    assert_eq!(credits.keys().collect::<Vec<_>>(), ["first", "last"]);
    assert_eq!(credits["first"].net_minor + credits["last"].net_minor, 5);
}

#[test]
fn shapley_counts_a_channel_once_and_linear_each_touch() {
    let paths = [path("AAB", Some(300))];
    assert_eq!(attribute(&paths, Model::Linear, 7.0)["A"].net_minor, 200);
    assert_eq!(attribute(&paths, Model::Shapley, 7.0)["A"].net_minor, 150);
    assert_eq!(attribute(&paths, Model::Markov, 7.0)["A"].net_minor, 150);
}

#[test]
fn without_orders_nobody_is_credited() {
    for model in Model::ALL {
        let credits = attribute(&[path("AB", None)], model, 7.0);
        assert!(credits.values().all(|credit| *credit == Credit::default()), "{model}");
        assert_eq!(attribute(&[path("", Some(100))], model, 7.0).len(), 0);
    }
}

prop_compose! {
    fn any_path()(channels in "[A-F]{1,6}", net in proptest::option::of(0..100_000_i64)) -> Path {
        path(&channels, net)
    }
}

proptest! {
    #[test]
    fn credits_add_up_to_the_orders_and_their_money_in_any_order_of_the_paths(
        paths in proptest::collection::vec(any_path(), 1..60),
        turn in 0..60_usize,
    ) {
        let count = paths.iter().filter(|path| path.ordered.is_some()).count() as f64;
        let net: i64 = paths.iter().filter_map(|path| path.ordered).map(|ordered| ordered.net_minor).sum();
        let mut turned = paths.clone();
        turned.rotate_left(turn % paths.len());
        for model in Model::ALL {
            let credits = attribute(&paths, model, 7.0);
            let orders: f64 = credits.values().map(|credit| credit.orders).sum();
            prop_assert!((orders - count).abs() < 1e-9, "{model}: {orders} of {count}");
            prop_assert_eq!(credits.values().map(|credit| credit.net_minor).sum::<i64>(), net);
            prop_assert_eq!(credits, attribute(&turned, model, 7.0));
        }
    }
}
