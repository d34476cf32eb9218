//! What holds of a file alone: its mode, its bytes, its versions.

use std::os::unix::fs::PermissionsExt;

use vault::VaultError;

use crate::secrets::{buyer, known};
use crate::support::*;

#[tokio::test]
async fn the_first_start_makes_both_files_for_their_owner_alone() {
    let place = Place::new().await;
    place.open().await.close().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place.options.kek_file), mode(place.path())), (0o400, 0o600));
    assert_eq!(std::fs::read_to_string(&place.options.kek_file).unwrap().len(), 64);
}

#[tokio::test]
async fn a_first_start_that_was_cut_short_is_finished_by_the_next() {
    let place = Place::new().await;
    std::fs::write(&place.options.kek_file, "ab".repeat(32)).unwrap();
    std::fs::write(place.path(), "").unwrap();
    put(&place.open().await, 1, 0, &["AA"]).await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let place = Place::new().await;
    place.open().await.close().await;
    place.tamper("PRAGMA user_version = 7").await;
    let error = place.try_open().await.err();
    assert!(matches!(error, Some(VaultError::NewerSchema { found: 7, known: 2 })), "{error:?}");
}

#[tokio::test]
async fn a_vault_from_before_there_were_polls_gets_their_marks() {
    let place = Place::new().await;
    put(&place.open().await, 1, 0, &["AA"]).await;
    place.tamper("DROP TABLE poll_mark").await;
    place.tamper("PRAGMA user_version = 1").await;
    let (vault, acme) = (place.open().await, merchant("acme"));
    assert_eq!(read(&vault, &["b1-0"]).await.unwrap(), ["AA"]);
    let mark = |until| vault::PollMark {
        account: "taobao/a".parse().unwrap(),
        poll: "orders".to_owned(),
        until: vocabulary::Timestamp::from_secs(until),
    };
    for until in [1, 2] {
        vault.put_poll_mark(&acme, &mark(until)).await.unwrap();
    }
    assert_eq!(vault.poll_marks(&acme).await.unwrap(), [mark(2)]);
    assert!(vault.poll_marks(&merchant("other")).await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_that_the_old_key_wrapped_is_left_in_the_files() {
    let place = Place::new().await;
    let vault = place.open().await;
    put(&vault, 1, 0, &["AA"]).await;
    let sql =
        "SELECT wrapped FROM data_key UNION ALL SELECT pepper FROM root UNION ALL SELECT canary FROM root";
    let old = place.blobs(sql).await;
    assert!(old.len() == 3 && old.iter().all(|wrapped| place.holds(wrapped)));
    vault.rotate_kek(&place.folder.path().join("kek-2")).await.unwrap();
    assert!(!old.iter().any(|wrapped| place.holds(wrapped)));
}

#[tokio::test]
async fn erasing_a_person_destroys_their_key_in_every_file() {
    let place = Place::new().await;
    let (vault, acme) = (place.open().await, merchant("acme"));
    let rows: Vec<_> = (0..40).map(|n| person(&format!("buyer-{n}"), "openid", Some("address"))).collect();
    vault.put_subjects(&acme, &rows).await.unwrap();
    let sql = "SELECT wrapped FROM subject WHERE buyer = 'buyer-7' UNION ALL
               SELECT sealed FROM subject WHERE buyer = 'buyer-7'";
    let theirs = place.blobs(sql).await;
    assert!(theirs.len() == 2 && theirs.iter().all(|blob| place.holds(blob)));

    assert!(vault.erase_subject(&acme, &buyer("buyer-7")).await.unwrap());
    assert!(!vault.erase_subject(&acme, &buyer("buyer-7")).await.unwrap());
    assert_eq!(known(&vault, "buyer-7").await, None);
    assert!(known(&vault, "buyer-8").await.is_some());
    assert!(!theirs.iter().any(|blob| place.holds(blob)));
}

#[tokio::test]
async fn planted_secrets_are_nowhere_in_the_files() {
    let place = Place::new().await;
    let (vault, acme) = (place.open().await, merchant("acme"));
    let codes: Vec<String> = (0..200).map(|n| format!("CANARY-{n:04}-FEATHER")).collect();
    let texts: Vec<&str> = codes.iter().map(String::as_str).collect();
    put(&vault, 1, 0, &texts).await;
    put(&vault, 2, 0, &texts[..50]).await;
    vault.find_key(&acme, None, "CANARY-9999-FEATHER").await.unwrap();
    vault.put_subjects(&acme, &[person("buyer-1", "plume-openid", Some("plume-address"))]).await.unwrap();
    vault.put_settings(&acme, &"taobao/a".parse().unwrap(), r#"{"secret":"plume-secret"}"#).await.unwrap();
    let token = vault.issue_token("ops").await.unwrap();
    let token = token.expose().split('_').nth(2).unwrap();
    let message = vault.ensure_merchant(&acme).await.unwrap().seal("m", b"plume-message");
    let kek = std::fs::read_to_string(&place.options.kek_file).unwrap();
    let raw_kek: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&kek[n * 2..n * 2 + 2], 16).unwrap()).collect();

    // Once with the write-ahead log full, once after it was copied back.
    for _ in 0..2 {
        for canary in ["CANARY", "FEATHER", "plume", token, &kek] {
            assert!(!place.holds(canary.as_bytes()), "a planted text shows");
        }
        assert!(!place.holds(&raw_kek));
        vault.close().await;
    }
    assert!(!message.windows(5).any(|window| window == b"plume"));
    assert!(place.holds(b"steam-50"), "the scan does find what is there in clear");
}

#[tokio::test]
async fn a_damaged_file_stops_all_later_writing() {
    let place = Place::new().await;
    let vault = place.open().await;
    put(&vault, 1, 0, &["AA"]).await;
    vault.close().await;
    // The first page stays whole, so that the damage shows in the middle of the work.
    let mut bytes = std::fs::read(place.path()).unwrap();
    let vault = place.open().await;
    bytes[4096..].fill(0x5a);
    std::fs::write(place.path(), &bytes).unwrap();
    let first = put_for(&vault, "acme", "steam-50", "steam", 1, 1, &["BB"]).await.err();
    assert!(matches!(first, Some(VaultError::Database { .. })), "{first:?}");
    let later = vault.put_settings(&merchant("acme"), &"taobao/a".parse().unwrap(), "{}").await.err();
    assert!(matches!(later, Some(VaultError::Stopped)), "{later:?}");
}
