//! What is made in PostgreSQL: rows in one schema as the folds keep them, and over them, in another, what analysts see.

use std::fmt::Write;
use std::sync::Arc;

use projection::{Column, Kind, Projection, Table, View};

/// Where the rows are.
pub(crate) const ROWS: &str = "kami_rows";
/// What analysts see.
pub(crate) const VIEWS: &str = "kami_views";

const DIALECT: &str = include_str!("dialect.sql");

const SYSTEM: &str = "
CREATE TABLE $rows.sys_projection (
  name text COLLATE \"C\" NOT NULL,
  merchant text COLLATE \"C\" NOT NULL,
  version bigint NOT NULL,
  head_pos bigint NOT NULL,
  head_hash text NOT NULL,
  head_recorded_at text COLLATE \"C\" NOT NULL,
  head_recorded_epoch bigint GENERATED ALWAYS AS ($rows.unixepoch(substr(head_recorded_at, 1, 19))) STORED,
  PRIMARY KEY (name, merchant)
);
CREATE TABLE $rows.sys_shape (ddl text NOT NULL);
CREATE VIEW $views.sys_projection AS SELECT name, merchant, version, head_pos, head_hash,
  head_recorded_at::timestamptz AS head_recorded_at, head_recorded_epoch FROM $rows.sys_projection;
COMMENT ON VIEW $views.sys_projection IS 'How far each read model has come with the log.';
";

/// Everything that makes both schemas, given their names.
pub(crate) fn ddl(projections: &[Arc<dyn Projection>], rows: &str, views: &str) -> String {
    let mut text = format!("CREATE SCHEMA {rows};\nCREATE SCHEMA {views};\n");
    for part in [DIALECT, SYSTEM] {
        text.push_str(&part.replace("$rows", rows).replace("$views", views));
    }
    // Ours before PostgreSQL's own, where both have a function of a name.
    let _ = writeln!(text, "SET LOCAL search_path = {rows}, pg_catalog;");
    for projection in projections {
        for table in projection.tables() {
            add_table(&mut text, table, projection.version(), rows);
        }
    }
    for projection in projections {
        for view in projection.views() {
            add_view(&mut text, view, projection.version(), rows);
        }
    }
    let _ = writeln!(text, "SET LOCAL search_path = pg_catalog;");
    for projection in projections {
        let tables = projection.tables().iter().map(|t| (t.name, t.en, t.zh, t.columns));
        let declared = projection.views().iter().map(|v| (v.name, v.en, v.zh, v.columns));
        for (name, en, zh, columns) in tables.chain(declared) {
            add_typed(&mut text, (rows, views), name, (en, zh), columns);
        }
    }
    text
}

/// The `x_epoch` of a column `x_at`.
fn epoch_of(column: &Column) -> Option<&'static str> {
    column.name.strip_suffix("_at").filter(|_| column.kind == Kind::At)
}

/// A table as the fold keeps it: instants and days are texts that sort, flags are 0 and 1.
fn add_table(text: &mut String, table: &Table, version: u32, rows: &str) {
    // Writing to a String cannot fail, here and below.
    let _ = write!(text, "CREATE TABLE {rows}.{} (\n  merchant text COLLATE \"C\" NOT NULL", table.name);
    for column in table.columns {
        let kind = match column.kind {
            Kind::Int | Kind::Flag => "bigint",
            Kind::Real => "double precision",
            Kind::Text | Kind::At | Kind::Date | Kind::Json => "text COLLATE \"C\"",
        };
        let null = if column.nullable { "" } else { " NOT NULL" };
        let _ = write!(text, ",\n  {} {kind}{null}", column.name);
        if let Some(stem) = epoch_of(column) {
            let _ = write!(
                text,
                ",\n  {stem}_epoch bigint GENERATED ALWAYS AS ({rows}.unixepoch(substr({}, 1, 19))) STORED",
                column.name
            );
        }
    }
    let key: Vec<&str> = table.key_columns().collect();
    let _ = writeln!(
        text,
        ",\n  last_pos bigint NOT NULL,\n  projector_version bigint GENERATED ALWAYS AS ({version}) STORED,\n  \
         PRIMARY KEY ({})\n);",
        key.join(", ")
    );
    for (columns, condition) in table.indexes {
        let condition = if condition.is_empty() { String::new() } else { format!(" WHERE {condition}") };
        let _ = writeln!(
            text,
            "CREATE INDEX ON {rows}.{} (merchant, {}){condition};",
            table.name,
            columns.join(", ")
        );
    }
}

/// A declared view, as it stands, over the rows.
fn add_view(text: &mut String, view: &View, version: u32, rows: &str) {
    let _ = write!(text, "CREATE VIEW {rows}.{} AS SELECT merchant", view.name);
    for column in view.columns {
        let _ = write!(text, ", {}", column.name);
        if let Some(stem) = epoch_of(column) {
            let _ = write!(text, ", unixepoch(substr({}, 1, 19)) AS {stem}_epoch", column.name);
        }
    }
    let _ = writeln!(
        text,
        ", last_pos, {version}::bigint AS projector_version FROM (\n{}\n) AS asked;",
        with_doubles(view.select)
    );
}

/// What analysts see of a table or a view: the same names, with PostgreSQL's own types, and what they mean.
fn add_typed(
    text: &mut String,
    (rows, views): (&str, &str),
    name: &str,
    (en, zh): (&str, &str),
    columns: &[Column],
) {
    let _ = write!(text, "CREATE VIEW {views}.{name} AS SELECT merchant");
    for column in columns {
        let column_name = column.name;
        let typed = match column.kind {
            Kind::Text => column_name.to_owned(),
            Kind::Int => format!("{column_name}::bigint"),
            Kind::Real => format!("{column_name}::double precision"),
            Kind::At => format!("{column_name}::timestamptz"),
            Kind::Date => format!("{column_name}::date"),
            Kind::Flag => format!("({column_name}::text IN ('1', 'true'))"),
            Kind::Json => format!("{column_name}::json"),
        };
        let _ = write!(text, ", {typed} AS {column_name}");
        if let Some(stem) = epoch_of(column) {
            let _ = write!(text, ", {stem}_epoch");
        }
    }
    let _ = writeln!(text, ", last_pos, projector_version FROM {rows}.{name};");
    let _ = writeln!(text, "COMMENT ON VIEW {views}.{name} IS {};", quoted(&format!("{en} {zh}")));
    for column in columns {
        let said = quoted(&format!("{} {}", column.en, column.zh));
        let _ = writeln!(text, "COMMENT ON COLUMN {views}.{name}.{} IS {said};", column.name);
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Numbers with a fraction are doubles in SQLite, and decimals in PostgreSQL unless it is told otherwise.
fn with_doubles(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 100);
    let mut in_text = false;
    let mut rest = sql.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        text.push(character);
        if character == '\'' {
            in_text = !in_text;
        }
        let after_word = sql[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        if in_text || after_word || !character.is_ascii_digit() {
            continue;
        }
        let mut has_fraction = false;
        while let Some((_, next)) = rest.next_if(|(_, next)| next.is_ascii_digit() || *next == '.') {
            has_fraction |= next == '.';
            text.push(next);
        }
        if has_fraction {
            text.push_str("::double precision");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_a_fraction_become_doubles_and_nothing_else_changes() {
        let sql = "SELECT 1.0 * a1.b / 20, 0.0, '1.5', x2.y, 3 FROM t";
        let told = "SELECT 1.0::double precision * a1.b / 20, 0.0::double precision, '1.5', x2.y, 3 FROM t";
        assert_eq!(with_doubles(sql), told);
    }
}
