//! The suite that every channel adapter must pass. A dev-dependency of adapters, nothing else.
//!
//! An adapter hands over a [`Subject`]: its protocol, settings, a few genuine requests, a function that signs,
//! and where the interesting fields are ([`Fields`], each a [`Slot`]). [`conform`] then runs
//!
//! - the 48 corruptions, numbered 1 to 48, each of which must be refused or mean exactly what was signed,
//! - the twelve variants (numbered 101 to 112) that must be accepted,
//! - every byte changed and taken out by itself, of genuine requests and of requests signed with a foreign key (some
//!   of them, evenly, where there are many): none may change the meaning, none may make a refused request acceptable,
//! - thousands of random mutations, which must neither panic nor change the meaning,
//! - a short run of [`hammer`]: harsher mutations, with words that parsers stumble over,
//! - replies: deterministic, silent about why a signature failed, free of secrets,
//! - outward calls: deterministic, a time-out is `Unknown`, 429 is `RetryAfter`, capabilities as declared,
//! - settings: unknown fields refused, errors free of secrets.
//!
//! What needs a memory (a nonce, id or payment used twice) is the engine's; here it is checked that equal
//! messages have equal ids and contents, and that other content shows.
//!
//! A numbered row that ran on no case must be excused in [`Subject::excused`] with a reason, and an excused row
//! is not run: so a row is never skipped in silence, and the report prints the excuses.
//!
//! ```
//! use channel::{Protocol, RawRequest};
//! use channel_conformance::{Case, Fields, Keys, Slot, Subject, conform};
//! use vocabulary::Timestamp;
//!
//! fn test(protocol: Protocol, sign: fn(&RawRequest, &str) -> Option<RawRequest>, paid: RawRequest, now: Timestamp) {
//!     let keys = Keys { ours: "key-a", graced: None, foreign: &["key-b"] };
//!     let mut subject = Subject::new(protocol, r#"{"secret":"key-a"}"#, keys, sign);
//!     subject.cases.push(Case::new("paid", paid, now));
//!     subject.fields = Fields {
//!         signature: Some(Slot::Query("sign")),
//!         order: Some(Slot::Json("/order_no")),
//!         ..Fields::default()
//!     };
//!     subject.excused = &[(45, "the protocol knows one currency")];
//!     conform(&subject);
//! }
//! ```
#![warn(missing_docs)]

mod accept;
mod body;
mod borders;
mod bytes;
mod carrier;
mod drive;
mod facts;
mod forgeries;
mod hammer;
mod jobs;
mod meaning;
mod mutate;
mod outbound;
mod replies;
mod report;
mod run;
mod settings;
mod signature;
mod slot;
mod time;
mod vectors;

use channel::{Protocol, RawRequest};
use vocabulary::Timestamp;

pub use drive::{drive, helpers, request_of};
pub use hammer::hammer;
pub use jobs::Jobs;
pub use meaning::{ask as ask_text, meaning};
pub use report::Report;
pub use slot::{AmountUnit, Slot};
pub use vectors::{Vector, Vectors, judge_vectors};

/// A genuine request: verified and parsed at `now`, it must be accepted.
#[derive(Clone)]
pub struct Case {
    /// A short name, for reports.
    pub name: &'static str,
    /// The request, signed with [`Keys::ours`] at `now` (where the protocol signs a time).
    pub request: RawRequest,
    /// The time it is received at.
    pub now: Timestamp,
    /// Whether the protocol documents it as unsigned: it must then mean nothing at all.
    pub unsigned: bool,
}

impl Case {
    /// A signed case.
    pub fn new(name: &'static str, request: RawRequest, now: Timestamp) -> Self {
        Self { name, request, now, unsigned: false }
    }
    /// A case that the protocol documents as unsigned.
    pub fn unsigned(name: &'static str, request: RawRequest, now: Timestamp) -> Self {
        Self { name, request, now, unsigned: true }
    }
}

/// The keys a signing function is asked to sign with, in whatever text form it likes.
#[derive(Clone, Copy)]
pub struct Keys {
    /// The key in [`Subject::settings`].
    pub ours: &'static str,
    /// An older key that is still in [`Subject::settings`], where the protocol rotates with two.
    pub graced: Option<&'static str>,
    /// Keys that must not be accepted, of the same kind: another merchant's, another channel's, a retired one.
    /// At least one; the rows take turns.
    pub foreign: &'static [&'static str],
}

/// Where a protocol keeps the fields that the suite plays with. `None` where it has none.
///
/// A slot is used on each case that has it, so one subject may mix requests of different shapes.
#[derive(Clone, Default)]
pub struct Fields {
    /// The signature.
    pub signature: Option<Slot>,
    /// The name of the signature's algorithm.
    pub algorithm: Option<Slot>,
    /// The signed time.
    pub time: Option<Slot>,
    /// The merchant or application id; a request that names another must be refused.
    pub merchant: Option<Slot>,
    /// The kind of message; an unknown one must be parked or ignored.
    pub kind: Option<Slot>,
    /// The status of the order or payment; an unknown one must not count as paid.
    pub status: Option<Slot>,
    /// The channel's order number.
    pub order: Option<Slot>,
    /// The amount, and the unit it is written in.
    pub amount: Option<(Slot, AmountUnit)>,
    /// The currency.
    pub currency: Option<Slot>,
    /// How many units.
    pub quantity: Option<Slot>,
    /// Free text, such as a product's or buyer's name.
    pub text: Option<Slot>,
    /// A field that may be empty.
    pub optional: Option<Slot>,
}

