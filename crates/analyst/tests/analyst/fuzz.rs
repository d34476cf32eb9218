//! Thousands of statements, sound and hostile, drawn from a seed: no write, no secret, no way around the views, no
//! overrun of the budget.

use std::collections::HashSet;

use analyst::{
    sources,
    sql::{self, Budget, SqlError},
};
use projection::testkit::merchant;

use crate::world::{World, other};

const STATEMENTS: usize = 4_000;

/// A plain generator (splitmix64): the same statements on every machine.
struct Draw(u64);

impl Draw {
    fn number(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    }
    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.number(of.len())]
    }
}

const HOSTILE_TABLES: &[&str] = &[
    "sqlite_master",
    "sqlite_schema",
    "sqlite_temp_schema",
    "main.fct_order",
    "temp.fct_order",
    "sys_quarantine",
    "sys_schema",
    "sys_projection",
    "pragma_database_list",
    "pragma_table_xinfo('fct_order')",
    "pragma_query_only",
    "pragma_function_list",
    "dbstat",
    "_metabase_metadata",
    "bytecode('SELECT 1')",
    "json_each('[1,2]')",
    "json_tree('{}')",
    "fts3tokenize",
    "generate_series(1, 100)",
    "\"fct_order\"",
    "[fct_order]",
    "`fct_order`",
];
const HOSTILE_WORDS: &[&str] = &[
    "; DELETE FROM fct_order",
    "; PRAGMA query_only=0",
    "; ATTACH ':memory:' AS x",
    " RETURNING 1",
    "-- x\n",
    "/* x",
    " INTO OUTFILE 'x'",
    ";;;",
    "' OR 1=1 --",
    "\u{0}",
    " UNION SELECT sql FROM sqlite_master",
    " LIMIT -1",
    " UNION ALL SELECT merchant FROM sys_projection",
    " COLLATE nocase",
    "\u{feff}",
    " INDEXED BY x",
    " NOT INDEXED",
];
const HOSTILE_HEADS: &[&str] = &[
    "DELETE FROM fct_order WHERE ",
    "UPDATE fct_order SET state = ",
    "INSERT INTO fct_order SELECT ",
    "EXPLAIN SELECT ",
    "PRAGMA ",
    "ATTACH 'file:x?mode=memory' AS y; SELECT ",
    "CREATE TEMP TABLE t AS SELECT ",
    "VACUUM INTO ",
    "REPLACE INTO sys_schema VALUES ",
    "WITH x AS (DELETE FROM fct_order RETURNING *) SELECT ",
    "REINDEX ",
    "BEGIN; SELECT ",
    "DROP TABLE IF EXISTS ",
    "ALTER TABLE fct_order ADD COLUMN ",
    "ANALYZE ",
    "DETACH ",
    "SAVEPOINT ",
    "VALUES ",
    "WITH RECURSIVE fct_order AS (SELECT * FROM main.fct_order) SELECT ",
];
const FUNCTIONS: &[&str] = &[
    "load_extension('x.so')",
    "readfile('/etc/passwd')",
    "writefile('x', 'y')",
    "edit('x')",
    "fts3_tokenizer('x', x'00')",
    "randomblob(1000000000)",
    "zeroblob(999999)",
    "printf('%.*c', 2000000000, 'x')",
    "hex(zeroblob(400000))",
    "sqlite_compileoption_get(1)",
    "sqlite_source_id()",
    "changes()",
    "last_insert_rowid()",
    "json('[' || zeroblob(9))",
    "group_concat(order_id)",
    "json_group_array(last_pos)",
    "char(0)",
    "abs(-9223372036854775808)",
    "likelihood(1, 0.5)",
    "sqlite_offset(last_pos)",
    "unistr('\\0041')",
    "match('a', 'b')",
    "regexp('a', 'b')",
    "row_number() OVER ()",
];

struct Grammar<'w> {
    draw: Draw,
    tables: Vec<&'w str>,
    columns: Vec<&'w str>,
}

