//! I17, as far as the log can tell: no read model is ahead of it. That a read model holds what a rebuild
//! would give is checked by rebuilding it.

use std::{collections::BTreeMap, path::Path};

use sqlx::Row;

use crate::{
    error::VerifyError,
    open::open,
    report::{At, Findings, Invariant},
};

/// How far a read model is.
pub(crate) struct Checkpoint {
    name: String,
    merchant: String,
    position: i64,
}

/// The checkpoints in `views.db`; none where there are no read models.
pub(crate) async fn read(path: &Path) -> Result<Vec<Checkpoint>, VerifyError> {
    let failed = VerifyError::read("the checkpoints of the read models");
    let Some(mut database) = open(path).await? else { return Ok(Vec::new()) };
    let query = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'sys_projection'";
    let tables: i64 = sqlx::query_scalar(query).fetch_one(&mut database.connection).await.map_err(&failed)?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    let query = "SELECT name, merchant, head_pos FROM sys_projection ORDER BY merchant, name";
    let rows = sqlx::query(query).fetch_all(&mut database.connection).await.map_err(&failed)?;
    let read = |row: &sqlx::sqlite::SqliteRow| {
        Ok(Checkpoint { name: row.try_get(0)?, merchant: row.try_get(1)?, position: row.try_get(2)? })
    };
    rows.iter().map(read).collect::<Result<_, _>>().map_err(&failed)
}

/// Compares them with where each merchant's log ends.
pub(crate) fn check(checkpoints: &[Checkpoint], ends: &BTreeMap<String, u64>, findings: &mut Findings) {
    for checkpoint in checkpoints {
        let end = ends.get(&checkpoint.merchant).copied().unwrap_or_default();
        let position = u64::try_from(checkpoint.position).ok();
        if position.is_some_and(|position| position <= end) {
            continue;
        }
        findings.concern(Some(&checkpoint.merchant));
        let (name, found) = (&checkpoint.name, checkpoint.position);
        let message = format!("read model {name} stands at {found}, the log ends at {end}");
        findings.violation(Invariant::I17, At { position, stream: None }, message);
    }
    findings.concern(None);
}
