//! Tables as data: what they are made of in SQL, and what their columns mean to people.

use std::fmt::Write;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number: a count, an amount in minor units, a position.
    Int,
    /// A number with a fraction: a ratio, a mean. Never money.
    Real,
    /// An instant, as RFC 3339 text in UTC. A column `x_at` gets a twin `x_epoch` (seconds since 1970) that SQLite
    /// computes when it is read.
    At,
    /// A calendar day of business, `yyyy-mm-dd`.
    Date,
    /// 0 or 1.
    Flag,
    /// JSON text.
    Json,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be absent.
    pub nullable: bool,
    /// Whether it never changes once the row is there.
    pub fixed: bool,
    /// What it means, in English.
    pub en: &'static str,
    /// What it means, in Chinese.
    pub zh: &'static str,
}

impl Column {
    /// A column that is always there and may change.
    pub const fn new(name: &'static str, kind: Kind, en: &'static str, zh: &'static str) -> Self {
        Self { name, kind, nullable: false, fixed: false, en, zh }
    }
    /// The column may be absent.
    pub const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }
    /// The column never changes once the row is there.
    pub const fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }
}

/// A table of a read model. Each has, beside its columns, `merchant` as its first and `last_pos` as its last: the
/// position of the last event that changed the row.
#[derive(Debug)]
pub struct Table {
    /// The name, with its prefix `dim_`, `fct_`, `mart_` or `ops_`.
    pub name: &'static str,
    /// What one row is, in English.
    pub en: &'static str,
    /// What one row is, in Chinese.
    pub zh: &'static str,
    /// How many of the columns, from the first, tell rows of one merchant apart.
    pub key: usize,
    /// The columns.
    pub columns: &'static [Column],
    /// Further indexes, each over `merchant` and these columns; with a condition where the second text is not empty.
    pub indexes: &'static [(&'static [&'static str], &'static str)],
    /// Whether rows lie in the order of their key. For small rows that are looked up by it.
    pub clustered: bool,
}

impl Table {
    /// The statements that make the table.
    pub fn ddl(&self) -> Vec<String> {
        let mut body = String::from("  merchant TEXT NOT NULL");
        for column in self.columns {
            let sql_type = match column.kind {
                Kind::Int | Kind::Flag => "INTEGER",
                Kind::Real => "REAL",
                Kind::Text | Kind::At | Kind::Date | Kind::Json => "TEXT",
            };
            let null = if column.nullable { "" } else { " NOT NULL" };
            // Writing to a String cannot fail, here and below.
            let _ = write!(body, ",\n  {} {sql_type}{null}", column.name);
            if let Some(stem) = column.name.strip_suffix("_at").filter(|_| column.kind == Kind::At) {
                let _ = write!(
                    body,
                    ",\n  {stem}_epoch INTEGER GENERATED ALWAYS AS (unixepoch(substr({}, 1, 19))) VIRTUAL",
                    column.name
                );
            }
        }
        let key: Vec<&str> = self.key_columns().collect();
        let clustered = if self.clustered { ", WITHOUT ROWID" } else { "" };
        let table = format!(
            "CREATE TABLE {} (\n{body},\n  last_pos INTEGER NOT NULL,\n  PRIMARY KEY ({})\n) STRICT{clustered}",
            self.name,
            key.join(", ")
        );
        let indexes = self.indexes.iter().enumerate().map(|(number, (columns, condition))| {
            let condition = if condition.is_empty() { String::new() } else { format!(" WHERE {condition}") };
            format!(
                "CREATE INDEX {0}_{1} ON {0} (merchant, {2}){condition}",
                self.name,
                number + 1,
                columns.join(", ")
            )
        });
        std::iter::once(table).chain(indexes).collect()
    }

    /// The columns of the primary key.
    pub fn key_columns(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once("merchant").chain(self.columns.iter().take(self.key).map(|c| c.name))
    }

    /// All stored columns in order, from `merchant` to `last_pos`.
    pub fn stored_columns(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once("merchant")
            .chain(self.columns.iter().map(|c| c.name))
            .chain(std::iter::once("last_pos"))
    }

    /// How many values a row has in [`crate::Rows::push`].
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// The statement that writes `rows` rows: a row whose key is there already gets the new values.
    pub(crate) fn upsert(&self, rows: usize) -> String {
        let names: Vec<&str> = self.stored_columns().collect();
        let values = names.len() - 1;
        let one = format!("({}?)", "?,".repeat(values - 1));
        let mut sql = String::with_capacity(500 + rows * (one.len() + 1));
        // The merchant is the same in all rows and is bound once.
        let _ = write!(sql, "INSERT INTO {} ({}) SELECT ?", self.name, names.join(","));
        for number in 1..=values {
            let _ = write!(sql, ",column{number}");
        }
        let _ = write!(sql, " FROM (VALUES {one}");
        for _ in 1..rows {
            sql.push(',');
            sql.push_str(&one);
        }
        // Without the condition, the parser would take ON CONFLICT for a join.
        sql.push_str(") WHERE true");
        let changing: Vec<&str> =
            self.columns.iter().skip(self.key).filter(|c| !c.fixed).map(|c| c.name).collect();
        let key: Vec<&str> = self.key_columns().collect();
        // Where nothing may change, a second row of the same key is a mistake and must fail.
        if !changing.is_empty() {
            let _ = write!(sql, " ON CONFLICT({}) DO UPDATE SET ", key.join(","));
            for name in changing {
                let _ = write!(sql, "{name}=excluded.{name},");
            }
            sql.push_str("last_pos=excluded.last_pos");
        }
        sql
    }
}
