//! A toy gateway whose fields are joined in clear: an MD5 over the sorted fields, a notification of a payment.

use std::sync::Arc;

use channel::{
    Adapter, Ask, Capabilities, Inbound, Kind, Limits, Manifest, Outcome, PaymentAsk, Proof, Protocol,
    RawRequest, Refusal, Reply, SettingsError, Step, Verified, legacy_sign::md5_hex, sign::digest_matches,
    strict_json,
};
use channel_conformance::{AmountUnit, Case, Fields, Keys, Slot, Subject};
use serde_json::Value;
use vocabulary::{Account, Currency, Money, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);
const OURS: &str = "our-secret-key";

static MANIFEST: Manifest = Manifest {
    code: "joined",
    name: ("Joined", "拼接"),
    inbound: &[Kind::Notice],
    capabilities: Capabilities::NONE,
    clock_tolerance_secs: None,
    limits: Limits { calls_per_s: 1, concurrency: 1, timeout_ms: 1 },
    confidence: &[("inbound", channel::Confidence::Documented)],
    sources: &[],
};

const PROTOCOL: Protocol = Protocol {
    manifest: &MANIFEST,
    connect,
    example_settings: r#"{"pair":"=","between":"&","looks_at":"names and values"}"#,
    schemes: &[],
};

struct Joined {
    account: Account,
    pair: String,
    between: String,
    looks_at: String,
}

fn connect(account: Account, text: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    let settings: Value = strict_json::settings(text)?;
    let wrong = || SettingsError(vec!["not of this toy".to_owned()]);
    let field = |name: &str| settings[name].as_str().map(str::to_owned).ok_or_else(wrong);
    let known = ["pair", "between", "looks_at"];
    if !settings.as_object().is_some_and(|map| map.keys().all(|key| known.contains(&key.as_str()))) {
        return Err(wrong());
    }
    let (pair, between, looks_at) = (field("pair")?, field("between")?, field("looks_at")?);
    Ok(Arc::new(Joined { account, pair, between, looks_at }))
}

fn signed(mut pairs: Vec<(String, String)>, pair: &str, between: &str) -> String {
    pairs.retain(|(name, value)| name != "sign" && !value.is_empty());
    pairs.sort();
    let parts: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}{pair}{value}")).collect();
    parts.join(between)
}

impl Joined {
    fn form(request: &RawRequest) -> Result<Vec<(String, String)>, Refusal> {
        match request.method.as_str() {
            "POST" if request.body.len() <= 256 * 1024 => request.form(),
            _ => Err(Refusal::new(Step::Format, "wrong_method", "method")),
        }
    }
    fn is_ambiguous(&self, pairs: &[(String, String)]) -> bool {
        let word = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        pairs.iter().any(|(name, value)| {
            let bad_name = self.looks_at.contains("names") && !word(name);
            bad_name || (self.looks_at.contains("values") && value.contains(['&', '=']))
        })
    }
}

impl Adapter for Joined {
    fn account(&self) -> &Account {
        &self.account
    }
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        Some(signed(Self::form(request).ok()?, &self.pair, &self.between))
    }
    fn verify(&self, request: &RawRequest, _: Timestamp) -> Result<Proof, Refusal> {
        let pairs = Self::form(request)?;
        let given = pairs.iter().find(|(name, _)| name == "sign").map_or("", |(_, value)| value);
        if self.is_ambiguous(&pairs) {
            return Err(Refusal::new(Step::Signature, "ambiguous", "form"));
        }
        let text = signed(pairs.clone(), &self.pair, &self.between);
        digest_matches(&md5_hex(format!("{text}{OURS}").as_bytes()), &given.to_ascii_lowercase())
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        let mut pairs = Self::form(request.request())?;
        let bad = |detail| Refusal::new(Step::Meaning, "invalid_field", detail);
        let value = |name: &str| pairs.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value);
        let number = value("order");
        if number.is_empty() || number.len() > 64 || number.chars().any(char::is_control) {
            return Err(bad("order"));
        }
        let amount = Money::from_major_text(value("money"), Currency::CNY).map_err(|_| bad("money"))?;
        // What was already paid back counts against it, where the gateway says so.
        let back = match value("refunded") {
            "" => 0,
            text => Money::from_major_text(text, Currency::CNY).map_err(|_| bad("refunded"))?.minor,
        };
        let left = amount.minor - back;
        if amount.minor <= 0 || back < 0 || left <= 0 {
            return Err(bad("money"));
        }
        let payment = PaymentAsk {
            external_no: number.to_owned(),
            txn: number.to_owned(),
            amount: Money::new(left, Currency::CNY),
            check_first: false,
        };
        let id = Some(number.to_owned());
        let ask = if value("status") == "paid" { Ask::Payment(payment) } else { Ask::Nothing };
        pairs.retain(|(name, _)| ["order", "money", "refunded", "status"].contains(&name.as_str()));
        let content = signed(pairs, "=", "&").into_bytes();
        Ok(Inbound { id, content, kind: Kind::Notice, occurred_at: None, ask })
    }
    fn answer(&self, _: &Verified<'_>, _: &Inbound, _: &Outcome) -> Reply {
        Reply::text(200, "ok")
    }
    fn refuse(&self, _: &RawRequest, _: &Refusal) -> Reply {
        Reply::text(400, "no")
    }
}

/// Signs, as the genuine gateway with a separator would.
fn sign_with_borders(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let text = signed(request.form().ok()?, "=", "&");
    Slot::Form("sign").set(request, &md5_hex(format!("{text}{key}").as_bytes()))
}

/// Signs, as the genuine gateway without one would.
fn sign_without(request: &RawRequest, key: &str) -> Option<RawRequest> {
    let text = signed(request.form().ok()?, "", "");
    Slot::Form("sign").set(request, &md5_hex(format!("{text}{key}").as_bytes()))
}

/// The toy: with separators or without, and what it looks at for borders ("names and values", "values", …).
pub(crate) fn subject(separated: bool, looks_at: &str) -> Subject {
    let keys = Keys { ours: OURS, graced: None, foreign: &["another-merchants-key"] };
    let (pair, between) = if separated { ("=", "&") } else { ("", "") };
    let settings = serde_json::json!({ "pair": pair, "between": between, "looks_at": looks_at }).to_string();
    let sign = if separated { sign_with_borders } else { sign_without };
    let mut subject = Subject::new(PROTOCOL, &settings, keys, sign);
    let request = RawRequest {
        method: "POST".into(),
        topic: String::new(),
        query: String::new(),
        headers: vec![("content-type".into(), b"application/x-www-form-urlencoded".to_vec())],
        body: b"money=28.88&order=A-1&pid=7&refunded=10.00&status=paid".to_vec(),
        received_at: NOW,
    };
    subject.cases.extend(sign(&request, OURS).map(|request| Case::new("paid", request, NOW)));
    subject.fields = Fields {
        signature: Some(Slot::Form("sign")),
        status: Some(Slot::Form("status")),
        order: Some(Slot::Form("order")),
        amount: None::<(Slot, AmountUnit)>,
        ..Fields::default()
    };
    subject.mutations = 500;
    subject
}
