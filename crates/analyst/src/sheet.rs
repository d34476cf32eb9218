//! Rows in memory.

use projection::Kind;
use serde_json::{Map, Value};

/// A column of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The name, unique in its sheet.
    pub name: String,
    /// What its cells hold.
    pub kind: Kind,
}

/// Rows with the same columns. A cell is `null`, a text, a number, a truth value, or (of kind [`Kind::Json`]) any
/// JSON value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// The columns.
    pub headings: Vec<Heading>,
    /// The cells, row by row.
    pub rows: Vec<Vec<Value>>,
}

impl Sheet {
    /// One row as an object.
    pub fn object(&self, row: &[Value]) -> Value {
        object(&self.headings, row)
    }
    /// All rows as objects.
    pub fn objects(&self) -> Vec<Value> {
        self.rows.iter().map(|row| self.object(row)).collect()
    }
    /// The place of a column.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.headings.iter().position(|heading| heading.name == name)
    }
}

pub(crate) fn object(headings: &[Heading], row: &[Value]) -> Value {
    let names = headings.iter().map(|heading| heading.name.clone());
    Value::Object(names.zip(row.iter().cloned()).collect::<Map<String, Value>>())
}
