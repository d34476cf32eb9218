//! Card keys: storing, telling duplicates, discarding orphans, opening, finding.

use std::collections::BTreeMap;

use crate::KIND;
use crate::support::*;
use proptest::prelude::*;
use vault::{KEYS_MAX, KeyPut, KeyVerdict, Vault, VaultError};
use vocabulary::{BatchId, CardKey, Secret};

#[tokio::test]
async fn keys_come_back_in_the_order_asked_for() {
    let place = Place::new().await;
    let vault = place.open().await;
    assert_eq!(told(&put(&vault, 1, 0, &["AA", "BB"]).await), ["stored 0", "stored 1"]);
    assert_eq!(told(&put(&vault, 1, 2, &["CC"]).await), ["stored 2"]);
    assert_eq!(told(&put(&vault, 2, 0, &["DD"]).await), ["stored 0"]);
    let names = ["b2-0", "b1-2", "b1-0", "b1-1", "b1-1.3", "b1-0"];
    assert_eq!(read(&vault, &names).await.unwrap(), ["DD", "CC", "AA", "BB", "BB", "AA"]);
    assert_eq!(vault.opened_count(), 6);
    assert!(read(&vault, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_pair_keeps_its_pin_and_its_last_day() {
    let place = Place::new().await;
    let vault = place.open().await;
    let day = chrono::NaiveDate::from_ymd_opt(2027, 12, 31);
    let pair = CardKey { pin: Some(Secret::new("9876".into())), expires_on: day, ..key("1234-5678") };
    let (sku, acme) = ("jd-100".parse().unwrap(), merchant("acme"));
    let put = KeyPut { sku: &sku, family: "jd", batch: BatchId(1), first_index: 0, keys: &[pair] };
    vault.put_keys(&acme, put).await.unwrap();
    let opened = vault.open_keys(&acme, &["b1-0".parse().unwrap()]).await.unwrap();
    assert_eq!(opened[0].code.expose(), "1234-5678");
    assert_eq!(opened[0].pin.as_ref().unwrap().expose(), "9876");
    assert_eq!(opened[0].expires_on, day);
}

#[tokio::test]
async fn duplicates_are_told_within_a_call_and_across_calls_and_batches() {
    let place = Place::new().await;
    let vault = place.open().await;
    let told_first = told(&put(&vault, 1, 0, &["AAAA-BBBB", "aaaabbbb", "CC", "ＡＡＡＡ　ＢＢＢＢ"]).await);
    assert_eq!(told_first, ["stored 0", "as b1-0", "stored 1", "as b1-0"]);
    assert_eq!(told(&put(&vault, 1, 2, &["cc", "DD"]).await), ["as b1-1", "stored 2"]);
    assert_eq!(told(&put(&vault, 2, 0, &["dd", "EE", "CC"]).await), ["as b1-2", "stored 0", "as b1-1"]);
    assert_eq!(told(&put(&vault, 3, 0, &["EE", "ee"]).await), ["as b2-0", "as b2-0"]);
    assert_eq!(vault.batch_sizes(&merchant("acme")).await.unwrap(), [(BatchId(1), 3), (BatchId(2), 1)]);
}

#[tokio::test]
async fn families_and_merchants_do_not_know_each_others_keys() {
    let place = Place::new().await;
    let vault = place.open().await;
    let mut prints = Vec::new();
    for (who, family, batch) in [("acme", "steam", 1), ("acme", "jd", 2), ("other", "steam", 1)] {
        let verdicts = put_for(&vault, who, "x", family, batch, 0, &["AA"]).await.unwrap();
        let [KeyVerdict::Stored { index: 0, fingerprint }] = &verdicts[..] else { panic!("{verdicts:?}") };
        let keys = vault.ensure_merchant(&merchant(who)).await.unwrap();
        assert_eq!(*fingerprint, keys.fingerprint(family, " aa "));
        assert_eq!(fingerprint.len(), 32);
        prints.push(fingerprint.clone());
    }
    prints.sort();
    prints.dedup();
    assert_eq!(prints.len(), 3, "equal fingerprints would tell one merchant of another's stock");
    assert_eq!(vault.batch_sizes(&merchant("nobody")).await.unwrap(), []);
    let foreign = vault.open_keys(&merchant("nobody"), &["b1-0".parse().unwrap()]).await;
    assert!(matches!(foreign, Err(VaultError::KeyMissing { .. })));
}

#[tokio::test]
async fn orphans_are_discarded_and_can_be_imported_again() {
    let place = Place::new().await;
    let vault = place.open().await;
    let acme = merchant("acme");
    put(&vault, 1, 0, &["AA", "BB", "CC", "DD"]).await;
    assert_eq!(vault.discard_keys_from(&acme, BatchId(1), 2).await.unwrap(), 2);
    assert_eq!(vault.discard_keys_from(&acme, BatchId(1), 2).await.unwrap(), 0);
    assert_eq!(vault.batch_sizes(&acme).await.unwrap(), [(BatchId(1), 2)]);
    assert!(read(&vault, &["b1-2"]).await.is_err());
    assert_eq!(told(&put(&vault, 1, 2, &["BB", "CC", "DD"]).await), ["as b1-1", "stored 2", "stored 3"]);
    assert_eq!(read(&vault, &["b1-3", "b1-0"]).await.unwrap(), ["DD", "AA"]);
}

#[tokio::test]
async fn a_batch_that_was_discarded_whole_may_be_begun_for_another_item() {
    let place = Place::new().await;
    let vault = place.open().await;
    let acme = merchant("acme");
    put(&vault, 1, 0, &["AA"]).await;
    let other = |batch| put_for(&vault, "acme", "jd-100", "jd", batch, 1, &["BB"]);
    assert!(matches!(other(1).await, Err(VaultError::BatchMismatch { batch: BatchId(1) })));
    assert_eq!(vault.discard_keys_from(&acme, BatchId(1), 0).await.unwrap(), 1);
    assert_eq!(vault.discard_keys_from(&acme, BatchId(9), 0).await.unwrap(), 0);
    other(1).await.unwrap();
    assert_eq!(read(&vault, &["b1-1"]).await.unwrap(), ["BB"]);
}

#[tokio::test]
async fn a_call_that_is_refused_stores_nothing() {
    let place = Place::new().await;
    let vault = place.open().await;
    put(&vault, 1, 5, &["AA"]).await;
    let codes = ["BB", "CC"];
    let again = put_for(&vault, "acme", "steam-50", "steam", 1, 5, &codes).await;
    assert!(matches!(again, Err(VaultError::IndexTaken { batch: BatchId(1), index: 5 })));
    let before = put_for(&vault, "acme", "steam-50", "steam", 1, 0, &codes).await;
    assert!(matches!(before, Err(VaultError::IndexTaken { .. })));
    let empty = put_for(&vault, "acme", "steam-50", "steam", 2, 0, &["BB", " \t"]).await;
    assert!(matches!(empty, Err(VaultError::EmptyKey { place: 1 })));
    let beyond = put_for(&vault, "acme", "steam-50", "steam", 2, u32::MAX, &codes).await;
    assert!(matches!(beyond, Err(VaultError::TooManyKeys { .. })));
    let crowd = vec!["BB"; KEYS_MAX + 1];
    let crowd = put_for(&vault, "acme", "steam-50", "steam", 2, 0, &crowd).await;
    assert!(matches!(crowd, Err(VaultError::TooManyKeys { max: KEYS_MAX })));
    assert!(put(&vault, 2, 0, &[]).await.is_empty());
    assert_eq!(vault.batch_sizes(&merchant("acme")).await.unwrap(), [(BatchId(1), 6)]);
    assert_eq!(vault.find_key(&merchant("acme"), None, "BB").await.unwrap(), None);
}

#[tokio::test]
async fn a_missing_key_is_named_and_nothing_is_opened() {
    let place = Place::new().await;
    let vault = place.open().await;
    put(&vault, 1, 0, &["AA", "BB"]).await;
    for (names, missing) in [(["b1-0", "b1-7"], "b1-7"), (["b3-0", "b1-0"], "b3-0")] {
        let error = read(&vault, &names).await.err().unwrap();
        assert_eq!(error.to_string(), format!("the vault holds no key {missing}"));
    }
    assert_eq!(vault.opened_count(), 0);
}

#[tokio::test]
async fn a_key_is_found_by_any_spelling_in_one_family_or_in_all() {
    let place = Place::new().await;
    let vault = place.open().await;
    put(&vault, 1, 0, &["ABCD-EFGH", "1"]).await;
    put_for(&vault, "acme", "jd-100", "jd", 2, 0, &["JJJJ-KKKK"]).await.unwrap();
    let acme = merchant("acme");
    let find = async |family, text| vault.find_key(&acme, family, text).await.unwrap();
    assert_eq!(find(None, "abcd efgh").await, Some((BatchId(1), 0)));
    assert_eq!(find(None, "jjjjkkkk").await, Some((BatchId(2), 0)));
    assert_eq!(find(Some("jd"), "JJJJ-KKKK").await, Some((BatchId(2), 0)));
    assert_eq!(find(Some("steam"), "JJJJ-KKKK").await, None);
    assert_eq!(find(Some("unknown"), "1").await, None);
    assert_eq!(find(None, "ABCD-EFG").await, None);
    assert_eq!(vault.find_key(&merchant("other"), None, "ABCD-EFGH").await.unwrap(), None);
}

#[tokio::test]
async fn a_data_key_that_has_sealed_enough_gives_way_to_another() {
    let place = Place::new().await;
    let vault = place.open().await;
    put(&vault, 1, 0, &["AA"]).await;
    place.tamper("UPDATE data_key SET seals = (1 << 20) - 1").await;
    put(&vault, 1, 1, &["BB"]).await;
    put(&vault, 1, 2, &["CC", "DD"]).await;
    assert_eq!(place.tamper("UPDATE data_key SET seals = seals").await, 2);
    assert_eq!(read(&vault, &["b1-2", "b1-0", "b1-1"]).await.unwrap(), ["CC", "AA", "BB"]);
}

#[tokio::test]
async fn everything_stored_is_there_after_opening_again() {
    let place = Place::new().await;
    let vault = place.open().await;
    put(&vault, 1, 0, &["AA", "BB"]).await;
    vault.close().await;
    assert!(read(&vault, &["b1-0"]).await.is_err());
    let vault = place.open().await;
    assert_eq!(read(&vault, &["b1-1", "b1-0"]).await.unwrap(), ["BB", "AA"]);
    assert_eq!(told(&put(&vault, 2, 0, &["AA"]).await), ["as b1-0"]);
    assert_eq!(vault.opened_count(), 2);
}

/// What the vault should do, said with a map.
#[derive(Default)]
struct Model(BTreeMap<(u32, u32), String>);

impl Model {
    fn size(&self, batch: u32) -> u32 {
        self.0.range((batch, 0)..=(batch, u32::MAX)).next_back().map_or(0, |(place, _)| place.1 + 1)
    }
    fn put(&mut self, batch: u32, codes: &[String]) -> Vec<String> {
        let mut index = self.size(batch);
        let mut one = |code: &String| match self.0.iter().find(|(_, known)| *known == code) {
            Some(((batch, index), _)) => format!("as b{batch}-{index}"),
            None => {
                self.0.insert((batch, index), code.clone());
                index += 1;
                format!("stored {}", index - 1)
            }
        };
        codes.iter().map(&mut one).collect()
    }
}

async fn agrees_with_model(steps: Vec<(bool, u32, Vec<u8>)>) {
    let place = Place::new().await;
    let vault: Vault = place.open().await;
    let mut model = Model::default();
    for (discard, batch, numbers) in steps {
        let size = model.size(batch);
        if discard {
            let from = numbers.first().map_or(0, |n| u32::from(*n) % (size + 1));
            let gone: Vec<_> = model.0.range((batch, from)..=(batch, u32::MAX)).map(|(k, _)| *k).collect();
            let count = vault.discard_keys_from(&merchant("acme"), BatchId(batch), from).await.unwrap();
            assert_eq!(count, gone.len() as u64);
            gone.iter().for_each(|place| drop(model.0.remove(place)));
        } else {
            let codes: Vec<String> = numbers.iter().map(|n| format!("KEY{n}")).collect();
            let texts: Vec<&str> = codes.iter().map(String::as_str).collect();
            assert_eq!(told(&put(&vault, batch, size, &texts).await), model.put(batch, &codes));
        }
    }
    let names: Vec<String> = model.0.keys().map(|(batch, index)| format!("b{batch}-{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(read(&vault, &names).await.unwrap(), model.0.values().cloned().collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if KIND == Kind::File { 24 } else { 6 }))]
    #[test]
    fn any_imports_and_discards_leave_what_the_model_says(
        steps in proptest::collection::vec(
            (proptest::bool::weighted(0.3), 1u32..4, proptest::collection::vec(0u8..40, 0..12)), 1..12)
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(agrees_with_model(steps));
    }
}
