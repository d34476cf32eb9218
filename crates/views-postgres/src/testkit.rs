//! For tests: every table and declared view, cell for cell, on both sides.

use std::path::Path;
use std::sync::Arc;

use projection::{Column, Kind, Projection};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection, query};

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Compared {
    /// How many cells were held against each other.
    pub cells: usize,
    /// How many tables and views have rows.
    pub full: usize,
    /// How many there are.
    pub all: usize,
    /// What is not the same.
    pub differences: Vec<String>,
}

type Cells = Vec<Vec<Option<String>>>;

/// Holds what analysts see in PostgreSQL against the folds' file, for all merchants.
pub async fn compare(
    views: &Path,
    url: &str,
    projections: &[Arc<dyn Projection>],
) -> Result<Compared, sqlx::Error> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(views);
    let mut sqlite = SqliteConnection::connect_with(&options).await?;
    let mut postgres = PgConnection::connect(url).await?;
    let mut compared = Compared::default();
    for projection in projections {
        let tables = projection.tables().iter().map(|table| (table.name, table.columns));
        for (name, columns) in tables.chain(projection.views().iter().map(|view| (view.name, view.columns))) {
            let list = |of: fn(&Column) -> String| columns.iter().map(of).collect::<Vec<_>>().join(", ");
            let here = format!("SELECT {}, CAST(last_pos AS text) FROM {name}", list(in_sqlite));
            let there = format!("SELECT {}, last_pos::text FROM kami_views.{name}", list(in_postgres));
            let here = sorted(query(AssertSqlSafe(here)).fetch_all(&mut sqlite).await?)?;
            let there = sorted(query(AssertSqlSafe(there)).fetch_all(&mut postgres).await?)?;
            if here.len() != there.len() {
                compared.differences.push(format!("{name}: {} rows are {}", here.len(), there.len()));
            }
            for (here, there) in here.iter().zip(&there).filter(|(here, there)| here != there) {
                compared.differences.push(format!("{name}: {here:?} is {there:?}"));
            }
            compared.cells += here.iter().map(Vec::len).sum::<usize>();
            compared.full += usize::from(!here.is_empty());
            compared.all += 1;
        }
    }
    Ok(compared)
}

/// A cell as text, the same on both sides: numbers with a fraction by thirteen digits.
fn in_sqlite(column: &Column) -> String {
    let name = column.name;
    match column.kind {
        Kind::Text | Kind::At | Kind::Date | Kind::Json => name.to_owned(),
        Kind::Int | Kind::Flag => format!("CAST({name} AS text)"),
        Kind::Real => format!("CASE WHEN {name} IS NOT NULL THEN printf('%.12e', {name}) END"),
    }
}

fn in_postgres(column: &Column) -> String {
    let name = column.name;
    match column.kind {
        Kind::Text => name.to_owned(),
        Kind::Json | Kind::Int => format!("{name}::text"),
        Kind::Flag => format!("{name}::int::text"),
        Kind::Date => format!("to_char({name}, 'YYYY-MM-DD')"),
        Kind::At => format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"),
        Kind::Real => format!("to_char({name}, '9.999999999999EEEE')"),
    }
}

fn sorted<R: Row>(rows: Vec<R>) -> Result<Cells, sqlx::Error>
where
    usize: sqlx::ColumnIndex<R>,
    for<'r> Option<String>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    let cell =
        |row: &R, n: usize| Ok(row.try_get::<Option<String>, _>(n)?.map(|text| text.trim_start().to_owned()));
    let cells = |row: &R| (0..row.len()).map(|n| cell(row, n)).collect::<Result<Vec<_>, sqlx::Error>>();
    let mut all = rows.iter().map(cells).collect::<Result<Cells, _>>()?;
    all.sort();
    Ok(all)
}
