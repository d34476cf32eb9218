//! The recipe: everything that is to be said of a simple platform.

use std::collections::BTreeMap;

use serde::Deserialize;
use vocabulary::Currency;

use crate::place::Place;

/// A platform, described.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    /// What the body of a request is.
    #[serde(default)]
    pub(crate) body: BodyForm,
    /// The methods it uses.
    #[serde(default = "get_and_post")]
    pub(crate) methods: Vec<String>,
    /// The only path behind the shop's address, where there is but one.
    pub(crate) topic: Option<String>,
    /// The currency of every amount.
    #[serde(default = "cny")]
    pub(crate) currency: Currency,
    pub(crate) signature: Signature,
    pub(crate) time: Option<Time>,
    /// What must stand where: a text, or `$name` for one of the settings' values (our merchant number).
    #[serde(default)]
    pub(crate) require: BTreeMap<Place, String>,
    /// Where the platform names the kind of a message; tells people what was not understood.
    pub(crate) kind: Option<Place>,
    /// The messages; the first that fits is taken.
    #[serde(rename = "message")]
    pub(crate) messages: Vec<MessageRule>,
    pub(crate) answers: Answers,
    /// Weaknesses of the platform's signature that the author knows of and takes on.
    #[serde(default)]
    pub(crate) accept_weak: Vec<Weakness>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyForm {
    #[default]
    Form,
    Json,
}

/// A weakness that a recipe does not connect with unless it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Weakness {
    /// Values stand in the signed text without anything between them: characters can be moved from one to the other.
    JoinedValues,
    /// Messages are told apart by the path, which is not signed.
    UnsignedTopic,
    /// A plain digest of a text that does not end in a secret: whoever has one signature can lengthen the text.
    SecretFirst,
}

