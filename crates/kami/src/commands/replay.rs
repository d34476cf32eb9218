//! `kami replay`: an order's history, the state after every step, and what led to what; of the log, or of a file that
//! another instance exported.

mod bodies;
mod print;

use std::path::Path;

use anyhow::{Context, bail};
use event_log::EventLog;
use events::RecordedEvent;
use projection::Views;
use projection_orders::{self as query, At, HistoryFile, Order, OrderView};
use serde_json::{Value, json};
use vocabulary::{MerchantId, OrderId, Position, StreamVersion, Timestamp};

use super::open;
use crate::{
    channels,
    cli::{Replay, say},
    config::Config,
};

/// Events of other streams that are told with an order, at most.
const OTHERS_MAX: u32 = 100_000;

/// An order's history, wherever it comes from.
struct History {
    order: OrderId,
    /// By position: the order's own events, and those of other streams that concern it.
    events: Vec<RecordedEvent>,
    /// Events of other histories that led into it.
    others: Vec<RecordedEvent>,
}

pub(super) async fn run(config: &Config, options: Replay) -> anyhow::Result<()> {
    if let Some(file) = &options.file {
        return show(&from_file(file)?, &options, Vec::new());
    }
    let log = open::log(config).await?;
    let merchant = open::merchant(config, &*log).await?;
    let views = views(config).await?;
    let order = resolve(&views, &merchant, options.reference.as_deref().unwrap_or_default()).await?;
    let history = from_log(&*log, &views, &merchant, order).await?;
    let messages = match &options.bodies {
        Some(reason) => bodies::of(config, &*log, &merchant, &history.events, reason).await?,
        None => Vec::new(),
    };
    show(&history, &options, messages)
}

/// The read models, asked but not folded.
pub(super) async fn views(config: &Config) -> anyhow::Result<Views> {
    Views::open(&config.data.join("views.db"), channels::projections())
        .await
        .context("the read models cannot be opened; `kami rebuild` makes them anew")
}

/// The one order that a reference names.
pub(super) async fn resolve(
    views: &Views,
    merchant: &MerchantId,
    reference: &str,
) -> anyhow::Result<OrderId> {
    let reference: query::Reference = reference.parse().context("the reference")?;
    let found = query::find(views.reader(), merchant, &reference, 10).await.context("the read models")?;
    match found.as_slice() {
        [] => bail!("there is no such order"),
        [only] => Ok(only.order.order),
        [first, second, ..] if first.reason == "order_no" && second.reason != "order_no" => {
            Ok(first.order.order)
        }
        several => {
            let names: Vec<String> = several.iter().map(|f| f.order.order.to_string()).collect();
            bail!("several orders fit: {}", names.join(", "))
        }
    }
}

/// The history in a file, checked.
fn from_file(path: &Path) -> anyhow::Result<History> {
    let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let file = HistoryFile::read(&text).with_context(|| path.display().to_string())?;
    Ok(History { order: file.order, events: file.history(), others: Vec::new() })
}

/// Everything that the log holds about an order; which events of other streams concern it, the read models know.
async fn from_log(
    log: &dyn EventLog,
    views: &Views,
    merchant: &MerchantId,
    order: OrderId,
) -> anyhow::Result<History> {
    let all = usize::MAX >> 1;
    let stream = log.read_stream(merchant, &order.stream(), StreamVersion(0), all).await;
    let mut events = stream.context("the log")?;
    if let Some(buyer) = Order::fold(&events).and_then(|order| order.buyer) {
        let of_buyer = log.read_stream(merchant, &buyer.stream(), StreamVersion(0), all).await;
        events.extend(of_buyer.context("the log")?.into_iter().filter(|e| e.type_name != "BuyerRegistered"));
    }
    let elsewhere = query::positions_elsewhere(views.reader(), merchant, order, OTHERS_MAX).await;
    events.extend(at(log, merchant, &elsewhere.context("the read models")?).await?);
    events.sort_unstable_by_key(|event| event.position);
    let others = at(log, merchant, &query::outside(&events)?).await?;
    Ok(History { order, events, others })
}

async fn at(
    log: &dyn EventLog,
    merchant: &MerchantId,
    positions: &[Position],
) -> anyhow::Result<Vec<RecordedEvent>> {
    let mut all = Vec::with_capacity(positions.len());
    for position in positions {
        let before = Position(position.0.saturating_sub(1));
        all.extend(log.read_log(merchant, before, 1).await.context("the log")?);
    }
    Ok(all)
}

fn show(history: &History, options: &Replay, messages: Vec<Value>) -> anyhow::Result<()> {
    let json = options.json.json;
    if let Some(at) = &options.at {
        return state_at(history, at, json);
    }
    if options.causes {
        let graph = query::causes(history.order, &history.events, &history.others)?;
        if json {
            say(&json!({ "order": history.order, "nodes": graph.nodes, "edges": graph.edges }).to_string());
        } else {
            print::causes(history.order, &graph);
        }
        return Ok(());
    }
    let steps = query::steps(history.order, history.events.clone())?;
    if json {
        let mut all = Vec::with_capacity(steps.len());
        for step in &steps {
            let mut told = serde_json::to_value(step)?;
            told["state"] = state(history, At::Position(step.position))?.1;
            all.push(told);
        }
        say(&json!({ "order": history.order, "steps": all, "messages": messages }).to_string());
        return Ok(());
    }
    say(&history.order.to_string());
    steps.iter().for_each(print::step);
    for message in messages {
        say(&serde_json::to_string_pretty(&message)?);
    }
    Ok(())
}

/// The order at a moment, and the position of its last event until then.
fn state(history: &History, at: At) -> anyhow::Result<(Position, Value)> {
    let own = history.order.stream();
    let known = &history.events[..query::known_at(&history.events, at)];
    let known: Vec<RecordedEvent> = known.iter().filter(|event| event.stream == own).cloned().collect();
    match (Order::fold(&known), known.last()) {
        (Some(order), Some(last)) => Ok((last.position, serde_json::to_value(OrderView::from(&order))?)),
        _ => Ok((Position(0), Value::Null)),
    }
}

fn state_at(history: &History, at: &str, json: bool) -> anyhow::Result<()> {
    let moment = match (at.parse::<u64>(), Timestamp::parse_rfc3339(at)) {
        (Ok(position), _) => At::Position(Position(position)),
        (_, Ok(instant)) => At::Instant(instant),
        _ => bail!("--at is neither a log position nor an RFC 3339 time"),
    };
    let order = history.order;
    let (position, state) = state(history, moment)?;
    if state.is_null() {
        bail!("{order} did not exist then");
    }
    if json {
        say(&json!({ "order": order, "position": position, "state": state }).to_string());
    } else {
        say(&format!("{order} as of position {position}"));
        say(&serde_json::to_string_pretty(&state)?);
    }
    Ok(())
}
