//! Many rows in one statement.
//!
//! A trip to the connection's thread and the work of preparing a statement cost more than a row, so rows
//! travel by the thousand. The number of rows in a statement is a power of two, so that few statements serve
//! all batch sizes and each stays prepared. What is left over is unbound, which SQLite reads as NULL, and
//! skipped. Compared on batches of 256 and 1024 events this is twice as fast as one JSON array, with texts or
//! with bytes.

use event_log::LogError;
use sqlx::{Encode, Sqlite, Type, sqlite::SqliteArguments};

/// The most rows of one statement: 1024 rows of 12 columns stay below SQLite's 32766 variables.
const MOST: usize = 1024;

/// `(VALUES (?,?),(?,?),…)`, its columns named `column1`, `column2`, …, and what is bound to it.
pub(crate) struct Values {
    pub(crate) sql: String,
    pub(crate) arguments: SqliteArguments,
}

/// Collects rows, value by value. The first column must not be NULL.
pub(crate) struct Rows {
    width: usize,
    bound: usize,
    current: SqliteArguments,
    full: Vec<Values>,
}

impl Rows {
    /// No rows yet, of `width` columns.
    pub(crate) fn of(width: usize) -> Self {
        Self { width, bound: 0, current: SqliteArguments::default(), full: Vec::new() }
    }

    /// Adds the next value of the current row.
    pub(crate) fn put<'q, T>(&mut self, value: T) -> Result<&mut Self, LogError>
    where
        T: Encode<'q, Sqlite> + Type<Sqlite> + 'q,
    {
        if self.bound == MOST * self.width {
            self.cut();
        }
        sqlx::Arguments::add(&mut self.current, value).map_err(LogError::Store)?;
        self.bound += 1;
        Ok(self)
    }

    /// The statements' worth of rows; none when there are no rows.
    pub(crate) fn finish(mut self) -> Vec<Values> {
        if self.bound > 0 {
            self.cut();
        }
        self.full
    }

    fn cut(&mut self) {
        let rows = (self.bound / self.width).next_power_of_two();
        let arguments = std::mem::take(&mut self.current);
        self.full.push(Values { sql: values(self.width, rows), arguments });
        self.bound = 0;
    }
}

fn values(width: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; width].join(","));
    let mut sql = String::with_capacity(rows * (row.len() + 1) + 16);
    sql.push_str("(VALUES ");
    for n in 0..rows {
        sql.push_str(if n == 0 { "" } else { "," });
        sql.push_str(&row);
    }
    sql.push(')');
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_come_in_few_sizes_and_hold_every_row() {
        let mut rows = Rows::of(2);
        for n in 0..1027_i64 {
            rows.put(n).unwrap().put("x").unwrap();
        }
        let full = rows.finish();
        let marks: Vec<_> = full.iter().map(|v| v.sql.matches('?').count()).collect();
        let bound: Vec<_> = full.iter().map(|v| sqlx::Arguments::len(&v.arguments)).collect();
        assert_eq!((marks, bound), (vec![2048, 8], vec![2048, 6]));
        assert!(Rows::of(2).finish().is_empty());
    }
}
