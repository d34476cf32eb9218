//! The log in KurrentDB, as its documented records have it: copied into a temporary database with the documented tables,
//! without their keys, so that what is there twice is seen twice. What records say about each other is checked on the
//! way; everything else as in a file.

mod reader;

use eventstore::{Client, ClientSettings, Error, ReadStreamOptions, RecordedEvent, StreamPosition};
use serde::Deserialize;
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use self::reader::Reader;
use crate::{VerifyError, report::Invariant, rows::ROWS_AHEAD};

const TABLES: &str = "
    CREATE TABLE event (merchant, position, stream, version, type, schema_version, payload, metadata, occurred_at,
                        recorded_at, hash);
    CREATE INDEX event_position ON event (merchant, position);
    CREATE TABLE merchant (merchant, epoch, position, hash, recorded_at);
    CREATE TABLE inbox (merchant, message, dedupe_key, verdict, first_position, last_position);
    CREATE INDEX inbox_merchant ON inbox (merchant);
    CREATE TABLE number (merchant, kind, namespace, number, order_id);
    CREATE INDEX number_merchant ON number (merchant);";

/// A copy of the log.
pub(crate) struct Copy {
    pub(crate) connection: SqliteConnection,
    /// What is wrong with the records themselves: whose they are, what they break, and how.
    pub(crate) faults: Vec<(String, Invariant, String)>,
    _dir: TempDir,
}

/// Copies the logs of all merchants.
pub(crate) async fn open(url: &str) -> Result<Copy, VerifyError> {
    let (client, prefix) = connect(url)?;
    let dir = TempDir::new().map_err(|error| VerifyError::Server(error.to_string()))?;
    let options = SqliteConnectOptions::new()
        .filename(dir.path().join("copy.db"))
        .create_if_missing(true)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("synchronous", "OFF");
    let failed = VerifyError::read("the copy of the log");
    let mut connection = options.connect().await.map_err(&failed)?;
    sqlx::raw_sql(TABLES).execute(&mut connection).await.map_err(&failed)?;
    let mut merchants = Vec::new();
    each(&client, &format!("{prefix}-merchants"), async |record| {
        merchants.extend(serde_json::from_slice::<Merchant>(&record.data).map(|noted| noted.merchant));
        Ok(())
    })
    .await?;
    merchants.sort();
    merchants.dedup();
    let mut faults = Vec::new();
    for merchant in merchants {
        let mut reader = Reader::of(merchant);
        sqlx::raw_sql("BEGIN").execute(&mut connection).await.map_err(&failed)?;
        each(&client, &format!("{prefix}-log-{}", reader.merchant), async |record| {
            reader.take(&mut connection, record).await.map_err(&failed)
        })
        .await?;
        reader.finish(&mut connection).await.map_err(&failed)?;
        sqlx::raw_sql("COMMIT").execute(&mut connection).await.map_err(&failed)?;
        let merchant = reader.merchant;
        faults.extend(reader.faults.into_iter().map(|(invariant, what)| (merchant.clone(), invariant, what)));
    }
    Ok(Copy { connection, faults, _dir: dir })
}

/// The client, and with what the names of streams begin.
fn connect(url: &str) -> Result<(Client, String), VerifyError> {
    let url = url.replacen("kurrentdb", "esdb", usize::from(url.starts_with("kurrentdb")));
    let (base, query) = url.split_once('?').unwrap_or((&url, ""));
    let (mut prefix, mut others) = ("kami", Vec::new());
    for parameter in query.split('&') {
        match parameter.strip_prefix("kamiPrefix=") {
            Some(value) => prefix = value,
            None => others.push(parameter),
        }
    }
    // The client's own words could repeat a password.
    let none = |_| VerifyError::Server("its address is not understood".to_owned());
    let settings: ClientSettings = format!("{base}?{}", others.join("&")).parse().map_err(none)?;
    Ok((Client::new(settings).map_err(server)?, prefix.to_owned()))
}

fn server(error: Error) -> VerifyError {
    VerifyError::Server(error.to_string())
}

/// Shows every record of a stream, in order; none where there is no such stream.
async fn each(
    client: &Client,
    stream: &str,
    mut show: impl AsyncFnMut(RecordedEvent) -> Result<(), VerifyError>,
) -> Result<(), VerifyError> {
    let options = ReadStreamOptions::default().position(StreamPosition::Start);
    let mut reading = match client.read_stream(stream, &options).await {
        Ok(reading) => reading,
        Err(Error::ResourceNotFound) => return Ok(()),
        Err(error) => return Err(server(error)),
    };
    loop {
        match reading.next().await {
            Ok(Some(event)) => match event.event {
                Some(record) => show(record).await?,
                None => return Err(VerifyError::Server(format!("an event of {stream} is a broken link"))),
            },
            Ok(None) | Err(Error::ResourceNotFound) => return Ok(()),
            Err(error) => return Err(server(error)),
        }
    }
}

#[derive(Deserialize)]
struct Merchant {
    merchant: String,
}
