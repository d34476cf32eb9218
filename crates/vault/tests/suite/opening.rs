//! The key-encryption key: missing, wrong, rotated; schemas; seeds.

use crate::support::*;
use vault::{Vault, VaultError, VaultOptions};

#[tokio::test]
async fn a_missing_key_file_is_told_from_a_wrong_one_and_neither_is_replaced() {
    let place = Place::new().await;
    let vault = place.open().await;
    put(&vault, 1, 0, &["AA"]).await;
    vault.close().await;
    let kek = &place.options.kek_file;
    let kept = place.folder.path().join("kept");
    std::fs::rename(kek, &kept).unwrap();
    assert!(matches!(place.try_open().await.err(), Some(VaultError::KekMissing { .. })));
    assert!(!kek.exists(), "a new key would hide that the old one is lost");

    for (text, malformed) in [("ab".repeat(32), false), ("not a key".into(), true)] {
        std::fs::write(kek, text).unwrap();
        match place.try_open().await.err() {
            Some(VaultError::KekWrong { path }) => assert!(!malformed && path == *kek),
            Some(VaultError::KekMalformed { .. }) => assert!(malformed),
            other => panic!("{other:?}"),
        }
    }
    std::fs::rename(&kept, kek).unwrap();
    assert_eq!(read(&place.open().await, &["b1-0"]).await.unwrap(), ["AA"]);
}

#[tokio::test]
async fn a_key_file_that_was_laid_ready_is_used() {
    let place = Place::new().await;
    std::fs::write(&place.options.kek_file, "ab".repeat(32)).unwrap();
    place.open().await.close().await;
    assert_eq!(std::fs::read_to_string(&place.options.kek_file).unwrap(), "ab".repeat(32));
    place.open().await.close().await;
}

#[tokio::test]
async fn rotation_keeps_everything_readable_and_makes_the_old_key_useless() {
    let place = Place::new().await;
    let (vault, acme) = (place.open().await, merchant("acme"));
    put(&vault, 1, 0, &["AA"]).await;
    put(&vault, 2, 0, &["BB"]).await;
    let sealed = vault.ensure_merchant(&acme).await.unwrap().seal("msg-1/request", b"raw");
    vault.put_settings(&acme, &"taobao/a".parse().unwrap(), "{}").await.unwrap();
    vault.put_subjects(&acme, &[person("buyer-1", "openid", None)]).await.unwrap();
    let token = vault.issue_token("ops").await.unwrap();

    let new = place.folder.path().join("kek-2");
    assert_eq!(vault.rotate_kek(&new).await.unwrap(), 5);
    assert_eq!(read(&vault, &["b1-0", "b2-0"]).await.unwrap(), ["AA", "BB"]);
    put(&vault, 1, 1, &["CC"]).await;
    vault.close().await;

    assert!(matches!(place.try_open().await.err(), Some(VaultError::KekWrong { .. })));
    let options = VaultOptions { kek_file: new, ..place.options.clone() };
    let vault = Vault::open(options).await.unwrap();
    assert_eq!(read(&vault, &["b1-1", "b2-0", "b1-0"]).await.unwrap(), ["CC", "BB", "AA"]);
    assert_eq!(told(&put(&vault, 3, 0, &["AA"]).await), ["as b1-0"]);
    assert_eq!(vault.ensure_merchant(&acme).await.unwrap().open("msg-1/request", &sealed).unwrap(), b"raw");
    assert_eq!(vault.settings(&acme).await.unwrap().len(), 1);
    assert!(vault.read_subject(&acme, &"buyer-1".parse().unwrap()).await.unwrap().is_some());
    assert_eq!(vault.check_token(token.expose()).as_deref(), Some("ops"));
}

#[tokio::test]
async fn rotating_to_the_present_key_or_to_no_key_is_refused() {
    let place = Place::new().await;
    let vault = place.open().await;
    let same = vault.rotate_kek(&place.options.kek_file).await.err();
    assert!(matches!(same, Some(VaultError::KekUnchanged)));
    let bad = place.folder.path().join("bad");
    std::fs::write(&bad, "zz").unwrap();
    assert!(matches!(vault.rotate_kek(&bad).await.err(), Some(VaultError::KekMalformed { .. })));
    put(&vault, 1, 0, &["AA"]).await;
    vault.close().await;
    place.open().await.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotation_in_the_middle_of_work_loses_nothing() {
    let place = Place::new().await;
    let vault = place.open().await;
    put(&vault, 1, 0, &["START"]).await;
    let writer = tokio::spawn({
        let vault = vault.clone();
        async move {
            for n in 0..60 {
                put(&vault, 2 + n / 10, n % 10, &[&format!("KEY{n}")]).await;
            }
        }
    });
    let reader = tokio::spawn({
        let vault = vault.clone();
        async move {
            for _ in 0..200 {
                assert_eq!(read(&vault, &["b1-0"]).await.unwrap(), ["START"]);
            }
        }
    });
    for n in 0..6 {
        vault.rotate_kek(&place.folder.path().join(format!("kek-{n}"))).await.unwrap();
    }
    writer.await.unwrap();
    reader.await.unwrap();
    for n in 0..60 {
        let name = format!("b{}-{}", 2 + n / 10, n % 10);
        assert_eq!(read(&vault, &[&name]).await.unwrap(), [format!("KEY{n}")]);
    }
}

#[tokio::test]
async fn one_seed_gives_equal_fingerprints_in_two_vaults_and_other_seeds_do_not() {
    let mut seen = Vec::new();
    for seed in [Some([1; 32]), Some([1; 32]), Some([2; 32]), None, None] {
        let place = Place::seeded(seed).await;
        let vault = place.open().await;
        let keys = vault.ensure_merchant(&merchant("acme")).await.unwrap();
        let kek = std::fs::read_to_string(&place.options.kek_file).unwrap();
        seen.push((kek, keys.fingerprint("steam", "AA"), keys.pseudonym("taobao/a", "openid")));
    }
    assert_eq!(seen[0], seen[1]);
    for (a, b) in [(0, 2), (0, 3), (3, 4)] {
        assert!(seen[a].0 != seen[b].0 && seen[a].1 != seen[b].1 && seen[a].2 != seen[b].2);
    }
}

#[test]
fn a_vault_and_its_merchant_keys_go_from_thread_to_thread() {
    fn goes<T: Send + Sync + Clone + 'static>() {}
    goes::<Vault>();
    goes::<vault::MerchantKeys>();
}
