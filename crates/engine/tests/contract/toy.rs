//! A channel whose messages are paths: `paid/A-1/item-7/2` is an order, and a response's first word is its outcome.

use std::sync::Arc;

use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, Capabilities, Deliver, DeliveryJob, Inbound, Kind, Limits,
    LineAsk, Manifest, OrderAsk, OutboundRequest, Outcome, Page, Poll, Procure, Proof, Protocol, PushStock,
    RawRequest, ReadBack, Refund, RefundAsk, RefundJob, Refusal, Renew, Reply, Response, SettingsError,
    Shortage, Stage, Step, StockJob, Unable, Verified, Window, sign,
};
use serde::Deserialize;
use vocabulary::{Account, DeliveryMethod, Quantity, Secret, Timestamp};

/// When the toy's world begins, in seconds since 1970.
pub(crate) const START: i64 = 1_767_322_800;

pub(crate) const PROTOCOL: Protocol =
    Protocol { manifest: &MANIFEST, connect, example_settings: "{}", schemes: &[] };
/// The same, but it pays back by itself what it calls off.
pub(crate) const MARKET: Protocol =
    Protocol { manifest: &MARKET_MANIFEST, connect, example_settings: "{}", schemes: &[] };

static MANIFEST: Manifest = manifest("toy", false);
static MARKET_MANIFEST: Manifest = manifest("toy-market", true);

const fn manifest(code: &'static str, refunds_cancelled_orders: bool) -> Manifest {
    Manifest {
        code,
        name: ("Toy", "玩具"),
        inbound: &[Kind::Notice],
        capabilities: Capabilities {
            deliver: true,
            push_stock: true,
            read_back: true,
            refund: true,
            poll: true,
            renew: true,
            procure: true,
            refunds_cancelled_orders,
            ..Capabilities::NONE
        },
        clock_tolerance_secs: None,
        limits: Limits { calls_per_s: 1_000, concurrency: 4, timeout_ms: 1_000 },
        confidence: &[],
        sources: &[],
    }
}

/// What an account of the toy is set up with.
#[derive(Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) repeat_is_safe: bool,
    /// Whether it can be asked how a purchase stands.
    pub(crate) asks: bool,
    /// Whether it charges for a purchase, and says how much.
    pub(crate) charges: bool,
    poll: bool,
    /// Its access is renewed so many seconds after the world begins.
    renew_at: Option<i64>,
    token: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            repeat_is_safe: true,
            asks: true,
            charges: false,
            poll: false,
            renew_at: None,
            token: "t0".to_owned(),
        }
    }
}

pub(crate) struct Toy {
    account: Account,
    pub(crate) settings: Settings,
}

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    let settings = serde_json::from_str(text).map_err(|_| SettingsError(vec!["not the toy's".to_owned()]))?;
    Ok(Arc::new(Toy { account, settings }))
}

/// A message from its path.
pub(crate) fn message(path: &str) -> Option<Inbound> {
    let parts: Vec<&str> = path.split('/').collect();
    let ask = match parts.as_slice() {
        ["paid", number, item, quantity] => Ask::Order(order(number, item, quantity.parse().ok()?)),
        ["cancel", number] => {
            Ask::Cancel { external_no: (*number).to_owned(), reason: "called off".to_owned() }
        }
        ["refund", number, refund, memo] => Ask::RefundRequested(refund_ask(number, refund, memo)),
        ["refunded", number, refund] => Ask::RefundSettled(refund_ask(number, refund, "")),
        ["procured", our_no, state] => Ask::Procured(crate::toy_supplier::procured(our_no, state)),
        ["changed", number] => Ask::ReadBack { external_no: (*number).to_owned() },
        ["order", number] => {
            Ask::OrderQuery { external_no: Some((*number).to_owned()), order: None, with_keys: true }
        }
        _ => return None,
    };
    let kind = if matches!(ask, Ask::OrderQuery { .. }) { Kind::Query } else { Kind::Notice };
    let id = (kind != Kind::Query).then(|| path.to_owned());
    Some(Inbound { id, content: path.as_bytes().to_vec(), kind, occurred_at: None, ask })
}

fn order(number: &str, item: &str, quantity: i64) -> OrderAsk {
    OrderAsk {
        external_no: number.to_owned(),
        lines: vec![LineAsk { item: item.to_owned(), quantity: Quantity::try_from(quantity).unwrap() }],
        amount: AmountCheck::OurPrice,
        stage: Stage::Paid { txn: format!("T-{number}") },
        buyer: None,
        shortage: Shortage::Backorder,
        delivery: DeliveryMethod::Api,
        journey: None,
        memo: None,
    }
}

fn refund_ask(number: &str, refund: &str, memo: &str) -> RefundAsk {
    RefundAsk {
        external_no: number.to_owned(),
        refund: refund.to_owned(),
        amount: None,
        reason: "regret".to_owned(),
        memo: (!memo.is_empty()).then(|| memo.to_owned()),
    }
}

pub(crate) fn call(path: &str, body: String) -> Result<OutboundRequest, Unable> {
    let url = format!("https://toy.test/{path}");
    Ok(OutboundRequest { method: "POST", url, headers: Vec::new(), body: body.into_bytes() })
}

/// The outcome that a response's first line names, with what `done` makes of the other lines.
pub(crate) fn read<T>(response: Response<'_>, done: impl FnOnce(&str) -> T) -> CallOutcome<T> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return outcome;
    }
    let text = response.map(|r| String::from_utf8_lossy(&r.body).into_owned()).unwrap_or_default();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    match first.split_once(' ').unwrap_or((first, "")) {
        ("ok", _) => CallOutcome::Done(done(rest)),
        ("next", state) => CallOutcome::Next { state: state.to_owned() },
        ("no", code) => CallOutcome::Refused { code: code.to_owned() },
        ("later", code) => CallOutcome::RetryAfter { secs: 0, code: code.to_owned() },
        _ => CallOutcome::Unknown { code: "gibberish".to_owned() },
    }
}

