//! A year of a real shop, taken over: the figures that are known of it are those of the log and of the read models.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::Arc,
};

use parquet::{
    data_type::{ByteArrayType, DoubleType, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/online-retail.parquet");

fn kami(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kami"));
    command.env_remove("KAMI_CONFIG").env_remove("KAMI_TOKEN").arg("--data").arg(data).current_dir(data);
    // Events are counted to the last one: no model may say anything in between.
    command.env("KAMI_MODELS__NIGHTLY_HOUR", "-1");
    command
}

fn run(data: &Path, arguments: &[&str]) -> Output {
    kami(data).args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A running `kami serve`.
struct Serving {
    child: Child,
    /// Kept open: what the server says has somewhere to go.
    _said: BufReader<ChildStdout>,
    url: String,
    data: PathBuf,
}

impl Serving {
    fn start(data: &Path) -> Self {
        let mut command = kami(data);
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        said.read_line(&mut first).unwrap();
        let url = first.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        Self { child, _said: said, url, data: data.to_owned() }
    }

    /// Asks until every read model contains this position; each question waits for a while.
    async fn wait_for(&self, position: u64) {
        // Only plain HTTP is spoken here, but the client wants a provider of TLS to exist.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let token = std::fs::read_to_string(self.data.join("admin.token")).unwrap();
        let url = format!("{}/v1/channels?min_pos={position}", self.url);
        for _ in 0..600 {
            let ask = reqwest::Client::new().get(&url).bearer_auth(token.trim());
            if ask.send().await.unwrap().status().is_success() {
                return;
            }
        }
        panic!("the read models do not get to {position}");
    }

    fn import(&self, file: &str) -> Output {
        run(&self.data, &["import", "retail", file, "--server", &self.url, "--json"])
    }

    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have stopped already.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The one row of a question to a database of the directory.
async fn row(data: &Path, file: &str, sql: &'static str) -> Vec<i64> {
    let path = data.join(file);
    let mut db = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let text: String = sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap();
    serde_json::from_str(&text).unwrap()
}

fn check_summary(told: &Value) {
    let figures = [
        ("lines", 541_909_i64),
        ("invoices", 25_900),
        ("cancelling_invoices", 3_836),
        ("cancelling_lines", 9_288),
        ("customers", 4_372),
        ("guest_lines", 135_080),
        ("items", 4_070),
        ("countries", 38),
        ("net_minor", 9_747_747_934),
        ("gross_minor", 10_644_560_424),
        ("duplicate_lines", 5_268),
    ];
    for (name, figure) in figures {
        assert_eq!(told[name], figure, "{name}");
    }
    assert_eq!((&told["first_date"], &told["last_date"]), (&"2010-12-01".into(), &"2011-12-09".into()));
}

#[tokio::test]
async fn a_year_of_a_shop_is_taken_over_once_and_adds_up_in_the_log_and_in_the_read_models() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    let serving = Serving::start(data);
    let told = json(&serving.import(FILE));
    check_summary(&told);
    let counts = |told: &Value| ["recorded", "known", "buyers"].map(|name| told[name].as_u64().unwrap());
    assert_eq!(counts(&told), [25_900, 0, 4_372]);
    let again = json(&serving.import(FILE));
    assert_eq!(counts(&again), [0, 25_900, 0], "the same file adds nothing");
    serving.wait_for(told["last_pos"].as_u64().unwrap()).await;
    serving.stop();

    let report = json(&run(data, &["verify", "--json"]));
    assert_eq!((&report["ok"], &report["merchants"][0]["events"]), (&true.into(), &(25_900 + 4_372).into()));

    let in_log = "
        WITH past AS (SELECT type = 'PastRefundRecorded' AS back, payload FROM event WHERE type LIKE 'Past%'),
        line AS (SELECT back, payload ->> '$.account' AS account, payload ->> '$.buyer' AS buyer,
          value ->> '$.item' AS item, value ->> '$.amount.minor' AS minor FROM past, json_each(payload, '$.lines'))
        SELECT json_array(COUNT(*), SUM(back), COUNT(DISTINCT item), COUNT(DISTINCT account),
          COUNT(DISTINCT buyer), SUM(buyer IS NULL), SUM(minor), SUM(IIF(back, 0, minor))) FROM line";
    let wanted = [541_909, 9_288, 4_070, 38, 4_372, 135_080, 9_747_747_934, 10_644_560_424];
    assert_eq!(row(data, "log.db", in_log).await, wanted);

    let sales =
        "SELECT json_array(SUM(net_fen), SUM(gross_fen), COUNT(DISTINCT sku_id), COUNT(DISTINCT channel_id),
        COUNT(DISTINCT currency)) FROM mart_sales_day";
    // An item that only ever came back is an item, too.
    assert_eq!(row(data, "views.db", sales).await, [9_747_747_934, 10_644_560_424, 4_070, 38, 1]);
    let orders = "SELECT json_array(COUNT(*), SUM(state = 'past'), SUM(total_fen), SUM(paid_fen),
        SUM(paid_fen) - SUM(refund_fen), COUNT(DISTINCT buyer_id_at_time)) FROM fct_order";
    assert_eq!(
        row(data, "views.db", orders).await,
        [25_900, 25_900, 9_747_747_934, 10_644_560_424, 9_747_747_934, 4_372]
    );
    let lines = "SELECT json_array(COUNT(*), SUM(amount_fen), COUNT(DISTINCT sku)) FROM fct_order_line";
    assert_eq!(row(data, "views.db", lines).await, [541_909, 9_747_747_934, 4_070]);
    // 2010-12-01 08:26 and 2011-12-09 12:50 in London.
    let times = "SELECT json_array(MIN(occurred_epoch), MAX(occurred_epoch)) FROM fct_order";
    assert_eq!(row(data, "views.db", times).await, [1_291_191_960, 1_323_435_000]);
    let moments = "SELECT json_array(SUM(kind = 'order'), SUM(kind = 'refund'), COUNT(DISTINCT buyer_id))
        FROM fct_timeline";
    assert_eq!(row(data, "views.db", moments).await, [18_536, 3_654, 4_372]);
    check_customers(data).await;
}

/// RFM and cohorts of all customers. The figures were computed from the same file by a program in another language.
async fn check_customers(data: &Path) {
    let rfm = "SELECT json_array(COUNT(*), SUM(recency_days), SUM(frequency_count), SUM(monetary_fen)) FROM mart_rfm";
    assert_eq!(row(data, "views.db", rfm).await, [4_339, 398_978, 18_536, 8_310_477_054]);
    let segments =
        "SELECT json_array(SUM(segment = 'at_risk'), SUM(segment = 'champion'), SUM(segment = 'lost'),
        SUM(segment = 'loyal'), SUM(segment = 'new'), SUM(segment = 'regular')) FROM mart_rfm";
    assert_eq!(row(data, "views.db", segments).await, [214, 898, 1_537, 390, 232, 1_068]);
    let cohorts = "SELECT json_array(COUNT(DISTINCT cohort_month || age_month), SUM(net_fen),
        SUM(IIF(age_month = 0, buyers, 0))) FROM mart_cohort";
    assert_eq!(row(data, "views.db", cohorts).await, [91, 8_314_287_914, 4_339]);
    let active = "SELECT json_group_array(active) FROM (SELECT SUM(active_buyers) AS active FROM mart_cohort
        WHERE cohort_month = '2010-12' GROUP BY age_month ORDER BY age_month)";
    let december = [885, 322, 288, 338, 323, 352, 318, 311, 313, 350, 329, 445, 241];
    assert_eq!(row(data, "views.db", active).await, december);
    let net = "SELECT json_group_array(net) FROM (SELECT SUM(net_fen) AS net FROM mart_cohort
        WHERE cohort_month = '2010-12' AND age_month < 3 GROUP BY age_month ORDER BY age_month)";
    assert_eq!(row(data, "views.db", net).await, [558_532_690, 266_903_780, 227_352_250]);
}

