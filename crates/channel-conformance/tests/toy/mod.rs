//! A toy protocol with switchable faults: JSON, signed by HMAC-SHA-256 in hex over time and body.

pub(crate) mod joined;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use channel::{
    Adapter, AmountCheck, Ask, CallOutcome, Capabilities, Inbound, Kind, Limits, LineAsk, Manifest, OrderAsk,
    OutboundRequest, Outcome, Proof, Protocol, PushStock, RawRequest, Refusal, Reply, Response,
    SettingsError, Shortage, Stage, Step, StockJob, Unable, Verified,
    sign::{check_time, digest_matches, hmac_sha256, unix_seconds},
    strict_json,
};
use channel_conformance::{AmountUnit, Case, Fields, Keys, Slot, Subject};
use serde_json::Value;
use vocabulary::{Account, Currency, DeliveryMethod, Money, Quantity, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
const OURS: &str = "our-secret-key";
const OLDER: &str = "our-older-key";
const FOREIGN: &str = "another-merchants-key";

static MANIFEST: Manifest = Manifest {
    code: "toy",
    name: ("Toy", "玩具"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities { push_stock: true, ..Capabilities::NONE },
    clock_tolerance_secs: Some(300),
    limits: Limits { calls_per_s: 1, concurrency: 1, timeout_ms: 1 },
    confidence: &[
        ("inbound", channel::Confidence::Documented),
        ("push_stock", channel::Confidence::Documented),
    ],
    sources: &[],
};

const PROTOCOL: Protocol =
    Protocol { manifest: &MANIFEST, connect, example_settings: r#"{"fault":"none"}"#, schemes: &[] };

struct Toy {
    account: Account,
    fault: String,
    asked: AtomicU32,
}

/// How many adapters were made: the fault "answers differ" lets it show.
static MADE: AtomicU32 = AtomicU32::new(0);

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    let leaks = text.contains("settings errors show the secret");
    let wrong = |why: &str| SettingsError(vec![if leaks { format!("{why} {OURS}") } else { why.to_owned() }]);
    let settings: Value = strict_json::settings(text)?;
    let fault = settings["fault"].as_str();
    assert!(fault.is_some() || !text.contains("panics on settings"), "a panic over settings");
    let fault = fault.ok_or_else(|| wrong("fault: is no text"))?;
    let known = ["fault", "secret", "_help"];
    let unknown =
        settings.as_object().is_some_and(|map| map.keys().any(|key| !known.contains(&key.as_str())));
    if unknown && fault != "unknown settings are accepted" {
        return Err(wrong("unknown field"));
    }
    let asked = AtomicU32::new(MADE.fetch_add(1, Ordering::Relaxed));
    Ok(Arc::new(Toy { account, fault: fault.to_owned(), asked }))
}

impl Toy {
    fn is(&self, fault: &str) -> bool {
        self.fault == fault
    }

    fn signature<'a>(&self, request: &'a RawRequest) -> Result<&'a str, Refusal> {
        if self.is("takes the signature from the query") && request.query.starts_with("x-sign=") {
            return Ok(&request.query["x-sign=".len()..]);
        }
        let exact = |(name, _): &&(String, Vec<u8>)| name == "x-sign";
        if self.is("takes the first of two headers") || self.is("header names are compared by case") {
            let found =
                request.headers.iter().find(exact).and_then(|(_, value)| std::str::from_utf8(value).ok());
            return found.ok_or(Refusal::new(Step::Signature, "missing_header", "x-sign"));
        }
        request.header("x-sign")
    }
}

fn tag(key: &str, time: &str, body: &[u8]) -> String {
    hex::encode(hmac_sha256(key.as_bytes(), &[time.as_bytes(), b".", body].concat()))
}

