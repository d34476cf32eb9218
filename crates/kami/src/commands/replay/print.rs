//! A history and its causes for people to read.

use projection_orders::{Causes, Edge, EdgeKind, Node, Step};
use vocabulary::OrderId;

use crate::{cli::say, commands::events::kind};

/// One event: what it says in two languages, why, and what it changed.
pub(super) fn step(step: &Step) {
    let elapsed = step.elapsed_ms.unwrap_or(0);
    let cause = step.cause.map(|cause| format!("  because of {cause}")).unwrap_or_default();
    say(&format!(
        "\n{:>8}  {}  +{}.{:03}s  {}  by {}:{}{cause}",
        step.position,
        step.recorded_at,
        elapsed / 1_000,
        elapsed % 1_000,
        step.type_name,
        kind(step.actor.kind),
        step.actor.id,
    ));
    say(&format!("          {}", step.sentence.en));
    say(&format!("          {}", step.sentence.zh));
    if step.occurred_at != step.recorded_at {
        say(&format!("          happened at {}", step.occurred_at));
    }
    if let Some(reason) = &step.reason_code {
        say(&format!("          reason {reason}"));
    }
    for change in &step.changes {
        say(&format!("          {}: {} -> {}", change.path, change.from, change.to));
    }
    if let Some(message) = &step.message {
        say(&format!("          message {message}"));
    }
}

/// Each thing that happened, and what it follows from.
pub(super) fn causes(order: OrderId, graph: &Causes) {
    say(&order.to_string());
    for node in &graph.nodes {
        say(&format!("\n{}", title(node)));
        if let Some(event) = &node.event {
            say(&format!("    {}", event.sentence.en));
            say(&format!("    {}", event.sentence.zh));
        }
        for edge in graph.edges.iter().filter(|edge| edge.to == node.id) {
            say(&format!("    {} {}", word(edge), edge.from));
        }
    }
}

fn title(node: &Node) -> String {
    match &node.event {
        Some(event) => format!("{}  {}  {}  ({})", node.id, event.recorded_at, event.type_name, event.stream),
        None => node.id.clone(),
    }
}

fn word(edge: &Edge) -> &'static str {
    match edge.kind {
        EdgeKind::Began => "began with",
        EdgeKind::LedTo => "follows from",
        EdgeKind::Attempted => "is a try of",
        EdgeKind::RanOut => "is the end of",
        EdgeKind::GaveBack => "gives keys back after",
    }
}