/// A file of two rows in the shape of the data set; `with` says which columns there are, and the second row's price.
fn tiny(path: &Path, columns: &[&str], price: f64) {
    let field = |name: &&str| match *name {
        "Quantity" | "UnitPrice" => format!("REQUIRED DOUBLE {name};"),
        "CustomerID" => format!("OPTIONAL DOUBLE {name};"),
        "InvoiceDate" => format!("REQUIRED INT64 {name} (TIMESTAMP(MICROS,false));"),
        _ => format!("REQUIRED BYTE_ARRAY {name} (UTF8);"),
    };
    let schema = format!("message schema {{ {} }}", columns.iter().map(field).collect::<String>());
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(WriterProperties::default())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for name in columns {
        let mut column = group.next_column().unwrap().unwrap();
        match *name {
            "Quantity" => column.typed::<DoubleType>().write_batch(&[1.0, 2.0], None, None).unwrap(),
            "UnitPrice" => column.typed::<DoubleType>().write_batch(&[2.55, price], None, None).unwrap(),
            "CustomerID" => {
                column.typed::<DoubleType>().write_batch(&[17_850.0], Some(&[1, 0]), None).unwrap()
            }
            "InvoiceDate" => {
                let at = 1_291_191_960_000_000;
                column.typed::<Int64Type>().write_batch(&[at, at], None, None).unwrap()
            }
            "InvoiceNo" => {
                let numbers = ["536365".into(), "536366".into()];
                column.typed::<ByteArrayType>().write_batch(&numbers, None, None).unwrap()
            }
            _ => column.typed::<ByteArrayType>().write_batch(&["A".into(), "A".into()], None, None).unwrap(),
        };
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

const COLUMNS: [&str; 8] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
];

#[test]
fn a_file_that_cannot_be_taken_over_says_why_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    let serving = Serving::start(data);
    let path = data.join("file.parquet");
    let name = path.to_str().unwrap();
    let refused = |why: &str| {
        let output = serving.import(name);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(why), "{why} is not in: {text}");
    };
    refused("the file cannot be opened");
    std::fs::write(&path, "InvoiceNo,StockCode\n1,2\n").unwrap();
    refused("the file is not a Parquet file");
    tiny(&path, &COLUMNS[..7], 1.0);
    refused("the file has no column Country");
    tiny(&path, &COLUMNS, 1.0005);
    refused("row 2: UnitPrice has more than three decimals");
    tiny(&path, &COLUMNS, f64::NAN);
    refused("row 2: UnitPrice");
    tiny(&path, &COLUMNS, 3.39);
    let told = json(&serving.import(name));
    assert_eq!(
        (&told["recorded"], &told["guest_lines"], &told["net_minor"]),
        (&2.into(), &1.into(), &9_330.into())
    );
    serving.stop();
    let report = json(&run(data, &["verify", "--json"]));
    assert_eq!(report["merchants"][0]["events"], 3, "only the last file left something");
}
