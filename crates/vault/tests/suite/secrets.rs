//! Messages, people, settings, tokens; and that none of it lies in the files in clear.

use crate::KIND;
use crate::support::*;
use proptest::prelude::*;
use vault::{Vault, VaultError};
use vocabulary::{BuyerId, Secret};

pub(crate) fn buyer(text: &str) -> BuyerId {
    text.parse().unwrap()
}

/// Reference and details of a person of the merchant `acme`.
pub(crate) async fn known(vault: &Vault, who: &str) -> Option<(String, Option<String>)> {
    let subject = vault.read_subject(&merchant("acme"), &buyer(who)).await.unwrap()?;
    assert_eq!(subject.buyer, buyer(who));
    let details = subject.details.map(|details| details.expose().clone());
    Some((subject.reference.expose().clone(), details))
}

#[tokio::test]
async fn a_message_opens_for_its_merchant_and_context_alone() {
    let place = Place::new().await;
    let vault = place.open().await;
    let acme = vault.ensure_merchant(&merchant("acme")).await.unwrap();
    let other = vault.ensure_merchant(&merchant("other")).await.unwrap();
    let sealed = acme.seal("msg-1/request", b"raw bytes");
    assert_eq!(acme.open("msg-1/request", &sealed).unwrap(), b"raw bytes");
    assert!(acme.open("msg-1/answer", &sealed).is_err());
    assert!(acme.open("msg-2/request", &sealed).is_err());
    assert!(other.open("msg-1/request", &sealed).is_err());
    assert_ne!(sealed, acme.seal("msg-1/request", b"raw bytes"), "two seals never look alike");
    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let error = acme.open("msg-1/request", &altered).err();
        assert!(matches!(error, Some(VaultError::NotAuthentic { .. })), "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert!(acme.open("msg-1/request", &sealed[..length]).is_err());
    }
}

#[tokio::test]
async fn messages_open_after_a_restart() {
    let place = Place::new().await;
    let vault = place.open().await;
    let sealed = vault.ensure_merchant(&merchant("acme")).await.unwrap().seal("m", b"");
    vault.close().await;
    let keys = place.open().await.ensure_merchant(&merchant("acme")).await.unwrap();
    assert_eq!(keys.open("m", &sealed).unwrap(), b"");
}

#[tokio::test]
async fn a_pseudonym_is_the_same_for_one_person_and_another_for_each_scope_and_merchant() {
    let place = Place::new().await;
    let vault = place.open().await;
    let acme = vault.ensure_merchant(&merchant("acme")).await.unwrap();
    let other = vault.ensure_merchant(&merchant("other")).await.unwrap();
    let one = acme.pseudonym("taobao/a", "openid-1");
    assert_eq!(one, acme.pseudonym("taobao/a", "openid-1"));
    assert!(one.as_str().starts_with("buyer-") && one.as_str().len() == 38);
    for different in [
        acme.pseudonym("taobao/b", "openid-1"),
        acme.pseudonym("taobao/a", "openid-2"),
        acme.pseudonym("taobao/aopenid", "-1"),
        other.pseudonym("taobao/a", "openid-1"),
    ] {
        assert_ne!(one, different);
    }
}

