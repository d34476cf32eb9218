//! Kuaishou shop (快手小店, open.kwaixiaodian.com): it pushes encrypted hints and asks for the codes of e-tickets; we
//! read orders and refunds back, issue the codes by a call, agree to refunds, poll both lists and renew the token.
//!
//! Knows the protocol's words only. Nothing but the wish to read something back is ever taken from a message.
//!
//! ```
//! use channel_kuaishou::PROTOCOL;
//! let account = "kuaishou/main".parse().unwrap();
//! let adapter = (PROTOCOL.connect)(account, PROTOCOL.example_settings);
//! assert!(adapter.is_ok());
//! ```
#![warn(missing_docs)]

mod after_sale;
mod call;
mod deliver;
mod eticket;
mod inbound;
mod order;
mod poll;
mod read;
mod refund;
mod renew;
mod settings;
mod status;
mod vectors;
mod verify;

use std::sync::Arc;

use channel::{
    Adapter, Capabilities, Confidence, Deliver, Inbound, Kind, Limits, Manifest, Outcome, Poll, Proof,
    Protocol, RawRequest, ReadBack, Refund, Refusal, Renew, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use poll::{Orders, Refunds};
use settings::Settings;

/// The protocol, as the binary lists it.
pub const PROTOCOL: Protocol =
    Protocol { manifest: &MANIFEST, connect, example_settings: settings::EXAMPLE, schemes: vectors::SCHEMES };

static MANIFEST: Manifest = Manifest {
    code: "kuaishou",
    name: ("Kuaishou shop", "快手小店"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities {
        deliver: true,
        read_back: true,
        refund: true,
        poll: true,
        renew: true,
        ..Capabilities::NONE
    },
    // A push carries a time, but no document says how old one may be; repeats are told by their id.
    clock_tolerance_secs: None,
    limits: Limits { calls_per_s: 5, concurrency: 4, timeout_ms: 10_000 },
    confidence: &[
        ("inbound", Confidence::Documented),
        ("deliver", Confidence::Unsure),
        ("read_back", Confidence::Documented),
        ("refund", Confidence::Sdk),
        ("poll", Confidence::Sdk),
        ("renew", Confidence::Sdk),
    ],
    sources: &[
        "kwaishopTradePlatform/kwaishop-digital-access-demo (the official demo), read 2026-11-22",
        "repositories crywolfx/kuaishou-merchant-open-api and whalesky-labs/kwaishop-php-sdk; see README.md",
    ],
};

fn connect(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    let settings = Arc::new(Settings::read(settings, &account)?);
    Ok(Arc::new(Kuaishou {
        account,
        orders: Orders(settings.clone()),
        refunds: Refunds(settings.clone()),
        settings,
    }))
}

struct Kuaishou {
    account: Account,
    settings: Arc<Settings>,
    orders: Orders,
    refunds: Refunds,
}

impl Adapter for Kuaishou {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn verify(&self, request: &RawRequest, _: Timestamp) -> Result<Proof, Refusal> {
        verify::verify(&self.settings, request)
    }
    fn signed_text(&self, _: &RawRequest) -> Option<String> {
        // A push is encrypted, not signed, and the e-ticket interface is told by a secret in its address.
        None
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        inbound::parse(&self.settings, request.request())
    }
    fn answer(&self, request: &Verified<'_>, _: &Inbound, outcome: &Outcome) -> Reply {
        inbound::answer(&self.settings, request.request(), outcome)
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        inbound::refuse(refusal)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        // Codes are handed over only where they are asked for.
        self.settings.eticket_secret.is_some().then_some(&*self.settings as &dyn Deliver)
    }
    fn read_back(&self) -> Option<&dyn ReadBack> {
        Some(&*self.settings)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        Some(&*self.settings)
    }
    fn polls(&self) -> Vec<&dyn Poll> {
        vec![&self.orders, &self.refunds]
    }
    fn renew(&self) -> Option<&dyn Renew> {
        self.settings.renewal.is_some().then_some(&*self.settings as &dyn Renew)
    }
}
