//! All rows of a source as one file.

use std::io::Write;

use projection::Views;
use sqlx::Connection;
use vocabulary::{MerchantId, Position};

use crate::{Format, FormatError, SheetWriter, Source, page};

/// Rows read at once.
const PAGE: u32 = 10_000;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The read models cannot be read.
    #[error("read models cannot be read")]
    Store(#[from] sqlx::Error),
    /// The file cannot be written.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// How many rows.
    pub rows: u64,
    /// The last position they contain.
    pub head: Position,
}

/// Writes all rows of a source, all of one moment.
pub async fn export<W: Write + Send>(
    views: &Views,
    merchant: &MerchantId,
    source: &Source,
    format: Format,
    to: W,
) -> Result<(W, Exported), ExportError> {
    let mut writer = SheetWriter::new(format, &source.headings(), to)?;
    // One transaction: rows that change meanwhile are not seen.
    let mut conn = views.reader().acquire().await?;
    let mut tx = conn.begin().await?;
    let (mut after, mut rows) = (None, 0);
    let head = loop {
        let page = page(&mut tx, merchant, source, &[], after.as_deref(), PAGE).await?;
        writer.write(&page.sheet.rows)?;
        rows += page.sheet.rows.len() as u64;
        match page.next {
            Some(next) => after = Some(next),
            None => break page.head,
        }
    };
    tx.commit().await?;
    Ok((writer.finish(None)?, Exported { rows, head }))
}
