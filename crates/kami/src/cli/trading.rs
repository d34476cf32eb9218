//! Stock, purchases, models, and history from elsewhere.

use clap::{Args, Subcommand};
use vocabulary::Account;

use super::{Json, Server};

/// Options of `import-keys`.
#[derive(Debug, Args)]
pub(crate) struct ImportKeys {
    /// The SKU.
    #[arg(long)]
    pub(crate) sku: String,
    /// `text`, `csv` or `ndjson`; from the file's name where not given.
    #[arg(long)]
    pub(crate) format: Option<String>,
    /// Who supplied the keys.
    #[arg(long)]
    pub(crate) supplier: Option<String>,
    /// What one key cost, in minor units of CNY.
    #[arg(long, value_name = "MINOR")]
    pub(crate) unit_cost_minor: Option<i64>,
    /// The file; `-` for standard input.
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What to do with purchases.
#[derive(Debug, Subcommand)]
pub(crate) enum Purchases {
    /// List them, the newest first, each with what came of it.
    #[command(
        after_help = "Examples:\n  kami purchases list\n  kami purchases list --sku steam-50 --state for_a_person --json"
    )]
    List(ListPurchases),
    /// Show one with all that is known of it.
    #[command(after_help = "Example:\n  kami purchases show 01a204962aa471c4964fcc0eff671c62")]
    Show(ShowPurchase),
    /// Buy keys of a SKU from a supplier. Answers as soon as the wish is on record, before the supplier is called.
    #[command(
        after_help = "Example:\n  kami purchases buy --sku steam-50 --account dujiao-next/wholesale --item 7 --quantity 10 \\\n    --max-price-minor 48000 --reason \"low stock\" --idempotency-key buy-2026-01-02"
    )]
    Buy(BuyKeys),
}

/// Options of `purchases list`.
#[derive(Debug, Args)]
pub(crate) struct ListPurchases {
    /// Only for this SKU.
    #[arg(long)]
    pub(crate) sku: Option<String>,
    /// Only at this account, `channel/shop`.
    #[arg(long)]
    pub(crate) account: Option<Account>,
    /// Only those that stand like this.
    #[arg(long, value_parser = ["requested", "accepted", "keys", "failed", "for_a_person"])]
    pub(crate) state: Option<String>,
    /// At most so many, the newest.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) limit: u16,
    /// Behind this place: the `next` of the page before.
    #[arg(long, value_name = "NEXT")]
    pub(crate) cursor: Option<u64>,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `purchases show`.
#[derive(Debug, Args)]
pub(crate) struct ShowPurchase {
    /// Our number of it, which the supplier has too.
    pub(crate) purchase: String,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// Options of `purchases buy`.
#[derive(Debug, Args)]
pub(crate) struct BuyKeys {
    /// The SKU that the keys are for.
    #[arg(long)]
    pub(crate) sku: String,
    /// The account at the supplier, `channel/shop`.
    #[arg(long)]
    pub(crate) account: Account,
    /// The supplier's item id.
    #[arg(long)]
    pub(crate) item: String,
    /// How many keys.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) quantity: u32,
    /// What all of them may cost at most, in minor units.
    #[arg(long, value_name = "MINOR", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) max_price_minor: i64,
    /// The currency of that.
    #[arg(long, default_value = "CNY")]
    pub(crate) currency: String,
    /// Why. It is kept with the purchase.
    #[arg(long)]
    pub(crate) reason: String,
    /// The same key buys once, however often the command is run; without one, each run buys.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What to do with models.
#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Fit one through a running Kami, and record what came of it.
    #[command(after_help = "Example:\n  kami model fit ltv")]
    Fit(FitModel),
    /// The newest fit of each.
    #[command(after_help = "Example:\n  kami model list --json")]
    List(Json),
}

/// Options of `model fit`.
#[derive(Debug, Args)]
pub(crate) struct FitModel {
    /// Which.
    #[arg(value_parser = ["forecast", "ltv", "attribution", "lost_sales"])]
    pub(crate) model: String,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What to take over.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// The invoices of the data set "Online Retail", from its Parquet file, as orders and refunds of the past.
    #[command(after_help = "Example:\n  kami import retail online-retail.parquet")]
    Retail(ImportRetail),
}

/// Options of `import retail`.
#[derive(Debug, Args)]
pub(crate) struct ImportRetail {
    /// The file.
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) json: Json,
}
