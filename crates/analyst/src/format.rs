//! Sheets as files.

use std::{io::Write, str::FromStr};

use serde_json::Value;

use crate::{Heading, parquet_file::ParquetFile, sheet::object};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// One JSON object with `rows` and `next`.
    #[default]
    Json,
    /// One JSON object per line.
    Ndjson,
    /// Comma-separated, with a header; safe to open in a spreadsheet.
    Csv,
    /// Apache Parquet, compressed with Snappy.
    Parquet,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Json, Self::Ndjson, Self::Csv, Self::Parquet];

    /// The word for it, which is also the ending of a file's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

impl FromStr for Format {
    type Err = &'static str;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let all = Self::ALL.into_iter().find(|format| format.as_str() == word);
        all.ok_or("a format is one of json, ndjson, csv, parquet")
    }
}

/// Why rows cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The file cannot be written.
    #[error("rows cannot be written")]
    Io(#[from] std::io::Error),
    /// A row cannot be written as CSV.
    #[error("rows cannot be written as CSV")]
    Csv(#[from] csv::Error),
    /// Rows cannot be written as Parquet.
    #[error("rows cannot be written as Parquet")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A cell is not what its column's kind says.
    #[error("a cell of {0} is not of its kind")]
    Cell(String),
}

/// Writes rows bit by bit. The same rows give the same bytes, however they are cut.
pub struct SheetWriter<W: Write + Send> {
    headings: Vec<Heading>,
    file: File<W>,
    any: bool,
}

enum File<W: Write + Send> {
    Json(W),
    Ndjson(W),
    Csv(Box<csv::Writer<W>>),
    Parquet(Box<ParquetFile<W>>),
}

impl<W: Write + Send> SheetWriter<W> {
    /// Begins a file of rows with these columns.
    pub fn new(format: Format, headings: &[Heading], mut to: W) -> Result<Self, FormatError> {
        let file = match format {
            Format::Json => {
                to.write_all(b"{\"rows\":[")?;
                File::Json(to)
            }
            Format::Ndjson => File::Ndjson(to),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(to);
                writer.write_record(headings.iter().map(|heading| &heading.name))?;
                File::Csv(Box::new(writer))
            }
            Format::Parquet => File::Parquet(Box::new(ParquetFile::new(headings, to)?)),
        };
        Ok(Self { headings: headings.to_vec(), file, any: false })
    }

    /// Writes rows, each with a cell per column.
    pub fn write(&mut self, rows: &[Vec<Value>]) -> Result<(), FormatError> {
        for row in rows {
            match &mut self.file {
                File::Json(to) => {
                    let comma = if self.any { "," } else { "" };
                    write!(to, "{comma}{}", object(&self.headings, row))?;
                }
                File::Ndjson(to) => writeln!(to, "{}", object(&self.headings, row))?,
                File::Csv(writer) => writer.write_record(row.iter().map(csv_cell))?,
                File::Parquet(file) => file.push(row)?,
            }
            self.any = true;
        }
        Ok(())
    }

    /// Ends the file. `next`, where the next page begins, is a member of JSON alone.
    pub fn finish(self, next: Option<&str>) -> Result<W, FormatError> {
        match self.file {
            File::Json(mut to) => {
                write!(to, "],\"next\":{}}}", Value::from(next))?;
                Ok(to)
            }
            File::Ndjson(to) => Ok(to),
            File::Csv(writer) => writer.into_inner().map_err(|error| FormatError::Io(error.into_error())),
            File::Parquet(file) => file.finish(),
        }
    }
}

/// A cell for a spreadsheet: text that it would take for a formula gets an apostrophe in front.
fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_never_starts_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\0x"] {
            assert!(csv_cell(&json!(text)).starts_with('\''), "{text:?}");
        }
        assert_eq!(csv_cell(&json!("steam-50")), "steam-50");
        assert_eq!(csv_cell(&json!(-5)), "-5");
        assert_eq!(csv_cell(&Value::Null), "");
    }
}
