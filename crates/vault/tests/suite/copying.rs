//! Between a file and PostgreSQL, there and back.

use vault::{Vault, VaultError, VaultOptions, VaultPlace, copy};

use crate::support::*;

/// A vault in a file with something of everything, closed.
async fn stocked(folder: &std::path::Path) -> VaultOptions {
    let place = VaultPlace::File(folder.join("vault.db"));
    let options = VaultOptions { place, kek_file: folder.join("kek"), seed: None };
    let (vault, acme) = (Vault::open(options.clone()).await.unwrap(), merchant("acme"));
    put(&vault, 1, 0, &["AA", "BB"]).await;
    put(&vault, 2, 7, &["CC"]).await;
    for batch in 3..15 {
        put(&vault, batch, 0, &[&format!("KEY{batch}")]).await;
    }
    put_for(&vault, "other", "jd-100", "jd", 1, 0, &["AA"]).await.unwrap();
    vault.put_subjects(&acme, &[person("buyer-1", "openid", Some("地址"))]).await.unwrap();
    vault.put_settings(&acme, &"taobao/a".parse().unwrap(), "{}").await.unwrap();
    let until = vocabulary::Timestamp::from_secs(9);
    let mark = vault::PollMark { account: "taobao/a".parse().unwrap(), poll: "orders".into(), until };
    vault.put_poll_mark(&acme, &mark).await.unwrap();
    vault.issue_token("ops").await.unwrap();
    vault.ensure_merchant(&acme).await.unwrap();
    vault.close().await;
    options
}

#[tokio::test]
async fn a_vault_moves_to_postgresql_and_back_and_goes_on_there() {
    let (place, folder) = (Place::new().await, tempfile::tempdir().unwrap());
    let file = stocked(folder.path()).await;
    let copied = copy(&file, &place.options.place, false).await.unwrap();
    assert!(!copied.was_there && copied.rows >= 52, "{copied:?}");
    let again = copy(&file, &place.options.place, false).await.unwrap();
    assert!(again.was_there && (again.rows, &again.digest) == (copied.rows, &copied.digest));

    let moved = VaultOptions { place: place.options.place.clone(), ..file.clone() };
    let vault = Vault::open(moved.clone()).await.unwrap();
    assert_eq!(read(&vault, &["b2-7", "b1-0"]).await.unwrap(), ["CC", "AA"]);
    assert_eq!(told(&put(&vault, 20, 0, &["cc", "DD"]).await), ["as b2-7", "stored 0"]);
    put_for(&vault, "third", "x", "x", 1, 0, &["AA"]).await.unwrap();
    vault.close().await;

    // What went on there is not overwritten by the old state, unless that is asked for.
    let refused = copy(&file, &moved.place, false).await.err();
    assert!(matches!(refused, Some(VaultError::TargetTaken)), "{refused:?}");
    let back = VaultPlace::File(folder.path().join("back.db"));
    let there = copy(&moved, &back, false).await.unwrap();
    assert!(there.rows > copied.rows && there.digest != copied.digest);
    let vault = Vault::open(VaultOptions { place: back, ..file.clone() }).await.unwrap();
    assert_eq!(read(&vault, &["b20-0"]).await.unwrap(), ["DD"]);
    assert_eq!(copy(&file, &moved.place, true).await.unwrap().digest, copied.digest);
}

#[tokio::test]
async fn nothing_is_copied_from_nothing_and_nothing_without_its_key() {
    let (place, folder) = (Place::new().await, tempfile::tempdir().unwrap());
    let file = stocked(folder.path()).await;
    let empty = VaultOptions { kek_file: file.kek_file.clone(), ..place.options.clone() };
    let nothing = copy(&empty, &file.place, true);
    assert!(matches!(nothing.await.err(), Some(VaultError::NoVault)));
    std::fs::remove_file(&file.kek_file).unwrap();
    let shut = copy(&file, &place.options.place, false).await.err();
    assert!(matches!(shut, Some(VaultError::KekMissing { .. })), "{shut:?}");
}
