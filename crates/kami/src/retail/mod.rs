//! The books of a shop as the UCI data set "Online Retail" has them: lines of invoices in a Parquet file, one row each,
//! with the columns InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID and Country.
//!
//! An invoice whose number begins with `C` cancels: it is a refund. Amounts are quantity times unit price; unit prices
//! have up to three decimals, so they are counted in thousandths of a pound. The times have no zone and are read as the
//! clock of the shop, which is in London. The whole file is read and checked before anything is done with it.

mod books;
mod summary;
mod table;

use std::path::Path;

use parquet::{basic::Type, errors::ParquetError};

pub(crate) use books::{Books, Invoice};
pub(crate) use summary::Summary;

/// Why a file cannot be taken over. Nothing was done with it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetailError {
    #[error("the file cannot be opened")]
    Open(#[source] std::io::Error),
    #[error("the file is not a Parquet file")]
    NotParquet(#[source] ParquetError),
    #[error("the file has no column {0}")]
    MissingColumn(&'static str),
    #[error("column {column} does not hold values of type {wanted}, one for each row")]
    WrongType { column: &'static str, wanted: Type },
    #[error("column {column} cannot be read")]
    Damaged { column: &'static str, source: ParquetError },
    #[error("row {row}: {what}")]
    Row { row: usize, what: String },
    #[error("the file has no rows")]
    Empty,
}

impl RetailError {
    /// What is wrong with a row, by its place from 0; people count from 1.
    fn row(place: usize, what: impl Into<String>) -> Self {
        Self::Row { row: place + 1, what: what.into() }
    }
}

/// Reads and checks a file.
pub(crate) fn read(path: &Path) -> Result<(Books, Summary), RetailError> {
    let table = table::Table::read(path)?;
    let books = Books::of(&table)?;
    let summary = Summary::of(&table, &books);
    Ok((books, summary))
}
