//! A vault, copied row by row to another place and opened there. Sealed texts are bound to their merchants, batches and
//! data keys, not to a database, so that they are copied as they lie.

use ring::digest::{Context, SHA256};
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, FromRow, Row, Type};
use vocabulary::{BatchId, BuyerId, KeyRef, MerchantId};

use crate::crypto::bound;
use crate::data_keys::{Owner, narrow};
use crate::store::{Scope, Store, Tx, sql};
use crate::{Vault, VaultError, VaultOptions, VaultPlace};

/// How many rows are read and written at once.
const PAGE: usize = 2_000;

/// Each table with its columns: `i` an integer, `t` a text, `b` bytes; those of the key come first and are in capitals.
/// A table stands after those that it refers to.
const TABLES: &[(&str, &[(&str, char)])] = &[
    ("root", &[("id", 'I'), ("kek_version", 'i'), ("canary", 'b'), ("pepper", 'b')]),
    (
        "data_key",
        &[("id", 'I'), ("merchant", 't'), ("purpose", 't'), ("batch", 'i'), ("seals", 'i'), ("wrapped", 'b')],
    ),
    ("namespace", &[("id", 'I'), ("merchant", 't'), ("family", 't')]),
    ("key_batch", &[("id", 'I'), ("merchant", 't'), ("batch", 'i'), ("sku", 't'), ("namespace", 'i')]),
    (
        "card_key",
        &[
            ("key_batch", 'I'),
            ("place", 'I'),
            ("namespace", 'i'),
            ("fingerprint", 'b'),
            ("data_key", 'i'),
            ("sealed", 'b'),
        ],
    ),
    ("subject", &[("merchant", 'T'), ("buyer", 'T'), ("data_key", 'i'), ("wrapped", 'b'), ("sealed", 'b')]),
    ("setting", &[("merchant", 'T'), ("account", 'T'), ("data_key", 'i'), ("sealed", 'b')]),
    ("token", &[("public_id", 'T'), ("name", 't'), ("digest", 'b')]),
    ("poll_mark", &[("merchant", 'T'), ("account", 'T'), ("poll", 'T'), ("until_us", 'i')]),
];

/// What a copy came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// How many rows the vault has.
    pub rows: u64,
    /// True when the target held all of it already, and nothing was written.
    pub was_there: bool,
    /// A digest of everything as it opens, the same in both places (64 hex digits).
    pub digest: String,
}

/// Copies the vault of `from` to `to`, in one transaction, and opens both to compare what they hold. Nobody may write
/// either meanwhile. A target that holds the same already is compared only; one that holds anything else is replaced
/// where `replace` says so.
///
/// # Errors
/// [`VaultError::NoVault`] when there is none to copy, [`VaultError::TargetTaken`], [`VaultError::CopyDiffers`], or what
/// kept it from being opened, read or written.
pub async fn copy(from: &VaultOptions, to: &VaultPlace, replace: bool) -> Result<Copied, VaultError> {
    let (source, target) = (Store::open(&from.place).await?, Store::open(to).await?);
    if page(&source, 0, &start(0)).await?.is_empty() {
        return Err(VaultError::NoVault);
    }
    // Opened first: without its key nothing is written.
    let digest = opened(from).await?;
    let (wanted, rows) = raw(&source).await?;
    let was_there = raw(&target).await?.0 == wanted;
    if !was_there {
        let mut tx = target.begin(Scope::All).await?;
        if !replace && !page_in(&mut tx, 0, &start(0)).await?.is_empty() {
            return Err(VaultError::TargetTaken);
        }
        fill(&source, &mut tx).await?;
        tx.commit().await?;
    }
    let is_whole = raw(&target).await?.0 == wanted && raw(&source).await?.0 == wanted;
    source.close().await;
    target.close().await;
    if !is_whole || opened(&VaultOptions { place: to.clone(), ..from.clone() }).await? != digest {
        return Err(VaultError::CopyDiffers);
    }
    Ok(Copied { rows, was_there, digest })
}

