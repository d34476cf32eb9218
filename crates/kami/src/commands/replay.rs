//! `kami replay order`: an order's history, and the state after every step.

use anyhow::{Context, bail};
use domain::{Decider, order};
use event_log::EventLog;
use events::RecordedEvent;
use projection::Views;
use projection_orders as query;
use serde_json::{Map, Value, json};
use vault::MerchantKeys;
use vocabulary::{MerchantId, MessageId, OrderId, Position, Timestamp};

use super::{
    events::{as_json, kind},
    open,
};
use crate::{
    channels,
    cli::{Replay, say},
    config::Config,
};

/// One event of the history, and what it changed in the order.
struct Step {
    event: RecordedEvent,
    state: Value,
    changed: Map<String, Value>,
}

pub(super) async fn run(config: &Config, options: Replay) -> anyhow::Result<()> {
    let log = open::log(config).await?;
    let merchant = open::merchant(config, &*log).await?;
    let views = views(config).await?;
    let order = resolve(&views, &merchant, &options.reference).await?;
    let mut steps = history(&*log, &views, &merchant, order).await?;
    if let Some(at) = &options.at {
        return state_at(order, &steps, at, options.json.json);
    }
    let bodies = match &options.bodies {
        Some(reason) => bodies(config, &*log, &merchant, &steps, reason).await?,
        None => Vec::new(),
    };
    if options.json.json {
        let steps: Vec<Value> = steps
            .iter()
            .map(|step| {
                Ok(json!({"event": as_json(&step.event)?, "changed": step.changed, "state": step.state}))
            })
            .collect::<anyhow::Result<_>>()?;
        say(&json!({"order": order, "steps": steps, "messages": bodies}).to_string());
        return Ok(());
    }
    say(&format!("{order}"));
    let mut before: Option<Timestamp> = None;
    for step in &mut steps {
        print(step, before)?;
        before = Some(step.event.recorded_at);
    }
    for message in bodies {
        say(&serde_json::to_string_pretty(&message)?);
    }
    Ok(())
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

/// The order's own events with the state they lead to, and those of key pools that name it.
async fn history(
    log: &dyn EventLog,
    views: &Views,
    merchant: &MerchantId,
    order: OrderId,
) -> anyhow::Result<Vec<Step>> {
    let entries = query::history(views.reader(), merchant, order, Position(0), 100_000).await?;
    let mut state = order::State::default();
    let mut shown = to_map(&state)?;
    let mut steps = Vec::with_capacity(entries.len());
    for entry in entries {
        let before = Position(entry.position.0.saturating_sub(1));
        let found = log.read_log(merchant, before, 1).await.context("the log")?.into_iter().next();
        let event = found.with_context(|| format!("event {} is missing", entry.position))?;
        if event.stream == order.stream() {
            order::Order::evolve(&mut state, &event.fact()?);
        }
        let now = to_map(&state)?;
        let changed = difference(&shown, &now);
        shown.clone_from(&now);
        steps.push(Step { event, state: Value::Object(now), changed });
    }
    Ok(steps)
}

fn to_map(state: &order::State) -> anyhow::Result<Map<String, Value>> {
    let mut map = match serde_json::to_value(state)? {
        Value::Object(map) => map,
        other => bail!("the state is not an object: {other}"),
    };
    map.insert("status".to_owned(), serde_json::to_value(state.status())?);
    Ok(map)
}

/// What differs: for each field the value before and after.
fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    after
        .iter()
        .filter(|(field, value)| before.get(*field) != Some(value))
        .map(|(field, value)| {
            let old = before.get(field).cloned().unwrap_or_default();
            (field.clone(), json!({"before": old, "after": value}))
        })
        .collect()
}

