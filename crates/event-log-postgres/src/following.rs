//! How a process learns what others append: PostgreSQL tells it at once, and it asks by itself every second, since what
//! is told may get lost with the line.
//!
//! An append does not say so inside its own transaction: PostgreSQL lets transactions that notify commit one after the
//! other only, over all merchants. It is said afterwards, of several appends at once, and without a flush.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use event_log::LogError;
use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep},
};
use vocabulary::{MerchantId, Position};

use crate::{
    error::{store, to_sql},
    heads::Heads,
    reading,
};

const CHANNEL: &str = "kami_log";
/// How often the heads of followed merchants are asked for.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How many appends are said at once, at most.
const SAID_AT_ONCE: usize = 1_024;

/// Listens until the sessions are closed. Whatever happened before it listened, or while the line was broken, it reads
/// from the heads.
pub(crate) async fn listen(pool: PgPool, heads: Arc<Heads>) {
    while !pool.is_closed() {
        if let Err(error) = listen_once(&pool, &heads).await
            && !pool.is_closed()
        {
            tracing::debug!(%error, "nobody tells of appends for the moment; they are asked for");
            sleep(ASK_EVERY).await;
        }
    }
}

async fn listen_once(pool: &PgPool, heads: &Heads) -> Result<(), LogError> {
    let mut listener = PgListener::connect_with(pool).await.map_err(store)?;
    listener.listen(CHANNEL).await.map_err(store)?;
    loop {
        ask(pool, heads, None).await?;
        while let Some(told) = listener.try_recv().await.map_err(store)? {
            let payload = told.payload().split_once(' ');
            let told = payload.and_then(|(name, at)| Some((name.parse().ok()?, at.parse().ok()?)));
            // Anybody may notify: what makes no sense is not from us.
            if let Some((merchant, position)) = told {
                heads.advance(&merchant, Position(position));
            }
        }
    }
}

/// Asks until the sessions are closed.
pub(crate) async fn ask_regularly(pool: PgPool, heads: Arc<Heads>) {
    let mut tick = interval(ASK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !pool.is_closed() {
        tick.tick().await;
        let watched = heads.watched();
        if !watched.is_empty()
            && let Err(error) = ask(&pool, &heads, Some(&watched)).await
        {
            tracing::debug!(%error, "the heads cannot be asked for at the moment");
        }
    }
}

/// Reads the heads of some merchants, or of all.
async fn ask(pool: &PgPool, heads: &Heads, of: Option<&[MerchantId]>) -> Result<(), LogError> {
    let mut connection = pool.acquire().await.map_err(store)?;
    for (merchant, position) in reading::positions(&mut connection, of).await? {
        heads.advance(&merchant, position);
    }
    Ok(())
}

/// Says what was appended here, until the log is gone.
pub(crate) async fn tell(pool: PgPool, mut appended: mpsc::UnboundedReceiver<(MerchantId, Position)>) {
    let mut some = Vec::new();
    while appended.recv_many(&mut some, SAID_AT_ONCE).await > 0 {
        // The last of a merchant is its newest.
        let newest: BTreeMap<MerchantId, Position> = some.drain(..).collect();
        if let Err(error) = say(&pool, &newest).await {
            tracing::debug!(%error, "others were not told of appends; they ask for them");
        }
    }
}

async fn say(pool: &PgPool, newest: &BTreeMap<MerchantId, Position>) -> Result<(), LogError> {
    let mut positions = Vec::with_capacity(newest.len());
    for position in newest.values() {
        positions.push(to_sql(position.0)?);
    }
    sqlx::query(
        "SELECT pg_notify($1, name || ' ' || at) FROM unnest($2::text[], $3::bigint[]) AS said (name, at)",
    )
    .bind(CHANNEL)
    .bind(newest.keys().map(MerchantId::as_str).collect::<Vec<_>>())
    .bind(positions)
    .execute(pool)
    .await
    .map_err(store)?;
    Ok(())
}
