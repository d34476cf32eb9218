//! The e-ticket interface: Kuaishou asks for codes, which we hand over by a call of our own.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use channel::{Refusal, Step, legacy_sign::md5_hex, strict_json};
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::settings::Settings;

const DAY_MILLIS: i64 = 86_400_000;
/// The longest token or extension that is carried.
const TEXT_MAX: usize = 1_024;

/// A request of any of the three kinds, as far as it is used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    oid: u64,
    #[serde(default)]
    seller_id: Option<u64>,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    send_type: Option<String>,
    #[serde(default)]
    eticket_type: Option<String>,
    #[serde(default)]
    ext: Option<String>,
    #[serde(default)]
    cert_expire_type: Option<i64>,
    #[serde(default)]
    cert_start_time: Option<i64>,
    #[serde(default)]
    cert_end_time: Option<i64>,
    #[serde(default)]
    cert_exp_days: Option<i64>,
}

/// What handing the codes over will need. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ticket {
    /// Authorises later calls about the order, together with our own signature and access token.
    pub(crate) token: String,
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ext: Option<String>,
    validity: Validity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Validity {
    Range { from: i64, to: i64 },
    Until(i64),
    Days(i64),
}

impl Ticket {
    /// From when and until when codes that are handed over at `at` are valid, in milliseconds.
    pub(crate) fn valid(&self, at: Timestamp) -> (i64, i64) {
        let start = at.secs().saturating_mul(1_000);
        match self.validity {
            Validity::Range { from, to } => (from, to),
            Validity::Until(to) => (start, to),
            Validity::Days(days) => (start, start.saturating_add(days.saturating_mul(DAY_MILLIS))),
        }
    }

    /// As text that a number to read back can carry.
    pub(crate) fn packed(&self) -> Option<String> {
        serde_json::to_vec(self).ok().map(|json| URL_SAFE_NO_PAD.encode(json))
    }

    pub(crate) fn unpacked(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

/// A `send`: the order, and what handing its codes over will need.
pub(crate) struct Send {
    pub(crate) oid: u64,
    pub(crate) ticket: Ticket,
}

impl Send {
    pub(crate) fn read(settings: &Settings, body: &[u8]) -> Result<Self, Refusal> {
        let wrong = |detail| Refusal::new(Step::Meaning, "bad_eticket", detail);
        let asked = asked(settings, body)?;
        if asked.send_type.as_deref() != Some("virtual") {
            return Err(wrong("sendType"));
        }
        let short = |text: &String| (1..=TEXT_MAX).contains(&text.len());
        let token = asked.token.clone().filter(short).ok_or(wrong("token"))?;
        let kind = asked.eticket_type.clone().unwrap_or_else(|| "DINING_OPEN_TICKET".to_owned());
        if !short(&kind) || asked.ext.as_ref().is_some_and(|ext| ext.len() > TEXT_MAX) {
            return Err(wrong("eticketType or ext"));
        }
        let validity = asked.validity().ok_or(wrong("validity"))?;
        Ok(Self { oid: asked.oid, ticket: Ticket { token, kind, ext: asked.ext, validity } })
    }

    /// Tells one `send` of an order from another.
    pub(crate) fn id(&self) -> String {
        format!("eticket-send:{}:{}", self.oid, md5_hex(self.ticket.token.as_bytes()))
    }
}

impl Asked {
    fn validity(&self) -> Option<Validity> {
        let time = |at: Option<i64>| at.filter(|at| *at > 0);
        match self.cert_expire_type? {
            1 => {
                let (from, to) = (time(self.cert_start_time)?, time(self.cert_end_time)?);
                (from < to).then_some(Validity::Range { from, to })
            }
            2 => time(self.cert_end_time).map(Validity::Until),
            3 => self.cert_exp_days.filter(|days| (1..=36_500).contains(days)).map(Validity::Days),
            _ => None,
        }
    }
}

/// The order that a `query` or `destroy` is about.
pub(crate) fn order_of(settings: &Settings, body: &[u8]) -> Result<u64, Refusal> {
    asked(settings, body).map(|asked| asked.oid)
}

fn asked(settings: &Settings, body: &[u8]) -> Result<Asked, Refusal> {
    let asked: Asked = strict_json::from_slice(body)?;
    if asked.seller_id.is_some_and(|seller| seller != settings.seller_id) {
        return Err(Refusal::new(Step::Meaning, "foreign_seller", "sellerId"));
    }
    if asked.oid == 0 {
        return Err(Refusal::new(Step::Meaning, "bad_order_no", "oid"));
    }
    Ok(asked)
}
