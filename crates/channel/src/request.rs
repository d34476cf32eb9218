//! An inbound request as it came, the proof that it is genuine, and the reply.

use vocabulary::Timestamp;

/// A request exactly as it came in. The sender's address is not here: it is the channel's, never the buyer's.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RawRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path behind the shop's address, without the leading slash; empty where there is none.
    pub topic: String,
    /// The raw query string, without the `?`.
    pub query: String,
    /// Header names in lower case and values as sent, in order, repeats kept.
    #[serde(with = "crate::stored_bytes::headers")]
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body's bytes.
    #[serde(with = "crate::stored_bytes")]
    pub body: Vec<u8>,
    /// When it came in.
    pub received_at: Timestamp,
}

impl RawRequest {
    /// The one value of a header, as text. A header that is missing, repeated or not UTF-8 is an error:
    /// security headers must be unambiguous.
    pub fn header(&self, name: &'static str) -> Result<&str, Refusal> {
        let mut values = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let (_, value) = values.next().ok_or(Refusal::new(Step::Signature, "missing_header", name))?;
        if values.next().is_some() {
            return Err(Refusal::new(Step::Signature, "repeated_header", name));
        }
        std::str::from_utf8(value).map_err(|_| Refusal::new(Step::Signature, "malformed_header", name))
    }

    /// The content type of forms.
    pub const FORM: &'static str = "application/x-www-form-urlencoded";
    /// The content type of JSON.
    pub const JSON: &'static str = "application/json";

    /// Refuses what is no POST of at most `bytes_max` bytes, or states another content type than `kind`.
    pub fn check_post(&self, kind: &str, bytes_max: usize) -> Result<(), Refusal> {
        if self.body.len() > bytes_max {
            return Err(Refusal::new(Step::Size, "body_too_large", "body"));
        }
        if self.method != "POST" {
            return Err(Refusal::new(Step::Format, "wrong_method", "method"));
        }
        self.check_content_type(kind)
    }

    /// Refuses a request that states another content type than `kind`. What stands behind a `;` does not count, and one
    /// that states none is taken for what it should be.
    pub fn check_content_type(&self, kind: &str) -> Result<(), Refusal> {
        let is_kind = |value: &[u8]| {
            let stated = value.split(|byte| *byte == b';').next().unwrap_or_default();
            stated.trim_ascii().eq_ignore_ascii_case(kind.as_bytes())
        };
        let mut stated = self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        match stated.all(|(_, value)| is_kind(value)) {
            true => Ok(()),
            false => Err(Refusal::new(Step::Format, "wrong_content_type", "content-type")),
        }
    }

    /// The query's parameters, percent-decoded (`+` is a space), in order. A repeated name or text that is not
    /// UTF-8 is an error.
    pub fn query_pairs(&self) -> Result<Vec<(String, String)>, Refusal> {
        form_pairs(self.query.as_bytes())
    }

    /// The body as an url-encoded form, decoded like [`RawRequest::query_pairs`].
    pub fn form(&self) -> Result<Vec<(String, String)>, Refusal> {
        form_pairs(&self.body)
    }
}

fn form_pairs(raw: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
    let malformed = |detail| Refusal::new(Step::Format, "malformed_form", detail);
    let decode = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
        String::from_utf8(percent_encoding::percent_decode(&spaced).collect())
            .map_err(|_| malformed("not UTF-8"))
    };
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in raw.split(|b| *b == b'&').filter(|part| !part.is_empty()) {
        let at = part.iter().position(|b| *b == b'=').unwrap_or(part.len());
        let name = decode(&part[..at])?;
        if pairs.iter().any(|(n, _)| *n == name) {
            return Err(malformed("a name is repeated"));
        }
        if pairs.len() >= 512 {
            return Err(malformed("more than 512 fields"));
        }
        pairs.push((name, decode(part.get(at + 1..).unwrap_or_default())?));
    }
    Ok(pairs)
}

/// Evidence that a request is genuine. Made by the comparisons in [`crate::sign`] only.
#[derive(Debug)]
pub struct Proof {
    pub(crate) signed: bool,
}

impl Proof {
    /// For the few informational queries that a protocol documents as unsigned. The engine accepts nothing but
    /// [`crate::Ask::Nothing`] from such a request.
    pub fn unsigned_query() -> Self {
        Self { signed: false }
    }
    /// Whether a signature was checked.
    pub fn is_signed(&self) -> bool {
        self.signed
    }
}

/// A request whose proof was seen. The only thing an adapter can parse.
pub struct Verified<'a> {
    request: &'a RawRequest,
    proof: Proof,
}

impl<'a> Verified<'a> {
    /// Joins a request and the proof that [`crate::Adapter::verify`] gave for it.
    pub fn new(request: &'a RawRequest, proof: Proof) -> Self {
        Self { request, proof }
    }
    /// The request.
    pub fn request(&self) -> &RawRequest {
        self.request
    }
    /// Whether a signature was checked.
    pub fn is_signed(&self) -> bool {
        self.proof.signed
    }
    /// Gives the proof back, to be joined with the same request again when it is answered.
    pub fn into_proof(self) -> Proof {
        self.proof
    }
}

/// At which step a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Its size or framing.
    Size,
    /// A signature, key or security header.
    Signature,
    /// Its time stamp.
    Time,
    /// Its syntax.
    Format,
    /// Its meaning: fields that are missing, out of range, or not ours.
    Meaning,
}

/// A request that is not acted on. The details are for our inbox; the reply tells the sender nothing of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused at {step:?}: {code} ({detail})")]
pub struct Refusal {
    /// Where.
    pub step: Step,
    /// A stable code, for example `bad_signature`, `stale_timestamp`.
    pub code: &'static str,
    /// Which field, in our words. Never a value from the request.
    pub detail: &'static str,
}

impl Refusal {
    /// A refusal.
    pub const fn new(step: Step, code: &'static str, detail: &'static str) -> Self {
        Self { step, code, detail }
    }
}

/// What goes back to the channel.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// Seconds for a `Retry-After` header, if any.
    pub retry_after: Option<u32>,
    /// The body.
    #[serde(with = "crate::stored_bytes")]
    pub body: Vec<u8>,
}

impl Reply {
    /// A JSON reply of ready-made text.
    pub fn json(status: u16, body: String) -> Self {
        Self {
            status,
            content_type: "application/json".to_owned(),
            retry_after: None,
            body: body.into_bytes(),
        }
    }
    /// A plain text reply.
    pub fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8".to_owned(),
            retry_after: None,
            body: body.as_bytes().to_vec(),
        }
    }
}