/// A forgery that only the adapter's author can think of (a weaker algorithm's label, a delimiter shift).
#[derive(Clone, Copy)]
pub struct Forgery {
    /// The row it counts for, 1 to 48.
    pub row: u8,
    /// What it is.
    pub name: &'static str,
    /// Makes it from a genuine request; `None` where it cannot. It must be refused.
    pub make: fn(&RawRequest) -> Option<RawRequest>,
}

/// A variant that must be accepted and that only the adapter's author can make.
#[derive(Clone, Copy)]
pub struct Variant {
    /// The row it counts for, 101 to 112.
    pub row: u8,
    /// What it is.
    pub name: &'static str,
    /// Makes it from a genuine request, signed where that matters; `None` where it cannot.
    pub make: fn(&RawRequest) -> Option<RawRequest>,
}

/// What ties a request's body to its sender.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BodyProof {
    /// A signature, over all of it that counts: a changed body is refused or means the same.
    #[default]
    Signed,
    /// Nothing, for the signature leaves it out: a changed body may mean no more than a hint to look
    /// ([`channel::Ask::ReadBack`]), something unknown, or nothing.
    Hint,
    /// The secret that the request carries: whoever knows it is believed. A changed body is the sender's word, and is
    /// only held to the contract.
    Secret,
}

/// An adapter under test.
#[derive(Clone)]
pub struct Subject {
    /// The protocol.
    pub protocol: Protocol,
    /// Settings that enable every capability the manifest declares, with [`Keys::ours`] as key.
    pub settings: String,
    /// The keys.
    pub keys: Keys,
    /// Signs a request anew with a key, leaving the time that stands in [`Fields::time`] as it is; `None` where
    /// the request cannot be signed (its body no longer has the shape that signing needs).
    pub sign: fn(&RawRequest, &str) -> Option<RawRequest>,
    /// How the protocol writes a time; Unix seconds unless changed.
    pub time_text: fn(Timestamp) -> String,
    /// Genuine requests, at least one of each kind.
    pub cases: Vec<Case>,
    /// Where the fields are.
    pub fields: Fields,
    /// Forgeries of the author's own.
    pub forgeries: Vec<Forgery>,
    /// Variants of the author's own.
    pub variants: Vec<Variant>,
    /// Rows that do not apply and are not run, each with the reason.
    pub excused: &'static [(u8, &'static str)],
    /// Texts that must never appear in a reply or an error, besides the keys.
    pub secrets: Vec<String>,
    /// Whether the body of a response, not its status alone, says that an outward call succeeded.
    pub body_decides: bool,
    /// What ties a body to its sender; a signature unless changed.
    pub body: BodyProof,
    /// What must be otherwise in the jobs that outward calls are built for.
    pub jobs: Jobs,
    /// Random mutations to try; 10 000 unless changed.
    pub mutations: u32,
}

impl Subject {
    /// A subject without cases, fields or excuses yet.
    pub fn new(
        protocol: Protocol,
        settings: &str,
        keys: Keys,
        sign: fn(&RawRequest, &str) -> Option<RawRequest>,
    ) -> Self {
        Self {
            protocol,
            settings: settings.to_owned(),
            keys,
            sign,
            time_text: |at| at.secs().to_string(),
            cases: Vec::new(),
            fields: Fields::default(),
            forgeries: Vec::new(),
            variants: Vec::new(),
            excused: &[],
            secrets: Vec::new(),
            body_decides: true,
            body: BodyProof::default(),
            jobs: Jobs::default(),
            mutations: 10_000,
        }
    }
}

/// Runs the whole suite and tells what was found.
pub fn examine(subject: &Subject) -> Report {
    let mut report = Report::default();
    let Some(run) = run::Run::start(subject, &mut report) else { return report };
    body::corrupt(&run, &mut report);
    signature::corrupt(&run, &mut report);
    time::corrupt(&run, &mut report);
    facts::signed(&run, &mut report);
    facts::unknown(&run, &mut report);
    accept::variants(&run, &mut report);
    bytes::single(&run, &mut report);
    mutate::random(&run, &mut report);
    hammer::shortly(&run, &mut report);
    replies::replies(&run, &mut report);
    outbound::calls(&run, &mut report);
    settings::settings(&run, &mut report);
    report.check_coverage(subject.excused);
    report
}

/// Runs the whole suite and panics with every finding, if there is one.
pub fn conform(subject: &Subject) {
    let report = examine(subject);
    assert!(report.is_clean(), "{report}");
}
