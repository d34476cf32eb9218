//! What a marketplace can be told.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use vocabulary::{Currency, Secret};

use super::StartError;

/// Tells the time: Unix seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How an order reaches the merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// `order-paid`: keys are to be delivered.
    Paid,
    /// `purchase`: keys in the reply.
    Purchase,
    /// `order-changed`: a hint; the merchant has to read the order.
    Hinted,
    /// `order-placed`, then `payment-reported`, which the merchant has to check.
    Reported,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Paid, Self::Purchase, Self::Hinted, Self::Reported];
}

/// Something that is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    /// Its id at the marketplace.
    pub item: String,
    /// The price of one, in minor units; above 0.
    pub price_minor: i64,
}

/// What a marketplace can be told. Shares are in per cent, 0 to 100.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The shop's inbound address at the merchant's, without a slash at the end: plain http.
    pub target: String,
    /// The shop's number.
    pub shop: String,
    /// The shop's secret.
    pub secret: Secret<String>,
    /// From which everything that is left to chance follows.
    pub seed: u64,
    /// How many orders [`super::Marketplace::run`] places.
    pub orders: u32,
    /// What they are for; at least one.
    pub goods: Vec<Good>,
    /// What the prices are in.
    pub currency: Currency,
    /// How orders reach the merchant, drawn evenly; at least one.
    pub ways: Vec<Way>,
    /// The most units of one order; at least 1.
    pub quantity_max: u32,
    /// Share of messages that are sent twice.
    pub duplicates: u8,
    /// Share of messages that are held back, so that later ones overtake them.
    pub reorder: u8,
    /// Share of attempts that get lost on the way; they are repeated.
    pub lose: u8,
    /// Share of orders that their buyers call off at once.
    pub cancel: u8,
    /// Share of delivered orders whose buyers want their money back.
    pub refund: u8,
    /// Share of the merchant's calls that are acted on and then not answered.
    pub timeout_after_success: u8,
    /// Share of the merchant's calls that are acted on and then answered with an error.
    pub error_after_success: u8,
    /// Share of the merchant's calls that are turned away with 429.
    pub too_many: u8,
    /// How long an answer trickles, in milliseconds.
    pub slow_ms: u64,
    /// How long a call that is not answered is kept waiting before the connection breaks, in milliseconds.
    pub hold_ms: u64,
    /// Orders a second; 0: as fast as they are answered.
    pub rate: u32,
    /// Orders under way at the same time; at least 1.
    pub at_once: usize,
    /// The wait after the first attempt that was not answered, in milliseconds; it grows with every attempt.
    pub retry_ms: u64,
    /// Attempts before a message is given up; at least 1.
    pub attempts_max: u32,
    /// The time it signs with.
    pub clock: Clock,
}

impl Default for Options {
    /// A marketplace that behaves, sells one item, and uses the example settings of the adapter.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            target: "http://127.0.0.1:8080/v1/in/sandbox/main".to_owned(),
            shop: "shop-7".to_owned(),
            secret: Secret::new("TEST-ONLY-sandbox-secret-0123456789".to_owned()),
            seed: 1,
            orders: 0,
            goods: vec![Good { item: "steam-50".to_owned(), price_minor: 2_888 }],
            currency: Currency::CNY,
            ways: Way::ALL.to_vec(),
            quantity_max: 2,
            duplicates: 0,
            reorder: 0,
            lose: 0,
            cancel: 0,
            refund: 0,
            timeout_after_success: 0,
            error_after_success: 0,
            too_many: 0,
            slow_ms: 0,
            hold_ms: 0,
            rate: 0,
            at_once: 32,
            retry_ms: 200,
            attempts_max: 30,
            clock: Arc::new(|| {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
            }),
        }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<(), StartError> {
        let shares = [self.duplicates, self.reorder, self.lose, self.cancel, self.refund];
        let faults = [self.timeout_after_success, self.error_after_success, self.too_many];
        let wrong = [
            (!self.target.starts_with("http://"), "target: an address that begins with http://"),
            (
                self.goods.is_empty() || self.goods.iter().any(|g| g.price_minor < 1),
                "goods: one or more, not free",
            ),
            (self.ways.is_empty(), "ways: one or more"),
            (!(1..=10_000).contains(&self.quantity_max), "quantity_max: 1 to 10000"),
            (shares.iter().chain(&faults).any(|share| *share > 100), "shares: 0 to 100"),
            (faults.iter().map(|share| u16::from(*share)).sum::<u16>() > 100, "faults: 100 in all at most"),
            (self.lose == 100, "lose: below 100, or nothing ever arrives"),
            (self.at_once == 0 || self.attempts_max == 0, "at_once, attempts_max: 1 or more"),
        ];
        match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
            Some((_, what)) => Err(StartError::Option(what)),
            None => Ok(()),
        }
    }
}
