//! Measuring.

use clap::{Args, ValueEnum};

use super::Json;

/// Options of `bench`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to do to the server.
    #[arg(value_enum, default_value_t = Scenario::Steady)]
    pub(crate) scenario: Scenario,
    /// How many connections are open at once, each with one call under way.
    #[arg(long, default_value_t = 128, value_parser = connections)]
    pub(crate) connections: usize,
    /// For how long the rate of orders is measured (of `flash`: until the keys are sold).
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    pub(crate) seconds: u64,
    /// How many SKUs share the orders of `steady`, `replay` and `start`.
    #[arg(long, default_value_t = 100, hide = true, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) skus: u32,
    /// The keys of `flash` and `import`, the events of `replay` and `start`, the orders of `read`, the longest log of
    /// `log`, the most orders of a warm-up.
    #[arg(long, hide = true, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) size: Option<u64>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// The scenarios of `bench`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Orders for many SKUs that are never out of stock; then the same at half the rate.
    Steady,
    /// One SKU, more buyers than keys, three calls in ten repeated.
    Flash,
    /// A file of a million keys, then orders for them.
    Import,
    /// The rebuild of all read models from a log of half a million events.
    Replay,
    /// How soon a server is ready on a log of a million events.
    Start,
    /// How soon an order is found, sales summed up and read models made anew, over a million orders.
    Read,
    /// The log alone in an empty PostgreSQL database (`--log`): of raw inserts, by clients, merchants and length.
    Log,
}

impl Scenario {
    /// The word on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Flash => "flash",
            Self::Import => "import",
            Self::Replay => "replay",
            Self::Start => "start",
            Self::Read => "read",
            Self::Log => "log",
        }
    }
}

/// The server takes 4,096 connections; others would wait unseen.
fn connections(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=4_000).contains(n)).ok_or_else(|| "1 to 4000".to_owned())
}