impl Adapter for Toy {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        request.header("x-time").ok().map(str::to_owned)
    }

    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
        if self.is("accepts everything") {
            return digest_matches("x", "x");
        }
        let time = request.header("x-time")?;
        if self.is("a broken time passes") && unix_seconds(time).is_err() {
            return digest_matches("x", "x");
        }
        let window = if self.is("wide window") { 600 } else { 300 };
        let window = if self.is("narrow window") { 200 } else { window };
        if !self.is("does not check the time") {
            check_time(unix_seconds(time)?, now, window)?;
        }
        if self.is("algorithm from the message") && request.header("x-alg").is_ok_and(|alg| alg == "none") {
            return digest_matches("x", "x");
        }
        if request.header("x-alg")? != "HMAC" {
            return Err(Refusal::new(Step::Signature, "bad_algorithm", "x-alg"));
        }
        let given = self.signature(request)?;
        let lower =
            if self.is("upper-case hex is refused") { given.to_owned() } else { given.to_ascii_lowercase() };
        if self.is("takes an empty signature") && given.trim().is_empty() {
            return digest_matches("x", "x");
        }
        let mut keys = vec![OURS];
        keys.extend((!self.is("forgets the older key")).then_some(OLDER));
        keys.extend(self.is("another merchant's key").then_some(FOREIGN));
        if self.is("looks at the signature's shape only") && lower.len() == 64 {
            return digest_matches("x", "x");
        }
        let mut verdict = Err(Refusal::new(Step::Signature, "bad_signature", "x-sign"));
        for key in keys {
            let full = tag(key, time, &request.body);
            let cut = if self.is("compares a prefix") { lower.len().min(full.len()) } else { full.len() };
            verdict = verdict.or_else(|_| digest_matches(&full[..cut], &lower));
            if self.is("case is forgiven") {
                // As if the signature were over the body in small letters, which the genuine body has but for one.
                let small = request.body.to_ascii_lowercase();
                let genuine =
                    String::from_utf8_lossy(&small).replace("\"a-1\"", "\"A-1\"").replace("cny", "CNY");
                verdict = verdict.or_else(|_| digest_matches(&tag(key, time, genuine.as_bytes()), &lower));
            }
        }
        verdict
    }

    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        let raw = request.request();
        assert!(!self.is("panics on bad UTF-8") || std::str::from_utf8(&raw.body).is_ok(), "bad UTF-8");
        let bad = |detail| Refusal::new(Step::Meaning, "invalid_field", detail);
        let body: Value = if self.is("last of two keys wins") {
            serde_json::from_slice(&raw.body).map_err(|_| bad("json"))?
        } else {
            strict_json::from_slice(&raw.body)?
        };
        if self.is("unknown fields are refused") && body.get("zz_unknown").is_some() {
            return Err(bad("unknown"));
        }
        if self.is("emoji are refused") && body["name"].as_str().is_some_and(|name| name.contains('😀')) {
            return Err(bad("name"));
        }
        let number = body["order"].as_str().ok_or_else(|| bad("order"))?.to_owned();
        if number.chars().any(char::is_control) && !self.is("NUL is let through") {
            return Err(bad("order"));
        }
        let number = if self.is("ids are long") { number.repeat(100) } else { number };
        let paid = body["kind"] == "paid" || self.is("unknown kinds are paid");
        let ask = if paid { self.order(&body, &number)? } else { Ask::Unmapped { kind: "other".into() } };
        let id = if self.is("a repeat has a new id") { raw.header("x-time")? } else { &number };
        let content = if self.is("content is the order number") { number.as_bytes() } else { &raw.body };
        let content =
            if self.is("an unsigned header counts") { raw.header("x-note")?.as_bytes() } else { content };
        let kind = if self.is("a query is no query") { Kind::Query } else { Kind::Notice };
        Ok(Inbound { id: Some(id.to_owned()), content: content.to_vec(), kind, occurred_at: None, ask })
    }

    fn answer(&self, _: &Verified<'_>, _: &Inbound, outcome: &Outcome) -> Reply {
        match outcome {
            _ if self.is("shows the secret") => Reply::text(200, OURS),
            _ if self.is("answers differ") => {
                Reply::text(200, &self.asked.fetch_add(1, Ordering::Relaxed).to_string())
            }
            Outcome::Rejected(rejected) => Reply::text(422, rejected.reason.code()),
            _ => Reply::text(200, "ok"),
        }
    }

    fn refuse(&self, _: &RawRequest, refusal: &Refusal) -> Reply {
        if self.is("a refusal looks like success") {
            return Reply::text(200, "ok");
        }
        Reply::text(400, if self.is("tells why") { refusal.code } else { "no" })
    }

    fn push_stock(&self) -> Option<&dyn PushStock> {
        (!self.is("declares what it has not")).then_some(self as &dyn PushStock)
    }
}

