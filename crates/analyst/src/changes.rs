//! What differs between the rows of a source in two databases of read models.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, OpenFlags, types::ValueRef};
use serde_json::Value;
use vocabulary::MerchantId;

use crate::{Source, sql::read_only};

/// Most rows that are compared one by one.
pub const CHANGES_MAX: usize = 100_000;

/// A row that is not the same in both.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The values of the key columns.
    pub key: Vec<Value>,
    /// The columns that differ, with the value before and after. A row that is on one side only has all its columns.
    pub columns: Vec<(String, Option<Value>, Option<Value>)>,
}

/// The rows that differ between two files, by key: at most [`CHANGES_MAX`] of each side. The position that a row was
/// touched at last is not compared. Blocks.
pub fn changes(
    before: &Path,
    after: &Path,
    merchant: &MerchantId,
    source: &Source,
) -> Result<Vec<Change>, rusqlite::Error> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_in_memory_with_flags(flags)?;
    conn.execute("ATTACH ? AS before", [read_only(before)])?;
    conn.execute("ATTACH ? AS after", [read_only(after)])?;
    let headings = source.headings();
    let touched = ["last_pos", "projector_version"];
    let names: Vec<&str> =
        headings.iter().map(|heading| heading.name.as_str()).filter(|name| !touched.contains(name)).collect();
    let key: Vec<usize> = source
        .key_columns()
        .filter_map(|column| names.iter().position(|name| *name == column.name))
        .collect();
    let gone = only(&conn, ["before", "after"], merchant, source, &names)?;
    let come = only(&conn, ["after", "before"], merchant, source, &names)?;
    let mut pairs: BTreeMap<String, [Option<Vec<Value>>; 2]> = BTreeMap::new();
    for (side, rows) in [gone, come].into_iter().enumerate() {
        for row in rows {
            let id = Value::from(key.iter().map(|place| row[*place].clone()).collect::<Vec<_>>()).to_string();
            pairs.entry(id).or_default()[side] = Some(row);
        }
    }
    Ok(pairs.into_values().map(|pair| change(&key, &names, &pair)).collect())
}

fn change(key: &[usize], names: &[&str], [before, after]: &[Option<Vec<Value>>; 2]) -> Change {
    let cell = |row: &Option<Vec<Value>>, place: usize| row.as_ref().map(|row| row[place].clone());
    let all = names
        .iter()
        .enumerate()
        .map(|(place, name)| ((*name).to_owned(), cell(before, place), cell(after, place)));
    let one = before.as_ref().or(after.as_ref());
    Change {
        key: key.iter().filter_map(|place| one.map(|row| row[*place].clone())).collect(),
        columns: all.filter(|(_, before, after)| before != after).collect(),
    }
}

/// The rows of the first side that the second does not have.
fn only(
    conn: &Connection,
    [side, other]: [&str; 2],
    merchant: &MerchantId,
    source: &Source,
    names: &[&str],
) -> Result<Vec<Vec<Value>>, rusqlite::Error> {
    let (columns, name) = (names.join(", "), source.name);
    let mut statement = conn.prepare(&format!(
        "SELECT {columns} FROM {side}.{name} WHERE merchant = ?1
         EXCEPT SELECT {columns} FROM {other}.{name} WHERE merchant = ?1 LIMIT {CHANGES_MAX}"
    ))?;
    let mut found = statement.query([merchant.as_str()])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let cell = |place| {
            Ok(match row.get_ref(place)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::from(number),
                ValueRef::Real(number) => Value::from(number),
                ValueRef::Text(text) | ValueRef::Blob(text) => Value::from(String::from_utf8_lossy(text)),
            })
        };
        rows.push((0..names.len()).map(cell).collect::<Result<Vec<Value>, rusqlite::Error>>()?);
    }
    Ok(rows)
}