#[tokio::test]
async fn what_is_known_of_a_person_is_kept_and_repeating_it_writes_nothing() {
    let place = Place::new().await;
    let (vault, acme) = (place.open().await, merchant("acme"));
    let first = [person("buyer-1", "openid", Some("address")), person("buyer-2", "nick", None)];
    assert_eq!(vault.put_subjects(&acme, &first).await.unwrap(), 2);
    assert_eq!(vault.put_subjects(&acme, &first).await.unwrap(), 0);
    assert_eq!(known(&vault, "buyer-1").await, Some(("openid".into(), Some("address".into()))));
    assert_eq!(known(&vault, "buyer-2").await, Some(("nick".into(), None)));
    assert_eq!(known(&vault, "buyer-3").await, None);

    let later = [person("buyer-1", "renamed", None), person("buyer-1", "again", None)];
    assert_eq!(vault.put_subjects(&acme, &later).await.unwrap(), 1);
    assert_eq!(known(&vault, "buyer-1").await, Some(("again".into(), Some("address".into()))));
    assert!(vault.read_subject(&merchant("other"), &buyer("buyer-1")).await.unwrap().is_none());
    assert_eq!(vault.put_subjects(&acme, &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn settings_are_replaced_and_listed_by_account() {
    let place = Place::new().await;
    let (vault, acme) = (place.open().await, merchant("acme"));
    for (account, json) in [("taobao/b", "1"), ("taobao/a", "2"), ("taobao/b", "3")] {
        vault.put_settings(&acme, &account.parse().unwrap(), json).await.unwrap();
    }
    let all = vault.settings(&acme).await.unwrap();
    let all: Vec<(&str, &str)> = all.iter().map(|(a, json)| (a.as_str(), json.expose().as_str())).collect();
    assert_eq!(all, [("taobao/a", "2"), ("taobao/b", "3")]);
    assert!(vault.settings(&merchant("other")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_is_known_by_its_whole_text_until_it_is_revoked() {
    let place = Place::new().await;
    let vault = place.open().await;
    let token = vault.issue_token("ops").await.unwrap();
    let second = vault.issue_token("analyst").await.unwrap();
    assert_eq!(vault.check_token(token.expose()).as_deref(), Some("ops"));
    vault.close().await;
    let vault = place.open().await;
    assert_eq!(vault.check_token(token.expose()).as_deref(), Some("ops"));
    let names: Vec<String> = vault.tokens().into_iter().map(|token| token.name).collect();
    assert_eq!(names, ["analyst", "ops"]);

    let public_id = token.expose().split('_').nth(1).unwrap();
    assert!(vault.revoke_token(public_id).await.unwrap());
    assert!(!vault.revoke_token(public_id).await.unwrap());
    assert_eq!(vault.check_token(token.expose()), None);
    assert_eq!(vault.check_token(second.expose()).as_deref(), Some("analyst"));
    vault.close().await;
    assert_eq!(place.open().await.check_token(token.expose()), None);
    for bad in ["", "  ", "a\nb", &"x".repeat(65)] {
        assert!(matches!(place.open().await.issue_token(bad).await.err(), Some(VaultError::BadTokenName)));
    }
}

#[tokio::test]
async fn no_other_text_passes_for_a_token() {
    let place = Place::new().await;
    let vault = place.open().await;
    let (one, two) = (vault.issue_token("one").await.unwrap(), vault.issue_token("two").await.unwrap());
    let token = one.expose();
    for n in 0..token.len() {
        assert_eq!(vault.check_token(&token[..n]), None);
        let mut altered = token.clone().into_bytes();
        altered[n] = if altered[n] == b'0' { b'1' } else { b'0' };
        assert_eq!(vault.check_token(std::str::from_utf8(&altered).unwrap()), None);
    }
    // A right checksum over another token's secret is still refused.
    let part = |token: &Secret<String>, n: usize| token.expose().split('_').nth(n).unwrap().to_owned();
    let crossed = format!("kami_{}_{}", part(&one, 1), part(&two, 2));
    assert_eq!(vault.check_token(&format!("{crossed}_{:08x}", crc(crossed.as_bytes()))), None);
    let rebuilt = format!("kami_{}_{}", part(&one, 1), part(&one, 2));
    assert!(vault.check_token(&format!("{rebuilt}_{:08x}", crc(rebuilt.as_bytes()))).is_some());
    for odd in ["", "_", "kami_", "kami___", "kami_a_b_00000000", "卡_密_中_台"] {
        assert_eq!(vault.check_token(odd), None);
    }
}

/// CRC-32 by table, another way than the vault's own.
fn crc(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0u32..256)
        .map(|n| (0..8).fold(n, |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 }))
        .collect();
    !bytes.iter().fold(!0u32, |c, b| table[((c ^ u32::from(*b)) & 0xff) as usize] ^ (c >> 8))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if KIND == Kind::File { 64 } else { 4 }))]
    #[test]
    fn any_message_opens_to_what_was_sealed(
        plain in proptest::collection::vec(any::<u8>(), 0..2000), context in ".{0,40}"
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let place = runtime.block_on(Place::seeded(Some([3; 32])));
        let keys = runtime.block_on(async { place.open().await.ensure_merchant(&merchant("acme")).await.unwrap() });
        let sealed = keys.seal(&context, &plain);
        prop_assert_eq!(keys.open(&context, &sealed).unwrap(), plain);
        let other = context.clone() + "x";
        prop_assert!(keys.open(&other, &sealed).is_err());
    }
}
