//! A vault in a place of its own, and hands to tamper with its database.
#![allow(dead_code, reason = "each kind of place uses a part of this")]

use std::path::Path;

use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use testkit_postgres::Database;
use vault::{KeyPut, KeyVerdict, SubjectPut, Vault, VaultError, VaultOptions, VaultPlace};
use vocabulary::{BatchId, CardKey, KeyRef, MerchantId, Secret};

use crate::KIND;

/// Where the vaults of this run lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Postgres,
}

pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) options: VaultOptions,
    pub(crate) database: Option<Database>,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::seeded(None).await
    }
    pub(crate) async fn seeded(seed: Option<[u8; 32]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = if KIND == Kind::Postgres { Some(Database::new().await) } else { None };
        let place = match &database {
            Some(database) => VaultPlace::Postgres(database.url().to_owned()),
            None => VaultPlace::File(folder.path().join("vault.db")),
        };
        let kek_file = folder.path().join("kek");
        Self { folder, options: VaultOptions { place, kek_file, seed }, database }
    }
    pub(crate) async fn open(&self) -> Vault {
        self.try_open().await.unwrap()
    }
    pub(crate) async fn try_open(&self) -> Result<Vault, VaultError> {
        Vault::open(self.options.clone()).await
    }
    /// The database file.
    pub(crate) fn path(&self) -> &Path {
        match &self.options.place {
            VaultPlace::File(path) => path,
            VaultPlace::Postgres(_) => panic!("this vault has no file"),
        }
    }
    /// Runs SQL on the database behind the vault's back, as an intruder would.
    pub(crate) async fn tamper(&self, sql: &str) -> u64 {
        if let Some(database) = &self.database {
            let mut connection = database.connect().await;
            sqlx::raw_sql("SET session_replication_role = replica; SET search_path = kami_vault")
                .execute(&mut connection)
                .await
                .unwrap();
            let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            return done.rows_affected();
        }
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.path()).foreign_keys(false);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        done.rows_affected()
    }
    /// The blobs in the first column of a query's rows.
    pub(crate) async fn blobs(&self, sql: &'static str) -> Vec<Vec<u8>> {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.path());
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let blobs = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        blobs
    }
    /// All bytes of the database and what lies beside it, but not of the key file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("vault.db"));
        files.flat_map(|path| std::fs::read(path).unwrap()).collect()
    }
    pub(crate) fn holds(&self, wanted: &[u8]) -> bool {
        self.bytes().windows(wanted.len()).any(|window| window == wanted)
    }
}

pub(crate) fn merchant(name: &str) -> MerchantId {
    name.parse().unwrap()
}

pub(crate) fn key(code: &str) -> CardKey {
    CardKey { code: Secret::new(code.to_owned()), pin: None, expires_on: None }
}

pub(crate) fn keys(codes: &[&str]) -> Vec<CardKey> {
    codes.iter().map(|code| key(code)).collect()
}

/// Puts `codes` into a batch of the merchant `acme`, item `steam-50`, family `steam`.
pub(crate) async fn put(vault: &Vault, batch: u32, first: u32, codes: &[&str]) -> Vec<KeyVerdict> {
    put_for(vault, "acme", "steam-50", "steam", batch, first, codes).await.unwrap()
}

pub(crate) async fn put_for(
    vault: &Vault,
    who: &str,
    sku: &str,
    family: &str,
    batch: u32,
    first_index: u32,
    codes: &[&str],
) -> Result<Vec<KeyVerdict>, VaultError> {
    let (sku, keys) = (sku.parse().unwrap(), keys(codes));
    let put = KeyPut { sku: &sku, family, batch: BatchId(batch), first_index, keys: &keys };
    vault.put_keys(&merchant(who), put).await
}

/// The codes of keys of the merchant `acme`, named like `b1-0`.
pub(crate) async fn read(vault: &Vault, names: &[&str]) -> Result<Vec<String>, VaultError> {
    let refs: Vec<KeyRef> = names.iter().map(|name| name.parse().unwrap()).collect();
    let opened = vault.open_keys(&merchant("acme"), &refs).await?;
    Ok(opened.iter().map(|key| key.code.expose().clone()).collect())
}

/// Each verdict as a short text: the index it was stored at, or the key it repeats.
pub(crate) fn told(verdicts: &[KeyVerdict]) -> Vec<String> {
    let word = |verdict: &KeyVerdict| match verdict {
        KeyVerdict::Stored { index, .. } => format!("stored {index}"),
        KeyVerdict::Duplicate { of_batch, of_index } => format!("as {of_batch}-{of_index}"),
    };
    verdicts.iter().map(word).collect()
}

pub(crate) fn person(buyer: &str, reference: &str, details: Option<&str>) -> SubjectPut {
    SubjectPut {
        buyer: buyer.parse().unwrap(),
        account: "taobao/main".parse().unwrap(),
        reference: Secret::new(reference.to_owned()),
        details: details.map(|text| Secret::new(text.to_owned())),
    }
}
