//! Small tables of the read models, read as a whole.

use analyst::{Source, page};
use serde_json::Value;

use crate::{api::Api, problem::Problem};

/// Rows of the small tables (accounts, items) that are read as a whole.
const ALL: u32 = 100_000;

/// All rows of a small table, by its key.
pub(crate) async fn all(api: &Api, name: &str) -> Result<Vec<Value>, Problem> {
    let Some(source) = Source::find(api.views().projections(), name) else { return Ok(Vec::new()) };
    let mut conn = api.views().reader().acquire().await?;
    Ok(page(&mut conn, api.merchant(), &source, &[], None, ALL).await?.sheet.objects())
}