/// Puts all rows in place of what is there.
async fn fill(source: &Store, tx: &mut Tx<'_>) -> Result<(), VaultError> {
    for (name, _) in TABLES.iter().rev() {
        sql("emptying a table", AssertSqlSafe(format!("DELETE FROM {name}"))).run(tx).await?;
    }
    for (n, (name, columns)) in TABLES.iter().enumerate() {
        let names: Vec<&str> = columns.iter().map(|(column, _)| *column).collect();
        let values = columns.iter().enumerate().map(|(n, (_, kind))| match kind.to_ascii_lowercase() {
            'i' => format!("CAST(value ->> {n} AS bigint)"),
            'b' => format!("unhex(value ->> {n})"),
            _ => format!("value ->> {n}"),
        });
        let values: Vec<String> = values.collect();
        let text = format!(
            "INSERT INTO {name} ({}) SELECT {} FROM json_each($1)",
            names.join(", "),
            values.join(", ")
        );
        let mut after = start(n);
        loop {
            let rows = page(source, n, &after).await?;
            let Some(last) = rows.last() else { break };
            after = last.0[..after.len()].to_vec();
            let rows: Vec<&Vec<String>> = rows.iter().map(|row| &row.0).collect();
            sql("writing a copy", AssertSqlSafe(text.clone())).list(&rows)?.run(tx).await?;
        }
    }
    tx.after_copy().await
}

/// A digest of all rows as they lie, and how many there are.
async fn raw(store: &Store) -> Result<(Vec<u8>, u64), VaultError> {
    let (mut digest, mut count) = (Context::new(&SHA256), 0);
    for (n, (name, _)) in TABLES.iter().enumerate() {
        let mut after = start(n);
        loop {
            let rows = page(store, n, &after).await?;
            let Some(last) = rows.last() else { break };
            after = last.0[..after.len()].to_vec();
            for row in &rows {
                let cells: Vec<&[u8]> = row.0.iter().map(|cell| cell.as_bytes()).collect();
                digest.update(&bound(name, &cells));
            }
            count += rows.len() as u64;
        }
    }
    Ok((digest.finish().as_ref().to_vec(), count))
}

/// The key that stands before all others of a table.
fn start(table: usize) -> Vec<String> {
    let keys = TABLES[table].1.iter().filter(|(_, kind)| kind.is_ascii_uppercase());
    keys.map(|(_, kind)| if *kind == 'I' { "-1".to_owned() } else { String::new() }).collect()
}

/// The statement that reads the rows of a table after a key, every column as text.
fn read(table: usize) -> AssertSqlSafe<String> {
    let (name, columns) = TABLES[table];
    let cells: Vec<String> = columns
        .iter()
        .map(|(column, kind)| match kind.to_ascii_lowercase() {
            'i' => format!("CAST({column} AS text)"),
            'b' => format!("hex({column})"),
            _ => (*column).to_owned(),
        })
        .collect();
    let keys = columns.iter().filter(|(_, kind)| kind.is_ascii_uppercase());
    let (keys, marks): (Vec<&str>, Vec<String>) = keys
        .enumerate()
        .map(|(n, (column, kind))| {
            (*column, format!("CAST(${} AS {})", n + 1, if *kind == 'I' { "bigint" } else { "text" }))
        })
        .unzip();
    // With the table's name, or PostgreSQL would sort by the text of the same name.
    let keys: Vec<String> = keys.iter().map(|key| format!("{name}.{key}")).collect();
    let (cells, keys, marks) = (cells.join(", "), keys.join(", "), marks.join(", "));
    AssertSqlSafe(format!(
        "SELECT {cells} FROM {name} WHERE ({keys}) > ({marks}) ORDER BY {keys} LIMIT {PAGE}"
    ))
}

async fn page(store: &Store, table: usize, after: &[String]) -> Result<Vec<Cells>, VaultError> {
    let read = sql("reading a copy", read(table));
    after.iter().fold(read, |read, key| read.bind(key.as_str())).all(store).await
}

async fn page_in(tx: &mut Tx<'_>, table: usize, after: &[String]) -> Result<Vec<Cells>, VaultError> {
    let read = sql("reading a copy", read(table));
    after.iter().fold(read, |read, key| read.bind(key.as_str())).all(tx).await
}

/// A row whose columns are texts.
struct Cells(Vec<String>);

impl<'r, R: Row> FromRow<'r, R> for Cells
where
    usize: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        (0..row.len()).map(|n| row.try_get(n)).collect::<Result<_, _>>().map(Self)
    }
}