impl Adapter for Toy {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        if self.account.channel() == MARKET_MANIFEST.code { &MARKET_MANIFEST } else { &MANIFEST }
    }
    fn verify(&self, _: &RawRequest, _: Timestamp) -> Result<Proof, Refusal> {
        Ok(sign::read_back_proof())
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        message(&request.request().topic).ok_or(Refusal::new(Step::Format, "unknown_path", "path"))
    }
    fn answer(&self, _: &Verified<'_>, _: &Inbound, outcome: &Outcome) -> Reply {
        match outcome {
            Outcome::Order(view) => {
                let lines = view.lines.iter().map(|line| {
                    let keys: Vec<&str> = line.keys.iter().map(|key| key.code.expose().as_str()).collect();
                    format!("{} is {}: {}", line.item, line.sku, keys.join(" "))
                });
                Reply::text(200, &lines.collect::<Vec<_>>().join("\n"))
            }
            Outcome::Parked => Reply::text(200, "parked"),
            Outcome::Rejected(rejected) => Reply::text(422, rejected.reason.code()),
            _ => Reply::text(200, "ok"),
        }
    }
    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        Reply::text(400, refusal.code)
    }
    fn signed_text(&self, _: &RawRequest) -> Option<String> {
        None
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        Some(self)
    }
    fn push_stock(&self) -> Option<&dyn PushStock> {
        Some(self)
    }
    fn read_back(&self) -> Option<&dyn ReadBack> {
        Some(self)
    }
    fn refund(&self) -> Option<&dyn Refund> {
        Some(self)
    }
    fn procure(&self) -> Option<&dyn Procure> {
        Some(self)
    }
    fn renew(&self) -> Option<&dyn Renew> {
        Some(self)
    }
    fn polls(&self) -> Vec<&dyn Poll> {
        if self.settings.poll { vec![self] } else { Vec::new() }
    }
}

impl Renew for Toy {
    fn due_at(&self) -> Option<Timestamp> {
        self.settings.renew_at.map(|secs| Timestamp::from_secs(START + secs))
    }
    fn request(&self, _: Timestamp) -> Result<OutboundRequest, Unable> {
        call(&format!("renew/{}", self.settings.token), String::new())
    }
    fn interpret(&self, response: Response<'_>, _: Timestamp) -> CallOutcome<Secret<String>> {
        read(response, |settings| Secret::new(settings.to_owned()))
    }
}

/// A page's lines are messages, except `more <cursor>` and `confirm <state>`.
impl Poll for Toy {
    fn name(&self) -> &'static str {
        "orders"
    }
    fn every_secs(&self) -> u32 {
        60
    }
    fn window_max_secs(&self) -> u32 {
        3_600
    }
    fn request(&self, window: &Window, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let (since, until) = (window.since.secs() - START, window.until.secs() - START);
        let cursor = window.cursor.as_deref().unwrap_or("first");
        call(&format!("poll/{since}/{until}/{cursor}"), String::new())
    }
    fn interpret(&self, _: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let after = |lines: &str, word: &str| {
            lines.lines().find_map(|line| Some(line.strip_prefix(word)?.trim().to_owned()))
        };
        read(response, |lines| Page {
            messages: lines.lines().filter_map(message).collect(),
            next: after(lines, "more"),
            confirm: after(lines, "confirm"),
        })
    }
    fn confirm(&self, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        call(&format!("confirm/{state}"), String::new())
    }
}

impl Deliver for Toy {
    fn request(&self, job: &DeliveryJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let lines = job.lines.iter().map(|line| format!("{} x {}", line.item, line.keys.len()));
        call(&format!("deliver/{}", job.external_no), lines.collect::<Vec<_>>().join("\n"))
    }
    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        read(response, |_| ())
    }
    fn next(&self, _: &DeliveryJob, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        call(&format!("deliver-next/{state}"), String::new())
    }
    fn repeat_is_safe(&self) -> bool {
        self.settings.repeat_is_safe
    }
}

impl PushStock for Toy {
    fn request(&self, job: &StockJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        call(&format!("stock/{}/{}", job.item, job.available), String::new())
    }
    fn next(&self, _: &StockJob, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        call(&format!("stock-next/{state}"), String::new())
    }
    fn interpret(&self, _: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        read(response, |_| ())
    }
}

impl ReadBack for Toy {
    fn request(&self, external_no: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        call(&format!("read/{external_no}"), String::new())
    }
    fn next(&self, _: &str, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        call(&format!("read-next/{state}"), String::new())
    }
    fn interpret(&self, _: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        read(response, |paths| paths.lines().filter_map(message).collect())
    }
}

impl Refund for Toy {
    fn request(&self, job: &RefundJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let asked = if job.asked_by_channel { "theirs" } else { "ours" };
        let memo = job.memo.as_deref().unwrap_or("none");
        call(&format!("refund/{}/{}", job.external_no, job.refund), format!("{asked} {memo}"))
    }
    fn interpret(&self, _: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        read(response, |_| ())
    }
    fn next(&self, _: &RefundJob, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        call(&format!("refund-next/{state}"), String::new())
    }
    fn repeat_is_safe(&self) -> bool {
        self.settings.repeat_is_safe
    }
}
