//! People: what is known of a buyer, sealed under a key of their own. Erasing a person destroys that key.

use std::borrow::Cow;
use std::collections::{HashMap, hash_map::Entry};

use serde::{Deserialize, Serialize};
use vocabulary::{Account, BuyerId, MerchantId, Secret};
use zeroize::Zeroizing;

use crate::crypto::{RawKey, SealKey, as_key, bound, random};
use crate::data_keys::{Kek, Owner, Purpose, data_key};
use crate::store::{Scope, Tx, sql};
use crate::{Vault, VaultError};

/// What is known of one person, to be kept.
pub struct SubjectPut {
    /// Their pseudonym.
    pub buyer: BuyerId,
    /// The account they were met on.
    pub account: Account,
    /// What the channel calls them: an open id, a nickname, a phone number.
    pub reference: Secret<String>,
    /// More of what the channel said, for example an address. `None` leaves what is known as it is.
    pub details: Option<Secret<String>>,
}

/// What is known of one person, in clear. Not printable and not serialisable.
pub struct Subject {
    /// Their pseudonym.
    pub buyer: BuyerId,
    /// The account they were last met on.
    pub account: Account,
    /// What the channel calls them.
    pub reference: Secret<String>,
    /// More of what the channel said.
    pub details: Option<Secret<String>>,
}

/// What is sealed of a person, as JSON.
#[derive(Serialize, Deserialize, PartialEq)]
struct Card<'a>(Cow<'a, str>, Cow<'a, str>, Option<Cow<'a, str>>);

/// Which of the wanted people it is, their data key (id and wrapped), their own key wrapped by that, and what is
/// sealed under their own key.
type Row = (i64, i64, Vec<u8>, Vec<u8>, Vec<u8>);

/// A row to write: buyer, wrapped key and sealed text, the last two as hex.
type Written = (String, String, String);

impl Vault {
    /// Keeps what is known of people; a later row about the same person replaces the earlier one. Durable when
    /// this returns. Returns how many rows were new or different; repeating a call writes nothing.
    pub async fn put_subjects(&self, merchant: &MerchantId, rows: &[SubjectPut]) -> Result<u64, VaultError> {
        self.working(|kek| async move {
            let mut tx = self.inner.store.begin(Scope::Merchant(merchant)).await?;
            let mut known = known_people(&mut tx, &kek, merchant, rows).await?;
            let mut changed = Vec::new();
            for put in rows {
                let before = known.get(put.buyer.as_str());
                let json = to_json(put, before)?;
                if before.is_none_or(|person| person.1 != json) {
                    let raw = before.map_or_else(random, |person| Ok(person.0.clone()))?;
                    known.insert(put.buyer.as_str(), (raw, json));
                    changed.push(put.buyer.as_str());
                }
            }
            changed.sort_unstable();
            changed.dedup();
            let count = u32::try_from(changed.len());
            let count = count.map_err(|_| VaultError::TooManyKeys { max: crate::KEYS_MAX })?;
            if count == 0 {
                return Ok(0);
            }
            let owner = Owner::new(merchant, Purpose::Subjects);
            let (id, raw) = data_key(&mut tx, &kek, owner, count).await?;
            let wrapper = SealKey::new(&raw)?;
            let mut written = Vec::with_capacity(changed.len());
            for buyer in changed {
                if let Some((raw, json)) = known.get(buyer) {
                    written.push(seal(merchant, &wrapper, id, buyer, raw, json)?);
                }
            }
            upsert(&mut tx, merchant, id, &written).await?;
            tx.commit().await?;
            Ok(u64::from(count))
        })
        .await
    }

    /// What is known of a person; `None` when nothing is, or they were erased.
    pub async fn read_subject(
        &self,
        merchant: &MerchantId,
        buyer: &BuyerId,
    ) -> Result<Option<Subject>, VaultError> {
        let opened = self.working(|kek| async move {
            let row: Option<Row> = sql(
                "reading a person",
                "SELECT data_key.id, data_key.id, data_key.wrapped, subject.wrapped, subject.sealed
                 FROM subject JOIN data_key ON data_key.id = subject.data_key
                 WHERE subject.merchant = $1 AND buyer = $2",
            )
            .bind(merchant.as_str())
            .bind(buyer.as_str())
            .first(&self.inner.store)
            .await?;
            row.map(|row| open(merchant, &kek, buyer.as_str(), &row, &mut HashMap::new())).transpose()
        });
        let Some((_, json)) = opened.await? else { return Ok(None) };
        let Card(account, reference, details) = from_json(&json)?;
        Ok(Some(Subject {
            buyer: buyer.clone(),
            account: account.parse().map_err(|_| VaultError::Malformed { what: "person" })?,
            reference: Secret::new(reference.into_owned()),
            details: details.map(|details| Secret::new(details.into_owned())),
        }))
    }