/// A digest of everything as it opens. What is opened goes nowhere else.
async fn opened(options: &VaultOptions) -> Result<String, VaultError> {
    let vault = Vault::open(VaultOptions { seed: None, ..options.clone() }).await?;
    let mut digest = Context::new(&SHA256);
    let text = "SELECT merchant FROM data_key UNION SELECT merchant FROM poll_mark ORDER BY 1";
    let merchants: Vec<(String,)> = sql("reading the merchants", text).all(&vault.inner.store).await?;
    for (merchant,) in merchants {
        let merchant = merchant.parse().map_err(|_| VaultError::Malformed { what: "merchant" })?;
        vault.digest_merchant(&merchant, &mut digest).await?;
    }
    for token in vault.tokens() {
        digest.update(&bound("token", &[token.public_id.as_bytes(), token.name.as_bytes()]));
    }
    vault.close().await;
    Ok(hex::encode(digest.finish()))
}

impl Vault {
    async fn digest_merchant(&self, merchant: &MerchantId, digest: &mut Context) -> Result<(), VaultError> {
        let text = "SELECT id, purpose, batch, wrapped FROM data_key WHERE merchant = $1 ORDER BY id";
        let keys = sql("reading data keys", text).bind(merchant.as_str());
        let keys: Vec<(i64, String, i64, Vec<u8>)> = keys.all(&self.inner.store).await?;
        let kek = self.inner.kek.read().await.clone();
        for (id, purpose, batch, wrapped) in keys {
            let owner = Owner { merchant: merchant.as_str(), purpose: &purpose, batch: narrow(batch)? };
            let raw = kek.unwrap(owner, id, &wrapped)?;
            digest.update(&bound("data key", &[merchant.as_str().as_bytes(), raw.as_slice()]));
        }
        for (batch, size) in self.batch_sizes(merchant).await? {
            self.digest_batch(merchant, batch, size, digest).await?;
        }
        let buyers = "SELECT buyer FROM subject WHERE merchant = $1 ORDER BY buyer";
        let buyers = sql("reading people", buyers).bind(merchant.as_str());
        let buyers: Vec<(String,)> = buyers.all(&self.inner.store).await?;
        for (buyer,) in buyers {
            let buyer: BuyerId = buyer.parse().map_err(|_| VaultError::Malformed { what: "person" })?;
            let Some(person) = self.read_subject(merchant, &buyer).await? else { continue };
            let details = person.details.as_ref().map_or("", |details| details.expose());
            let fields = [buyer.as_str(), person.account.as_str(), person.reference.expose(), details];
            digest.update(&bound("person", &fields.map(str::as_bytes)));
        }
        for (account, json) in self.settings(merchant).await? {
            digest.update(&bound("set-up", &[account.as_str().as_bytes(), json.expose().as_bytes()]));
        }
        for mark in self.poll_marks(merchant).await? {
            let until = mark.until.micros().to_be_bytes();
            digest.update(&bound("mark", &[mark.account.as_str().as_bytes(), mark.poll.as_bytes(), &until]));
        }
        Ok(())
    }

    /// A batch may have gaps, where keys were discarded or its first index was not 0.
    async fn digest_batch(
        &self,
        merchant: &MerchantId,
        batch: BatchId,
        size: u32,
        digest: &mut Context,
    ) -> Result<(), VaultError> {
        let text = "SELECT place FROM card_key JOIN key_batch ON key_batch.id = card_key.key_batch
                    WHERE key_batch.merchant = $1 AND key_batch.batch = $2 AND place >= $3 AND place < $4
                    ORDER BY place";
        for from in (0..size).step_by(PAGE) {
            let to = i64::from(from) + PAGE as i64;
            let places =
                sql("reading a copy", text).bind(merchant.as_str()).bind(batch.0).bind(from).bind(to);
            let places: Vec<(i64,)> = places.all(&self.inner.store).await?;
            let refs =
                places.into_iter().map(|(place,)| Ok(KeyRef { batch, index: narrow(place)?, use_no: 0 }));
            let refs: Vec<KeyRef> = refs.collect::<Result<_, VaultError>>()?;
            for (key, place) in self.open_keys(merchant, &refs).await?.iter().zip(&refs) {
                let pin = key.pin.as_ref().map_or("", |pin| pin.expose());
                let day = key.expires_on.map(|day| day.to_string()).unwrap_or_default();
                let place = place.to_string();
                let fields = [place.as_str(), key.code.expose(), pin, &day];
                digest.update(&bound("card key", &fields.map(str::as_bytes)));
            }
        }
        Ok(())
    }
}