fn state_at(order: OrderId, steps: &[Step], at: &str, json: bool) -> anyhow::Result<()> {
    let found = match (at.parse::<u64>(), Timestamp::parse_rfc3339(at)) {
        (Ok(position), _) => steps.iter().rev().find(|s| s.event.position.0 <= position),
        (_, Ok(instant)) => steps.iter().rev().find(|s| s.event.recorded_at <= instant),
        _ => bail!("--at is neither a log position nor an RFC 3339 time"),
    };
    let step = found.with_context(|| format!("{order} did not exist then"))?;
    let position = step.event.position;
    if json {
        say(&json!({"order": order, "position": position, "state": step.state}).to_string());
    } else {
        say(&format!("{order} as of position {position} ({})", step.event.recorded_at));
        say(&serde_json::to_string_pretty(&step.state)?);
    }
    Ok(())
}

fn print(step: &Step, before: Option<Timestamp>) -> anyhow::Result<()> {
    let event = &step.event;
    let meta = event.meta()?;
    let words = events::sentence::sentence(&event.fact()?);
    let elapsed = before.map_or(0, |b| event.recorded_at.micros().saturating_sub(b.micros()));
    say(&format!(
        "\n{:>8}  {}  +{:.3}s  {}  by {}:{}{}",
        event.position,
        event.recorded_at,
        elapsed as f64 / 1e6,
        event.type_name,
        kind(&meta),
        meta.actor.id,
        meta.causation.map(|c| format!("  because of {c}")).unwrap_or_default(),
    ));
    say(&format!("          {}", words.en));
    say(&format!("          {}", words.zh));
    if event.occurred_at != event.recorded_at {
        say(&format!("          happened at {}", event.occurred_at));
    }
    for (field, change) in &step.changed {
        say(&format!("          {field}: {} -> {}", change["before"], change["after"]));
    }
    if let Some(message) = meta.correlation {
        say(&format!("          message {message}"));
    }
    Ok(())
}

/// The raw messages behind the history. An answer may hold keys, and nothing is shown without a record: the
/// running Kami's `GET /v1/inbox/{id}?reveal=` records it and shows it, so only the request is shown here.
async fn bodies(
    config: &Config,
    log: &dyn EventLog,
    merchant: &MerchantId,
    steps: &[Step],
    reason: &str,
) -> anyhow::Result<Vec<Value>> {
    if reason.trim().is_empty() {
        bail!("--bodies needs a reason");
    }
    let vault = open::vault(config).await?;
    let keys = vault.ensure_merchant(merchant).await.context("the merchant's keys")?;
    let mut messages: Vec<MessageId> = Vec::new();
    for step in steps {
        messages.extend(step.event.meta()?.correlation.filter(|m| !messages.contains(m)));
    }
    let mut shown = Vec::new();
    for message in messages {
        shown.push(body(log, merchant, &keys, &message).await?);
    }
    vault.close().await;
    Ok(shown)
}

async fn body(
    log: &dyn EventLog,
    merchant: &MerchantId,
    keys: &MerchantKeys,
    message: &MessageId,
) -> anyhow::Result<Value> {
    let row = log
        .read_inbox(merchant, message)
        .await
        .context("the inbox")?
        .with_context(|| format!("message {message} is not in the inbox"))?;
    let request =
        keys.open(&format!("{message}/request"), &row.sealed_request).context("the sealed request")?;
    let answer = keys.open(&format!("{message}/answer"), &row.sealed_answer).context("the sealed answer")?;
    let request: channel::RawRequest = serde_json::from_slice(&request)?;
    let answer: Option<channel::Reply> = serde_json::from_slice(&answer)?;
    Ok(json!({
        "message": message, "account": row.account, "verdict": row.verdict.as_str(), "received_at": row.received_at,
        "method": request.method, "topic": request.topic, "query": request.query,
        "body": String::from_utf8_lossy(&request.body),
        "answer_status": answer.as_ref().map(|a| a.status),
        "answer_bytes": answer.as_ref().map(|a| a.body.len()),
        "answer": "recorded with GET /v1/inbox/{id}?reveal=<reason> of the running Kami",
    }))
}
