//! Every channel's story is played to its end: an order is paid, its keys are handed over, the money goes back, and then
//! the keys are revoked or the money is a loss. And it is played with calls that fail, where the protocol makes any.

use std::{collections::BTreeMap, fs, path::PathBuf};

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
/// Nothing is called there, so no call can fail; the last is what a new adapter starts from.
const MAKE_NO_CALLS: [&str; 3] = ["acg-faka", "declarative", "template"];

/// The stories of each adapter, as text.
fn stories() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for folder in fs::read_dir(root().join("channel-adapters")).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap().to_owned();
        let tests = fs::read_dir(folder.join("tests")).unwrap().map(|entry| entry.unwrap().path());
        let of_world = |path: &PathBuf| {
            path.extension().is_some_and(|end| end == "rs")
                && fs::read_to_string(path).unwrap().contains("channel_world::")
        };
        let mut text: String = tests.filter(of_world).map(|path| fs::read_to_string(path).unwrap()).collect();
        for (_, file) in PLAYED_BY_THE_ENGINE.iter().filter(|(adapter, _)| **adapter == name) {
            text += &read(&format!("crates/engine/tests/channels/{file}.rs"));
        }
        all.insert(name, text);
    }
    all
}

#[test]
fn every_channels_story_ends_with_its_keys_revoked_and_is_played_with_calls_that_fail() {
    let stories = stories();
    assert!(stories.len() > 25, "{}", stories.len());
    for (name, story) in stories.iter().filter(|(name, _)| *name != "template") {
        let ends = ["RefundSettled", ".refunded", "refund_by_hand"].iter().any(|word| story.contains(word))
            && ["KeysRevoked", ".revoked"].iter().any(|word| story.contains(word));
        assert!(ends, "no test of {name} ends with money paid back and keys revoked");
        let fails = story.contains("Fault::") || story.contains("timeout_after_success");
        assert!(fails || MAKE_NO_CALLS.contains(&name.as_str()), "no call of {name} fails in a test");
    }
}
