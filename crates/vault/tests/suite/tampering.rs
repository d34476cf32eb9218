//! Whoever can write the file can destroy what is in it, but not pass one sealed text off as another.

use crate::KIND;
use crate::support::*;
use vault::VaultError;

/// A vault with two batches of two keys for one merchant and one batch for another, closed.
async fn stocked() -> Place {
    let place = Place::new().await;
    let vault = place.open().await;
    put(&vault, 1, 0, &["AA", "BB"]).await;
    put(&vault, 2, 0, &["CC", "DD"]).await;
    put_for(&vault, "other", "steam-50", "steam", 1, 0, &["EE", "FF"]).await.unwrap();
    vault.close().await;
    place
}

#[tokio::test]
async fn a_sealed_key_opens_in_its_own_place_alone() {
    let swap_sealed = |a: &str, b: &str| {
        format!(
            "CREATE TEMP TABLE kept AS SELECT sealed FROM card_key WHERE {a};
             UPDATE card_key SET sealed = (SELECT sealed FROM card_key WHERE {b}) WHERE {a};
             UPDATE card_key SET sealed = (SELECT sealed FROM kept) WHERE {b};"
        )
    };
    let (b1k0, b1k1) = ("key_batch = 1 AND place = 0", "key_batch = 1 AND place = 1");
    let (b2k0, other) = ("key_batch = 2 AND place = 0", "key_batch = 3 AND place = 0");
    let tricks = [
        ("texts of two indices", swap_sealed(b1k0, b1k1)),
        ("texts of two batches", swap_sealed(b1k0, b2k0)),
        ("texts of two merchants", swap_sealed(b1k0, other)),
        ("texts and data keys of two batches", {
            format!("{}UPDATE card_key SET data_key = 2 WHERE {b1k0}", swap_sealed(b1k0, b2k0))
        }),
        ("an index", "UPDATE card_key SET place = place + 10; UPDATE card_key SET place = 11 - place".into()),
        (
            "a batch",
            "UPDATE key_batch SET batch = 9 WHERE id = 1; UPDATE key_batch SET batch = 1 WHERE id = 2".into(),
        ),
        ("a merchant", {
            let begin = "UPDATE key_batch SET merchant = 'x' WHERE id = 1;";
            format!("{begin}UPDATE key_batch SET merchant = 'acme' WHERE id = 3")
        }),
        ("an item", "UPDATE key_batch SET sku = 'steam-100' WHERE id = 1".into()),
        ("a data key's id", {
            let begin = "UPDATE data_key SET id = 9 WHERE id = 1; UPDATE data_key SET id = 1 WHERE id = 2;";
            format!("{begin}UPDATE data_key SET id = 2 WHERE id = 9")
        }),
        (
            "a wrapped data key",
            "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE id = 2)".into(),
        ),
        ("a byte of a text", {
            let changed = match KIND {
                Kind::File => "unhex(hex(substr(sealed, 1, 20)) || '00' || hex(substr(sealed, 22)))",
                Kind::Postgres => "set_byte(sealed, 20, 0)",
            };
            format!("UPDATE card_key SET sealed = {changed} WHERE {b1k0}")
        }),
        ("the end of a text", format!("UPDATE card_key SET sealed = substr(sealed, 1, 20) WHERE {b1k0}")),
        ("all of a text", format!("UPDATE card_key SET sealed = substr(sealed, 1, 0) WHERE {b1k0}")),
    ];
    for (what, sql) in tricks {
        let place = stocked().await;
        place.tamper(&sql).await;
        let vault = place.open().await;
        let error = read(&vault, &["b1-0"]).await.err();
        assert!(matches!(error, Some(VaultError::NotAuthentic { .. })), "{what}: {error:?}");
        assert_eq!(vault.opened_count(), 0);
    }
    let place = stocked().await;
    place.tamper("UPDATE card_key SET sealed = sealed").await;
    assert_eq!(read(&place.open().await, &["b1-0"]).await.unwrap(), ["AA"], "an honest row still opens");
}

#[tokio::test]
async fn what_is_known_of_two_people_cannot_be_exchanged() {
    let swap = |column: &str| {
        format!(
            "CREATE TEMP TABLE kept AS SELECT buyer, {column} AS kept FROM subject;
             UPDATE subject SET {column} = (SELECT kept FROM kept WHERE kept.buyer <> subject.buyer)"
        )
    };
    let renamed = "UPDATE subject SET buyer = 'buyer-x' WHERE buyer = 'buyer-1';
                   UPDATE subject SET buyer = 'buyer-1' WHERE buyer = 'buyer-2'";
    for sql in [swap("sealed"), swap("wrapped"), renamed.to_owned()] {
        let place = Place::new().await;
        let (vault, acme) = (place.open().await, merchant("acme"));
        vault
            .put_subjects(&acme, &[person("buyer-1", "a", None), person("buyer-2", "b", None)])
            .await
            .unwrap();
        place.tamper(&sql).await;
        let error = vault.read_subject(&acme, &"buyer-1".parse().unwrap()).await.err();
        assert!(matches!(error, Some(VaultError::NotAuthentic { .. })), "{sql}: {error:?}");
    }
}

#[tokio::test]
async fn the_set_up_of_two_accounts_and_the_names_of_two_tokens_cannot_be_exchanged() {
    let place = Place::new().await;
    let (vault, acme) = (place.open().await, merchant("acme"));
    vault.put_settings(&acme, &"taobao/a".parse().unwrap(), "{}").await.unwrap();
    vault.put_settings(&acme, &"taobao/b".parse().unwrap(), "{}").await.unwrap();
    let token = vault.issue_token("reader").await.unwrap();
    place.tamper("UPDATE setting SET account = 'taobao/c' WHERE account = 'taobao/b'").await;
    place.tamper("UPDATE token SET name = 'admin'").await;
    assert!(matches!(vault.settings(&acme).await.err(), Some(VaultError::NotAuthentic { .. })));
    vault.reload_tokens().await.unwrap();
    assert_eq!(vault.check_token(token.expose()), None);
}