    /// Destroys a person's key and all that is sealed under it, in the file and in its write-ahead log; in PostgreSQL
    /// for whoever reads the tables, while its free space, WAL and archives may hold them until they are used again.
    /// False when nothing was known of them. Backups made before still hold both, until they expire.
    pub async fn erase_subject(&self, merchant: &MerchantId, buyer: &BuyerId) -> Result<bool, VaultError> {
        let text = "DELETE FROM subject WHERE merchant = $1 AND buyer = $2";
        let erased = self.working(|_| async move {
            let mut tx = self.inner.store.begin(Scope::Merchant(merchant)).await?;
            let delete = sql("erasing a person", text).bind(merchant.as_str()).bind(buyer.as_str());
            let erased = delete.run(&mut tx).await?;
            tx.commit().await?;
            Ok(erased)
        });
        let erased = erased.await?;
        // Also when there was no row: an earlier call may have ended between the two steps.
        self.inner.store.forget().await?;
        Ok(erased > 0)
    }
}

/// A person's own key and their card as JSON.
type Person = (RawKey, Zeroizing<Vec<u8>>);

/// Those of the people who are known already, by pseudonym.
async fn known_people<'a>(
    tx: &mut Tx<'_>,
    kek: &Kek,
    merchant: &MerchantId,
    rows: &'a [SubjectPut],
) -> Result<HashMap<&'a str, Person>, VaultError> {
    let buyers: Vec<[&str; 1]> = rows.iter().map(|put| [put.buyer.as_str()]).collect();
    let found: Vec<Row> = sql(
        "reading people",
        "SELECT wanted.key, data_key.id, data_key.wrapped, subject.wrapped, subject.sealed
         FROM json_each($1) AS wanted CROSS JOIN subject CROSS JOIN data_key
         WHERE subject.merchant = $2 AND subject.buyer = wanted.value ->> 0
             AND data_key.id = subject.data_key",
    )
    .list(&buyers)?
    .bind(merchant.as_str())
    .all(tx)
    .await?;
    let mut people = HashMap::with_capacity(found.len());
    let mut wrappers = HashMap::new();
    for row in found {
        let buyer = usize::try_from(row.0).ok().and_then(|n| buyers.get(n));
        let [buyer] = *buyer.ok_or(VaultError::Malformed { what: "person" })?;
        people.insert(buyer, open(merchant, kek, buyer, &row, &mut wrappers)?);
    }
    Ok(people)
}

fn open(
    merchant: &MerchantId,
    kek: &Kek,
    buyer: &str,
    row: &Row,
    wrappers: &mut HashMap<i64, SealKey>,
) -> Result<Person, VaultError> {
    let (_, data_key, wrapper, wrapped, sealed) = row;
    let failed = || VaultError::NotAuthentic { what: format!("person {buyer}") };
    let wrapper = match wrappers.entry(*data_key) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(slot) => {
            let raw = kek.unwrap(Owner::new(merchant, Purpose::Subjects), *data_key, wrapper)?;
            slot.insert(SealKey::new(&raw)?)
        }
    };
    let raw = wrapper.open(&place("person key", merchant, buyer, *data_key), wrapped);
    let raw = raw.and_then(|opened| as_key(&opened)).ok_or_else(failed)?;
    let json = SealKey::new(&raw)?.open(&place("person", merchant, buyer, 0), sealed);
    Ok((raw, json.ok_or_else(failed)?))
}

fn seal(
    merchant: &MerchantId,
    wrapper: &SealKey,
    data_key: i64,
    buyer: &str,
    raw: &RawKey,
    json: &[u8],
) -> Result<Written, VaultError> {
    let wrapped = wrapper.seal(&place("person key", merchant, buyer, data_key), raw.as_slice())?;
    let sealed = SealKey::new(raw)?.seal(&place("person", merchant, buyer, 0), json)?;
    Ok((buyer.to_owned(), hex::encode(wrapped), hex::encode(sealed)))
}

async fn upsert(
    tx: &mut Tx<'_>,
    merchant: &MerchantId,
    data_key: i64,
    rows: &[Written],
) -> Result<(), VaultError> {
    sql(
        "keeping people",
        "INSERT INTO subject (merchant, buyer, data_key, wrapped, sealed)
         SELECT $2, value ->> 0, $3, unhex(value ->> 1), unhex(value ->> 2) FROM json_each($1) WHERE TRUE
         ON CONFLICT (merchant, buyer) DO UPDATE SET
             data_key = excluded.data_key, wrapped = excluded.wrapped, sealed = excluded.sealed",
    )
    .list(&rows)?
    .bind(merchant.as_str())
    .bind(data_key)
    .run(tx)
    .await
    .map(drop)
}

fn place(what: &str, merchant: &MerchantId, buyer: &str, data_key: i64) -> Vec<u8> {
    bound(what, &[merchant.as_str().as_bytes(), buyer.as_bytes(), &data_key.to_be_bytes()])
}

/// The card to keep: what is new, and the details that were known where there are no new ones.
fn to_json(put: &SubjectPut, before: Option<&Person>) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let details = match (&put.details, before) {
        (Some(details), _) => Some(details.expose().as_str().into()),
        (None, Some((_, json))) => from_json(json)?.2,
        (None, None) => None,
    };
    let card = Card(put.account.as_str().into(), put.reference.expose().as_str().into(), details);
    let json = serde_json::to_vec(&card).map_err(|_| VaultError::Malformed { what: "person" })?;
    Ok(Zeroizing::new(json))
}

fn from_json(json: &[u8]) -> Result<Card<'_>, VaultError> {
    // The parser's own message may quote what it read.
    serde_json::from_slice(json).map_err(|_| VaultError::Malformed { what: "person" })
}