impl Grammar<'_> {
    fn table(&mut self) -> String {
        match self.draw.number(10) {
            0..=1 => self.draw.one(HOSTILE_TABLES).to_owned(),
            2 => format!(
                "(WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT {}) SELECT i AS last_pos FROM n)",
                10 + self.draw.number(1_000_000)
            ),
            _ => self.tables[self.draw.number(self.tables.len())].to_owned(),
        }
    }
    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.draw.number(6) {
                0 => "NULL".to_owned(),
                1 => self.draw.number(1 << 40).to_string(),
                2 => "'13800138000'".to_owned(),
                3 => "*".to_owned(),
                _ => self.columns[self.draw.number(self.columns.len())].to_owned(),
            };
        }
        let (a, b) = (self.expression(depth - 1), self.expression(depth - 1));
        match self.draw.number(12) {
            0 => self.draw.one(FUNCTIONS).to_owned(),
            1 => format!("COUNT({a})"),
            2 => format!("({})", self.select(depth - 1)),
            3 => format!("EXISTS ({})", self.select(depth - 1)),
            4 => format!("CASE WHEN {a} THEN {b} END"),
            5 => format!("{a} || {b}"),
            6 => format!("{a} LIKE {b}"),
            7 => format!("CAST({a} AS BLOB)"),
            8 => format!("MAX({a}, {b})"),
            9 => format!("{a} IN ({})", self.select(depth - 1)),
            _ => format!(
                "{a} {} {b}",
                self.draw.one(&["+", "*", "/", "=", "<", "AND", "OR", "IS NOT", "->>", "GLOB"])
            ),
        }
    }
    fn select(&mut self, depth: usize) -> String {
        let mut text = format!("SELECT {} FROM {}", self.expression(depth), self.table());
        if self.draw.number(2) == 0 {
            let (join, table) = (
                self.draw.one(&[", ", " JOIN ", " LEFT JOIN ", " NATURAL JOIN ", " CROSS JOIN "]),
                self.table(),
            );
            text.push_str(&format!("{join}{table}"));
        }
        if self.draw.number(2) == 0 {
            text.push_str(&format!(" WHERE {}", self.expression(depth)));
        }
        if self.draw.number(4) == 0 {
            text.push_str(&format!(" GROUP BY {}", self.expression(0)));
        }
        if self.draw.number(4) == 0 {
            text.push_str(&format!(" ORDER BY {}", self.expression(1.min(depth))));
        }
        text
    }
    fn statement(&mut self) -> String {
        let depth = self.draw.number(3);
        let mut text = match self.draw.number(5) {
            0 => format!("{}{}", self.draw.one(HOSTILE_HEADS), self.expression(depth)),
            1 => {
                let (part, whole) = (self.select(depth), self.select(depth));
                format!("WITH {} AS ({part}) {whole}", self.tables[0])
            }
            _ => self.select(depth),
        };
        if self.draw.number(3) == 0 {
            // Somewhere in the middle, wherever that falls.
            let at = self.draw.number(text.len() + 1);
            text.insert_str(text.floor_char_boundary(at), self.draw.one(HOSTILE_WORDS));
        }
        text
    }
}

#[tokio::test]
async fn thousands_of_statements_write_nothing_reach_nothing_and_keep_to_their_budget() {
    let world = World::new(200).await;
    let all = sources(world.views.projections());
    let mut grammar = Grammar {
        draw: Draw(20),
        tables: all.iter().map(|source| source.name).collect(),
        columns: all.iter().flat_map(|source| source.columns).map(|column| column.name).collect(),
    };
    grammar.columns.extend(["last_pos", "rowid", "merchant", "sql", "order_json"]);
    let theirs: HashSet<String> = sqlx::query_scalar("SELECT order_id FROM fct_order WHERE merchant = ?")
        .bind(other().as_str())
        .fetch_all(world.views.reader())
        .await
        .unwrap()
        .into_iter()
        .collect();
    assert!(!theirs.is_empty());
    let before = digests(&world).await;
    let budget = Budget { steps: 300_000, rows: 2_000, bytes: 1 << 20, ..Budget::default() };
    let mut ends = [0_usize; 4];
    for _ in 0..STATEMENTS {
        let text = grammar.statement();
        let mut question = world.question(&text);
        question.budget = budget;
        let end = sql::run(&question);
        ends[match &end {
            Ok(_) => 0,
            Err(SqlError::Refused(_)) => 1,
            Err(SqlError::Failed(_)) => 2,
            Err(SqlError::OverBudget { .. }) => 3,
            Err(SqlError::Broken(error)) => panic!("{text}: {error}"),
        }] += 1;
        match end {
            Ok(answer) => {
                assert!(answer.steps <= budget.steps, "{text}: {}", answer.steps);
                assert!(answer.sheet.rows.len() <= budget.rows, "{text}");
                for cell in answer.sheet.rows.iter().flatten().filter_map(|cell| cell.as_str()) {
                    assert!(!theirs.iter().any(|order| cell.contains(order.as_str())), "{text} shows {cell}");
                    assert!(!cell.contains("CREATE "), "{text} shows {cell}");
                }
            }
            Err(SqlError::OverBudget { steps, .. }) => {
                assert!(steps <= budget.steps + 2_000, "{text}: {steps}");
            }
            Err(error) => assert!(!error.to_string().contains("13800138000"), "{text}: {error}"),
        }
        assert!(!sql::shape(&text, world.views.projections()).contains("13800138000"), "{text}");
    }
    assert_eq!(digests(&world).await, before, "a statement wrote");
    assert!(ends.iter().all(|count| *count > 20), "each end is reached: {ends:?}");
}

async fn digests(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for projection in world.views.projections() {
        for merchant in [merchant(), other()] {
            all.push(world.views.digest(projection.name(), &merchant).await.unwrap());
        }
    }
    let objects: Vec<(String, Option<String>)> =
        sqlx::query_as("SELECT name, sql FROM sqlite_master ORDER BY name")
            .fetch_all(world.views.reader())
            .await
            .unwrap();
    all.push(format!("{objects:?}"));
    all
}
