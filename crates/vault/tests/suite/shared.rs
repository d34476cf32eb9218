//! Several processes on one vault; a server that breaks off, or is not safe; and who else may look.

use sqlx::{Connection, Row};
use testkit_postgres::{Cut, Proxy, Server};
use vault::{Vault, VaultError, VaultOptions, VaultPlace};
use vocabulary::{BatchId, Epoch};

use crate::support::*;

#[tokio::test]
async fn what_one_process_stores_another_opens_and_tells_as_a_duplicate() {
    let place = Place::new().await;
    let (one, two, acme) = (place.open().await, place.open().await, merchant("acme"));
    put(&one, 1, 0, &["AA", "BB"]).await;
    assert_eq!(read(&two, &["b1-1", "b1-0"]).await.unwrap(), ["BB", "AA"]);
    assert_eq!(told(&put(&two, 1, 2, &["bb", "CC"]).await), ["as b1-1", "stored 2"]);
    assert_eq!(told(&put(&one, 2, 0, &["CC"]).await), ["as b1-2"]);
    assert_eq!(one.discard_keys_from(&acme, BatchId(1), 1).await.unwrap(), 2);
    assert_eq!(two.batch_sizes(&acme).await.unwrap(), [(BatchId(1), 1)]);

    one.put_subjects(&acme, &[person("buyer-1", "openid", Some("address"))]).await.unwrap();
    assert_eq!(two.put_subjects(&acme, &[person("buyer-1", "openid", None)]).await.unwrap(), 0);
    two.put_settings(&acme, &"taobao/a".parse().unwrap(), "{}").await.unwrap();
    assert_eq!(one.settings(&acme).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_message_that_one_process_sealed_opens_in_another_whichever_began_first() {
    let place = Place::new().await;
    let (one, two, acme) = (place.open().await, place.open().await, merchant("acme"));
    let (ours, theirs) = tokio::join!(one.ensure_merchant(&acme), two.ensure_merchant(&acme));
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    assert_eq!(theirs.open("m", &ours.seal("m", b"raw")).unwrap(), b"raw");
    assert_eq!(ours.pseudonym("taobao/a", "x"), theirs.pseudonym("taobao/a", "x"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_same_codes_put_by_several_processes_at_once_each_is_stored_once() {
    let place = Place::new().await;
    let codes: Vec<String> = (0..40).map(|n| format!("KEY{n}")).collect();
    let mut putting = tokio::task::JoinSet::new();
    for batch in 1..=4 {
        let (vault, codes) = (place.open().await, codes.clone());
        putting.spawn(async move {
            let mut stored = 0;
            for part in codes.chunks(8) {
                let texts: Vec<&str> = part.iter().map(String::as_str).collect();
                let verdicts = told(&put(&vault, batch, stored, &texts).await);
                let new = verdicts.iter().filter(|verdict| verdict.starts_with("stored")).count();
                stored += u32::try_from(new).unwrap();
            }
            stored
        });
    }
    assert_eq!(putting.join_all().await.iter().sum::<u32>(), 40);
    let vault = place.open().await;
    assert!(
        told(&put(&vault, 9, 0, &["key0", "key39"]).await).iter().all(|verdict| verdict.starts_with("as"))
    );
}

#[tokio::test]
async fn a_first_start_of_several_at_once_makes_one_vault() {
    let place = Place::new().await;
    std::fs::write(&place.options.kek_file, "ab".repeat(32)).unwrap();
    let (one, two, three) = tokio::join!(place.try_open(), place.try_open(), place.try_open());
    let mut prints = Vec::new();
    for vault in [one, two, three] {
        let keys = vault.unwrap().ensure_merchant(&merchant("acme")).await.unwrap();
        prints.push(keys.fingerprint("steam", "AA"));
    }
    prints.dedup();
    assert_eq!(prints.len(), 1);
    // A node that was given no key file does not make one of its own.
    let other = VaultOptions { kek_file: place.folder.path().join("other"), ..place.options.clone() };
    assert!(matches!(Vault::open(other.clone()).await.err(), Some(VaultError::KekMissing { .. })));
    assert!(!other.kek_file.exists());
}

#[tokio::test]
async fn a_token_that_another_process_issued_or_revoked_counts_soon() {
    let place = Place::new().await;
    let (one, two) = (place.open().await, place.open().await);
    let mut reread = two.tokens_reread();
    let token = one.issue_token("ops").await.unwrap();
    while two.check_token(token.expose()).is_none() {
        reread.changed().await.unwrap();
    }
    let public_id = token.expose().split('_').nth(1).unwrap();
    assert!(one.revoke_token(public_id).await.unwrap());
    assert_eq!(one.check_token(token.expose()), None);
    while two.check_token(token.expose()).is_some() {
        reread.changed().await.unwrap();
    }
    assert!(two.tokens().is_empty());
}

#[tokio::test]
async fn another_process_goes_on_after_a_rotation_once_its_file_holds_the_new_key() {
    let place = Place::new().await;
    let (one, two, acme) = (place.open().await, place.open().await, merchant("acme"));
    put(&one, 1, 0, &["AA"]).await;
    let new = place.folder.path().join("kek-2");
    one.rotate_kek(&new).await.unwrap();
    assert!(matches!(read(&two, &["b1-0"]).await.err(), Some(VaultError::KekWrong { .. })));
    let refused = put_for(&two, "acme", "steam-50", "steam", 2, 0, &["BB"]).await.err();
    assert!(matches!(refused, Some(VaultError::KekWrong { .. })), "nothing is wrapped by the old key");
    assert_eq!(one.batch_sizes(&acme).await.unwrap(), [(BatchId(1), 1)]);

    std::fs::rename(&new, &place.options.kek_file).unwrap();
    put(&two, 2, 0, &["BB"]).await;
    assert_eq!(read(&two, &["b1-0"]).await.unwrap(), ["AA"]);
    assert_eq!(read(&one, &["b2-0"]).await.unwrap(), ["BB"]);
}

#[tokio::test]
async fn a_process_that_was_taken_over_from_writes_no_more_for_that_merchant() {
    let place = Place::new().await;
    let (old, new, acme) = (place.open().await, place.open().await, merchant("acme"));
    old.fence(&acme, Epoch(4)).await.unwrap();
    put(&old, 1, 0, &["AA"]).await;
    new.fence(&acme, Epoch(5)).await.unwrap();
    for refused in [
        put_for(&old, "acme", "steam-50", "steam", 1, 1, &["BB"]).await.err(),
        old.discard_keys_from(&acme, BatchId(1), 0).await.err(),
        old.put_settings(&acme, &"taobao/a".parse().unwrap(), "{}").await.err(),
        old.fence(&acme, Epoch(4)).await.err(),
    ] {
        assert!(
            matches!(&refused, Some(VaultError::Fenced { merchant }) if merchant == "acme"),
            "{refused:?}"
        );
    }
    assert_eq!(read(&old, &["b1-0"]).await.unwrap(), ["AA"], "it still reads");
    put_for(&old, "other", "steam-50", "steam", 1, 0, &["AA"]).await.unwrap();
    assert_eq!(told(&put(&new, 1, 1, &["AA", "BB"]).await), ["as b1-0", "stored 1"]);
}

/// The line breaks at messages of a write; whatever happened before the break, the keys are stored once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_the_line_breaks_keys_are_stored_once_and_the_caller_is_told_so() {
    let server = Server::start(&[]);
    let proxy = Proxy::new(&server.url("postgres"), "SELECT begin_write(").await;
    let (database, folder) = (server.database().await, tempfile::tempdir().unwrap());
    let vault = async |url: String| {
        let (place, kek_file) = (VaultPlace::Postgres(url), folder.path().join("kek"));
        Vault::open(VaultOptions { place, kek_file, seed: None }).await.unwrap()
    };
    let (by_way, direct) = (vault(proxy.url(database.name())).await, vault(database.url().to_owned()).await);
    let mut batch = 1;
    let mut put_next = async |vault: &Vault| {
        batch += 1;
        let codes = [format!("A{batch}"), format!("B{batch}")];
        let texts: Vec<&str> = codes.iter().map(String::as_str).collect();
        assert_eq!(told(&put(vault, batch, 0, &texts).await), ["stored 0", "stored 1"], "batch {batch}");
        let names = [format!("b{batch}-0"), format!("b{batch}-1")];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(read(&direct, &names).await.unwrap(), codes);
    };
    put_next(&by_way).await;
    proxy.count();
    put_next(&by_way).await;
    let (requests, replies) = proxy.counted();
    assert!(requests >= 8 && replies >= 8, "{requests} requests and {replies} replies are no write");
    // Every message around the commit, and some of the many before it.
    let chosen = |all: usize| (1..=all).filter(move |n| n + 5 > all || n % 8 == 1);
    let cuts = chosen(requests).flat_map(|n| [Cut::BeforeRequest(n), Cut::AfterRequest(n)]);
    let cuts: Vec<Cut> = cuts.chain(chosen(replies).map(Cut::BeforeReply)).collect();
    let planned = cuts.len();
    for cut in cuts {
        put_next(&by_way).await;
        proxy.cut(cut);
        put_next(&by_way).await;
    }
    assert!(proxy.cuts() * 10 >= planned * 9, "{} of {planned} lines were broken", proxy.cuts());
}

#[tokio::test]
async fn a_server_that_could_lose_a_write_is_refused_by_the_name_of_the_setting() {
    let server = Server::start(&[("full_page_writes", "off")]);
    let (database, folder) = (server.database().await, tempfile::tempdir().unwrap());
    let open = async |url: String| {
        let (place, kek_file) = (VaultPlace::Postgres(url), folder.path().join("kek"));
        Vault::open(VaultOptions { place, kek_file, seed: None }).await.err()
    };
    let refused = open(database.url().to_owned()).await;
    assert!(matches!(&refused, Some(VaultError::UnsafeServer { what }) if what == "full_page_writes"));
    assert!(!folder.path().join("kek").exists());
    let error = open("postgres://kami:hunter2@[".to_owned()).await.unwrap();
    assert!(matches!(error, VaultError::BadAddress) && !format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let place = Place::new().await;
    place.open().await.close().await;
    place.tamper("UPDATE schema_version SET version = 7").await;
    let error = place.try_open().await.err();
    assert!(matches!(error, Some(VaultError::NewerSchema { found: 7, known: 1 })), "{error:?}");
}

#[tokio::test]
async fn planted_secrets_stand_in_no_row_and_another_role_sees_no_row_at_all() {
    let place = Place::new().await;
    let (vault, acme) = (place.open().await, merchant("acme"));
    put(&vault, 1, 0, &["CANARY-0001-FEATHER"]).await;
    vault.put_subjects(&acme, &[person("buyer-1", "plume-openid", Some("plume-address"))]).await.unwrap();
    vault.put_settings(&acme, &"taobao/a".parse().unwrap(), r#"{"secret":"plume-secret"}"#).await.unwrap();
    let token = vault.issue_token("ops").await.unwrap();
    let token = token.expose().split('_').nth(2).unwrap().to_owned();
    let kek = std::fs::read_to_string(&place.options.kek_file).unwrap();
    let database = place.database.as_ref().unwrap();
    let mut connection = database.connect().await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'kami_vault'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let mut all = String::new();
    for table in &tables {
        let sql = format!("SELECT t::text FROM kami_vault.{table} t");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        rows.iter().for_each(|row| all.push_str(row.get(0)));
    }
    assert!(all.contains("steam-50"), "the scan does find what is there in clear");
    for planted in ["CANARY", "FEATHER", "plume", &token, &kek] {
        assert!(!all.contains(planted) && !all.contains(&hex(planted.as_bytes())), "a planted text shows");
    }

    let role = format!("other_{}", database.name());
    database.run(&format!("CREATE ROLE {role}; SET ROLE {role}")).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("SET ROLE {role}"))).execute(&mut connection).await.unwrap();
    for table in &tables {
        let sql = format!("SELECT 1 FROM kami_vault.{table}");
        let error = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap_err();
        assert!(error.to_string().contains("permission denied for schema kami_vault"), "{error}");
    }
    connection.close().await.unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
