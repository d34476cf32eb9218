//! Every channel's story is played to its end: an order is paid, its keys are handed over, the money goes back, and then
//! the keys are revoked or the money is a loss. It is played with calls that fail, where the protocol makes any, and with
//! messages in the wrong order; and what the log says in the end is held against the other side's ledger.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{read, root};

/// The adapters whose other side is played in the engine's tests, because the demo shares it.
const PLAYED_BY_THE_ENGINE: [(&str, &str); 6] = [
    ("epay", "epay"),
    ("generic", "generic"),
    ("jd-game-card", "jd"),
    ("sandbox", "sandbox"),
    ("xianyu-erp", "xianyu"),
    ("xianyu-supply", "xianyu"),
];
/// Nothing is called there, so no call can fail.
const MAKE_NO_CALLS: [&str; 1] = ["declarative"];
/// What a new adapter starts from: a made-up protocol, without a story.
const NO_STORY: &str = "template";

/// The test of each adapter in which messages of one order come in the wrong order: its money back before its payment,
/// its end before its beginning, an older state after a newer one, a question or a repeat before an answer.
const OUT_OF_ORDER: [(&str, &str); 27] = [
    ("acg-faka", "calls_in_the_wrong_order_and_replies_that_are_lost_leave_both_ledgers_the_same"),
    ("agiso", "pushes_of_an_order_that_overtake_each_other_lead_to_one_delivery_and_the_books_agree"),
    ("alipay", "a_notification_that_overtakes_its_order_is_taken_when_it_is_repeated"),
    ("bepusdt", "an_expired_trade_calls_nothing_off_for_its_transfer_may_still_come"),
    ("declarative", "money_back_that_overtakes_the_payment_or_the_order_leaves_no_live_key_with_the_buyer"),
    ("douyin", "pushes_that_repeat_and_overtake_each_other_change_nothing"),
    ("dujiao-next", "calls_and_callbacks_that_overtake_each_other_leave_both_ledgers_the_same"),
    (
        "epay",
        "words_of_site_and_gateway_that_overtake_each_other_leave_the_gateways_ledger_and_ours_the_same",
    ),
    ("generic", "money_that_went_back_revokes_the_keys_once_however_often_and_early_it_is_told"),
    (
        "jd-game-card",
        "queries_orders_and_call_backs_that_overtake_each_other_leave_jds_ledger_and_ours_the_same",
    ),
    ("jd-general-trade", "a_query_may_come_before_its_order_and_a_refund_by_staff_ends_both"),
    ("kuaishou", "messages_that_repeat_and_overtake_each_other_change_nothing"),
    ("paypal", "an_event_that_comes_before_its_order_is_asked_for_again_and_a_silent_paypal_is_asked_again"),
    ("pinduoduo", "with_doubled_and_overtaking_messages_and_calls_that_fail_the_books_agree"),
    ("sandbox", "with_doubled_lost_and_overtaking_messages_and_calls_that_are_not_answered_the_books_agree"),
    ("shopify", "a_refund_that_comes_before_its_order_leaves_no_key_with_the_buyer"),
    ("stripe", "an_event_that_overtakes_its_order_is_taken_when_stripe_repeats_it"),
    ("taobao", "a_trade_that_nobody_told_of_is_found_by_the_list_and_a_late_message_changes_nothing"),
    ("telegram", "updates_that_come_twice_or_out_of_order_change_nothing"),
    ("wechat-pay", "a_notification_that_overtakes_its_order_is_taken_when_it_is_repeated"),
    ("wechat-shop", "pushes_of_a_shop_order_that_overtake_each_other_leave_wechats_ledger_and_ours_the_same"),
    (
        "wechat-shop",
        "news_of_a_virtual_payment_that_overtakes_the_order_or_an_answer_leaves_both_ledgers_the_same",
    ),
    ("woocommerce", "a_refund_at_the_shop_closes_the_order_before_or_after_it_is_known"),
    ("xianyu-erp", "an_order_of_the_erp_platform_that_is_told_of_backwards_gets_its_keys_once_or_none"),
    (
        "xianyu-supply",
        "words_of_both_interfaces_that_overtake_each_other_leave_goofishs_ledger_and_ours_the_same",
    ),
    ("xiaohongshu", "pushes_that_repeat_and_overtake_each_other_change_nothing"),
    ("youzan", "with_doubled_pushes_and_calls_that_fail_every_order_is_shipped_once_and_the_log_agrees"),
];

/// The files of a folder and of the folders in it that use the real engine.
fn of_world(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let texts = files.iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let texts = texts.map(|path| fs::read_to_string(path).unwrap());
    let own = texts.filter(|text| text.contains("channel_world::"));
    own.chain(folders.iter().flat_map(|folder| of_world(folder))).collect()
}

/// The stories of each adapter, as text.
fn stories() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for folder in fs::read_dir(root().join("channel-adapters")).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap().to_owned();
        let mut text = of_world(&folder.join("tests")).concat();
        for (_, file) in PLAYED_BY_THE_ENGINE.iter().filter(|(adapter, _)| **adapter == name) {
            text += &read(&format!("crates/engine/tests/channels/{file}.rs"));
        }
        all.insert(name, text);
    }
    all
}

#[test]
fn every_channels_story_is_played_in_the_wrong_order_and_its_log_is_held_against_the_other_sides_ledger() {
    let stories = stories();
    let told: BTreeSet<&str> = OUT_OF_ORDER.iter().map(|(name, _)| *name).collect();
    for (name, story) in stories.iter().filter(|(name, _)| *name != NO_STORY) {
        assert!(
            story.contains("Books::of("),
            "no test of {name} holds the log against the other side's ledger"
        );
        assert!(told.contains(name.as_str()), "which test of {name} has messages in the wrong order?");
    }
    for (name, test) in OUT_OF_ORDER {
        let found = stories.get(name).is_some_and(|story| story.contains(&format!("async fn {test}(")));
        assert!(found, "{name} has no test {test}");
    }
}

#[test]
fn every_channels_story_ends_with_its_keys_revoked_and_is_played_with_calls_that_fail() {
    let stories = stories();
    assert!(stories.len() > 25, "{}", stories.len());
    for (name, story) in stories.iter().filter(|(name, _)| *name != NO_STORY) {
        let ends = ["RefundSettled", ".refunded", "refund_by_hand"].iter().any(|word| story.contains(word))
            && ["KeysRevoked", ".revoked"].iter().any(|word| story.contains(word));
        assert!(ends, "no test of {name} ends with money paid back and keys revoked");
        let fails = story.contains("Fault::") || story.contains("timeout_after_success");
        assert!(fails || MAKE_NO_CALLS.contains(&name.as_str()), "no call of {name} fails in a test");
    }
}
