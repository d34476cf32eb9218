//! A Telegram bot as a sales channel: buyers pay invoices in Stars, keys reach them by message, and Stars go back.
//!
//! Updates carry no signature: a secret header, sent over https, proves that Telegram speaks. Whether a payment may go
//! ahead is answered in the reply to the question itself. What the buyer paid for stands in the invoice's payload:
//! an item of this account, or an order that was placed elsewhere.
#![warn(missing_docs)]

mod checkout;
mod inbound;
mod mini_app;
mod outbound;
mod payment;
mod reconcile;
mod settings;
mod status;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Deliver, Inbound, Kind, Limits, Manifest, Outcome, Poll, Proof,
    Protocol, RawRequest, Refund, Refusal, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

pub use mini_app::{MiniAppUser, mini_app_user};

use settings::Bot;

/// The protocol `telegram`.
pub const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect,
    example_settings: include_str!("example-settings.json"),
    schemes: vectors::SCHEMES,
};

static MANIFEST: Manifest = Manifest {
    code: "telegram",
    name: ("Telegram bot", "Telegram 机器人"),
    inbound: &[Kind::Notice, Kind::Query],
    capabilities: Capabilities { deliver: true, refund: true, poll: true, ..Capabilities::NONE },
    clock_tolerance_secs: None,
    // About 30 messages a second over all chats are spoken of; we stay below.
    limits: Limits { calls_per_s: 20, concurrency: 8, timeout_ms: 10_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("deliver", Confidence::Documented),
        ("refund", Confidence::Documented),
        ("poll", Confidence::Sdk),
    ],
    sources: &[
        "https://core.telegram.org/bots/api (as repeated in the SDKs' documentation)",
        "https://core.telegram.org/bots/payments-stars",
        "python-telegram-bot 22.8 (docstrings, ext/_utils/webhookhandler.py)",
        "aiogram 3.31.0 (webhook/aiohttp_server.py, utils/web_app.py)",
    ],
};

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    Ok(Arc::new(Telegram { account, bot: Bot::open(text)? }))
}

struct Telegram {
    account: Account,
    bot: Bot,
}

impl Adapter for Telegram {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, _: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(&self.bot, request)
    }
    fn signed_text(&self, _: &RawRequest) -> Option<String> {
        // Nothing is signed: the header is a shared secret.
        None
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.bot, request.request())
    }
    fn answer(&self, request: &Verified<'_>, _: &Inbound, outcome: &Outcome) -> Reply {
        match inbound::question(request.request()) {
            Some(question) => checkout::answer(&question, outcome),
            None => status::acknowledge(),
        }
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        status::refuse(refusal)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        Some(&self.bot)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        Some(&self.bot)
    }
    fn polls(&self) -> Vec<&dyn Poll> {
        if self.bot.reconcile { vec![&self.bot] } else { Vec::new() }
    }
}