impl Toy {
    fn order(&self, body: &Value, number: &str) -> Result<Ask, Refusal> {
        let bad = |detail| Refusal::new(Step::Meaning, "invalid_field", detail);
        let minor = body["amount"].as_i64().filter(|minor| *minor > 0).ok_or_else(|| bad("amount"))?;
        let minor = if self.is("the amount is rounded") { minor / 100 * 100 } else { minor };
        let currency = match body["currency"].as_str() {
            _ if self.is("the currency is assumed") => Currency::CNY,
            text => text.and_then(|text| text.parse().ok()).ok_or_else(|| bad("currency"))?,
        };
        let text = body["quantity"].as_str().and_then(|text| text.parse().ok());
        let wanted = body["quantity"].as_i64().or(text).and_then(|number| Quantity::try_from(number).ok());
        let wanted = wanted.or_else(|| self.is("quantity is clamped").then_some(Quantity::ONE));
        let quantity = wanted.ok_or_else(|| bad("quantity"))?;
        Ok(Ask::Order(OrderAsk {
            external_no: number.to_owned(),
            lines: vec![LineAsk { item: "steam-50".into(), quantity }],
            amount: AmountCheck::Exactly(Money::new(minor, currency)),
            stage: Stage::Paid { txn: number.to_owned() },
            buyer: None,
            shortage: Shortage::Backorder,
            delivery: DeliveryMethod::Pickup,
            journey: None,
            memo: None,
        }))
    }
}

impl PushStock for Toy {
    fn request(&self, job: &StockJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let body = job.available.to_string().into_bytes();
        Ok(OutboundRequest {
            method: "POST",
            url: "https://toy.example/stock".into(),
            headers: Vec::new(),
            body,
        })
    }
    fn interpret(&self, _: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        match response {
            Err(_) if self.is("a time-out is done") => return CallOutcome::Done(()),
            Ok(r) if r.status == 429 && self.is("a limit is final") => {
                return CallOutcome::Refused { code: "429".into() };
            }
            _ => {}
        }
        if let Some(outcome) = CallOutcome::from_transport(response) {
            return outcome;
        }
        match response {
            Ok(r) if r.body == b"taken" || self.is("garbage is success") => CallOutcome::Done(()),
            _ => CallOutcome::Unknown { code: "unclear".into() },
        }
    }
}

fn sign(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let time = Slot::Header("x-time").get(request).unwrap_or_default();
    Slot::Header("x-sign").set(request, &tag(key, &time, &request.body))
}

/// The toy with one fault.
pub(crate) fn subject(fault: &str) -> Subject {
    let keys = Keys { ours: OURS, graced: Some(OLDER), foreign: &[FOREIGN] };
    let settings = serde_json::json!({ "fault": fault, "secret": OURS }).to_string();
    let mut subject = Subject::new(PROTOCOL, &settings, keys, sign);
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let body = r#"{"kind":"paid","order":"A-1","amount":2888,"currency":"CNY","quantity":1,"name":"李雷"}"#;
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vec![
            header("x-time", &NOW.secs().to_string()),
            header("x-alg", "HMAC"),
            header("x-note", "1"),
        ],
        body: body.into(),
        received_at: NOW,
    };
    subject.cases.extend(sign(&request, OURS).map(|request| Case::new("paid", request, NOW)));
    subject.fields = Fields {
        signature: Some(Slot::Header("x-sign")),
        algorithm: Some(Slot::Header("x-alg")),
        time: Some(Slot::Header("x-time")),
        kind: Some(Slot::Json("/kind")),
        order: Some(Slot::Json("/order")),
        amount: Some((Slot::Json("/amount"), AmountUnit::Minor)),
        currency: Some(Slot::Json("/currency")),
        quantity: Some(Slot::Json("/quantity")),
        text: Some(Slot::Json("/name")),
        optional: Some(Slot::Json("/name")),
        ..Fields::default()
    };
    subject.excused = &[
        (34, "time and body are apart: a time has digits only"),
        (43, "keys have no serial"),
        (46, "the key is the merchant"),
        (105, "the signature is hex"),
    ];
    subject.mutations = 1_000;
    subject
}

/// The toy in order.
pub(crate) fn adapter() -> Arc<dyn Adapter> {
    match connect("toy/shop-1".parse().expect("an account"), PROTOCOL.example_settings) {
        Ok(adapter) => adapter,
        Err(why) => panic!("the example does not connect: {why}"),
    }
}