/// How a request is signed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signature {
    pub(crate) algorithm: Algorithm,
    /// The secret that an HMAC is keyed with.
    pub(crate) key: Option<String>,
    /// Where the signature stands.
    pub(crate) at: Place,
    #[serde(default)]
    pub(crate) encoding: Encoding,
    #[serde(default)]
    pub(crate) case: Case,
    /// The signed text, part by part.
    pub(crate) text: Vec<Part>,
    /// What must stand where about the signature itself, for example its algorithm's name.
    #[serde(default)]
    pub(crate) labels: BTreeMap<Place, String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Algorithm {
    #[serde(rename = "md5")]
    Md5,
    #[serde(rename = "sha1")]
    Sha1,
    #[serde(rename = "sha256")]
    Sha256,
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoding {
    #[default]
    Hex,
    Base64,
}

/// Which letters hexadecimal digits may have.
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Case {
    #[default]
    Any,
    Lower,
    Upper,
}

/// A part of the signed text.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// The text itself.
    Text(String),
    /// One of the settings' secrets.
    Secret(String),
    /// One of the settings' values that are no secrets.
    Setting(String),
    /// A value of the request; nothing where it is missing.
    Value(Place),
    /// The body.
    Body(BodyPart),
    /// The method, in capitals.
    Method,
    /// The path behind the shop's address.
    Topic,
    /// All fields of a place, sorted by name.
    Fields(Sorted),
    /// These values, in this order.
    Values(Ordered),
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyPart {
    /// Its bytes, which must be UTF-8.
    Raw,
    /// The MD5 of its bytes, in lower-case hex.
    Md5,
    /// The SHA-256 of its bytes, in lower-case hex.
    Sha256,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sorted {
    pub(crate) of: Source,
    /// Names that are left out.
    #[serde(default)]
    pub(crate) except: Vec<String>,
    /// Whether fields without a value are left out.
    #[serde(default = "yes")]
    pub(crate) skip_empty: bool,
    /// What stands between a name and its value.
    #[serde(default = "equals")]
    pub(crate) pair: String,
    /// What stands between fields.
    #[serde(default = "ampersand")]
    pub(crate) between: String,
}

/// Where the fields of [`Sorted`] come from.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    Query,
    Form,
    Param,
    /// The texts, numbers and truth values at the top of a JSON body; numbers as they are written.
    Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ordered {
    pub(crate) of: Vec<Place>,
    /// What stands between a name and its value; without it only values stand there.
    pub(crate) pair: Option<String>,
    pub(crate) between: String,
}

/// The signed time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Time {
    pub(crate) at: Place,
    pub(crate) unit: TimeUnit,
    /// How far it may be from our clock, 1 to 3600 seconds.
    pub(crate) tolerance_secs: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum TimeUnit {
    /// Unix seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Unix milliseconds.
    #[serde(rename = "ms")]
    Millis,
    /// `yyyy-MM-dd HH:mm:ss` or `yyyyMMddHHmmss` at UTC+8.
    #[serde(rename = "beijing")]
    Beijing,
}

/// A kind of message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageRule {
    /// What must stand where for this rule to fit.
    #[serde(default)]
    pub(crate) when: BTreeMap<Place, String>,
    /// The path behind the shop's address that it comes to.
    pub(crate) topic: Option<String>,
    pub(crate) ask: AskName,
    pub(crate) kind: KindName,
    /// The values that make its id; the numbers it names where not given.
    #[serde(default)]
    pub(crate) id: Vec<Place>,
    pub(crate) order: Option<Place>,
    /// The payment's number; the order's where not given.
    pub(crate) txn: Option<Place>,
    pub(crate) item: Option<Place>,
    /// How many units; 1 where not given.
    pub(crate) quantity: Option<Place>,
    pub(crate) amount: Option<Amount>,
    pub(crate) buyer: Option<Place>,
    /// The refund's number; made from the order's where not given.
    pub(crate) refund: Option<Place>,
    /// For how long an unpaid order holds keys.
    #[serde(default = "quarter_hour")]
    pub(crate) reserve_secs: u32,
    #[serde(default)]
    pub(crate) shortage: ShortageName,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AskName {
    /// An unpaid order.
    Order,
    /// A paid order.
    PaidOrder,
    /// Money for an order that we know.
    Payment,
    Cancel,
    RefundRequested,
    RefundRefused,
    RefundSettled,
    /// How an order stands; the answer may show its keys.
    Query,
    Nothing,
}

impl AskName {
    /// The word for it in ids.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::PaidOrder => "paid_order",
            Self::Payment => "payment",
            Self::Cancel => "cancel",
            Self::RefundRequested => "refund_requested",
            Self::RefundRefused => "refund_refused",
            Self::RefundSettled => "refund_settled",
            Self::Query => "query",
            Self::Nothing => "nothing",
        }
    }
    pub(crate) fn is_order(self) -> bool {
        matches!(self, Self::Order | Self::PaidOrder)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KindName {
    Notice,
    Call,
    Query,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amount {
    pub(crate) at: Place,
    pub(crate) unit: AmountUnit,
    /// How it is held against our price; payments and refunds need none.
    #[serde(default)]
    pub(crate) is: AmountIs,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AmountUnit {
    /// A decimal of major units: `28.88`.
    Yuan,
    /// Whole minor units: `2888`.
    Fen,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AmountIs {
    #[default]
    Exactly,
    AtMost,
    PlatformPrice,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ShortageName {
    #[default]
    Refuse,
    Backorder,
}

/// What is answered. The texts may hold `${…}`, see the `template` module.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answers {
    #[serde(default = "plain_text")]
    pub(crate) content_type: String,
    pub(crate) success: String,
    pub(crate) failure: String,
    /// The HTTP status of `failure`; 200 where not given.
    #[serde(default = "ok")]
    pub(crate) failure_status: u16,
    /// An order whose keys are there.
    pub(crate) keys: Option<String>,
    /// An order whose keys are not there yet.
    pub(crate) pending: Option<String>,
    /// An order that is refunded or called off.
    pub(crate) closed: Option<String>,
    pub(crate) key: Option<KeyText>,
    /// The platform's codes for our reasons, for the steps a request is refused at, and for `default`.
    #[serde(default)]
    pub(crate) codes: BTreeMap<String, String>,
}

/// How keys are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyText {
    /// A key of one code.
    pub(crate) single: String,
    /// A key with a secret of its own.
    pub(crate) pair: String,
    pub(crate) between: String,
}

fn get_and_post() -> Vec<String> {
    vec!["GET".to_owned(), "POST".to_owned()]
}
fn cny() -> Currency {
    Currency::CNY
}
fn yes() -> bool {
    true
}
fn equals() -> String {
    "=".to_owned()
}
fn ampersand() -> String {
    "&".to_owned()
}
fn quarter_hour() -> u32 {
    900
}
fn plain_text() -> String {
    "text/plain; charset=utf-8".to_owned()
}
fn ok() -> u16 {
    200
}
