//! A pretend marketplace as a process of its own: places orders at a shop, hears of deliveries, keeps books.

use std::{io::Write, net::SocketAddr};

use anyhow::Context;
use channel_sandbox::marketplace::{Good, Marketplace, Options, Way};
use clap::{Parser, ValueEnum};
use vocabulary::Secret;

/// Plays a marketplace against a shop of Kami's. Prints its address as one line of JSON, begins once the shop answers,
/// and shows its books at GET /ledger and, when the run is over, its figures at GET /report.
#[derive(Parser)]
#[command(
    version,
    after_help = "Example:\n  sandbox-marketplace --target http://127.0.0.1:8080/v1/in/sandbox/main --orders 1000 \\\n    \
                  --duplicates 10 --reorder 20 --lose 5 --timeout-after-success 10"
)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The shop's inbound address at the merchant's (plain http).
    #[arg(long)]
    target: String,
    /// The shop's number, as in the account's settings.
    #[arg(long, default_value = "shop-7")]
    shop: String,
    /// The shop's secret, as in the account's settings.
    #[arg(
        long,
        env = "SANDBOX_SECRET",
        hide_env_values = true,
        default_value = "TEST-ONLY-sandbox-secret-0123456789"
    )]
    secret: String,
    /// From which everything that is left to chance follows.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many orders to place.
    #[arg(long, default_value_t = 100)]
    orders: u32,
    /// What is sold, as item=price in minor units; may be given several times.
    #[arg(long = "good", value_parser = good, default_value = "steam-50=2888")]
    goods: Vec<Good>,
    /// What the prices are in.
    #[arg(long, default_value = "CNY")]
    currency: vocabulary::Currency,
    /// How orders reach the merchant, drawn evenly.
    #[arg(long, value_delimiter = ',', default_value = "paid,purchase,hinted,reported")]
    ways: Vec<WayName>,
    /// The most units of one order.
    #[arg(long, default_value_t = 2)]
    quantity_max: u32,
    /// Per cent of messages that are sent twice.
    #[arg(long, default_value_t = 0)]
    duplicates: u8,
    /// Per cent of messages that are held back until later ones have overtaken them.
    #[arg(long, default_value_t = 0)]
    reorder: u8,
    /// Per cent of attempts that get lost.
    #[arg(long, default_value_t = 0)]
    lose: u8,
    /// Per cent of orders that are called off at once.
    #[arg(long, default_value_t = 0)]
    cancel: u8,
    /// Per cent of delivered orders whose buyers want their money back.
    #[arg(long, default_value_t = 0)]
    refund: u8,
    /// Per cent of the merchant's calls that are acted on and not answered.
    #[arg(long, default_value_t = 0)]
    timeout_after_success: u8,
    /// Per cent of the merchant's calls that are acted on and answered with an error.
    #[arg(long, default_value_t = 0)]
    error_after_success: u8,
    /// Per cent of the merchant's calls that are turned away with 429.
    #[arg(long, default_value_t = 0)]
    too_many: u8,
    /// How long every answer trickles, in milliseconds.
    #[arg(long, default_value_t = 0)]
    slow_ms: u64,
    /// How long a call that is not answered is kept waiting, in milliseconds.
    #[arg(long, default_value_t = 10_000)]
    hold_ms: u64,
    /// Orders a second; 0: as fast as they are answered.
    #[arg(long, default_value_t = 0)]
    rate: u32,
    /// Orders under way at the same time.
    #[arg(long, default_value_t = 32)]
    at_once: usize,
    /// Print the figures as a second line of JSON when the run is over, and exit.
    #[arg(long)]
    exit: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum WayName {
    Paid,
    Purchase,
    Hinted,
    Reported,
}

fn good(text: &str) -> Result<Good, String> {
    let (item, price) = text.split_once('=').ok_or("is not of the form item=price")?;
    let price_minor = price.parse().map_err(|_| "the price is no whole number of minor units")?;
    Ok(Good { item: item.to_owned(), price_minor })
}

impl Arguments {
    fn into_options(self) -> Options {
        let way = |way: &WayName| match way {
            WayName::Paid => Way::Paid,
            WayName::Purchase => Way::Purchase,
            WayName::Hinted => Way::Hinted,
            WayName::Reported => Way::Reported,
        };
        Options {
            listen: self.listen,
            target: self.target.trim_end_matches('/').to_owned(),
            shop: self.shop,
            secret: Secret::new(self.secret),
            seed: self.seed,
            orders: self.orders,
            goods: self.goods,
            currency: self.currency,
            ways: self.ways.iter().map(way).collect(),
            quantity_max: self.quantity_max,
            duplicates: self.duplicates,
            reorder: self.reorder,
            lose: self.lose,
            cancel: self.cancel,
            refund: self.refund,
            timeout_after_success: self.timeout_after_success,
            error_after_success: self.error_after_success,
            too_many: self.too_many,
            slow_ms: self.slow_ms,
            hold_ms: self.hold_ms,
            rate: self.rate,
            at_once: self.at_once,
            ..Options::default()
        }
    }
}

fn print(line: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let exit = arguments.exit;
    let market =
        Marketplace::start(arguments.into_options()).await.context("the marketplace cannot start")?;
    print(&serde_json::json!({ "listening": market.url() }))?;
    tokio::select! {
        () = market.run() => {}
        ended = tokio::signal::ctrl_c() => return Ok(ended?),
    }
    if exit {
        return print(&market.report());
    }
    Ok(tokio::signal::ctrl_c().await?)
}
