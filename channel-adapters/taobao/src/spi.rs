//! Who speaks: the MD5 signature of TOP's service calls (SPI), over the bytes of the charset that the call is written
//! in.
//!
//! The signed text has nothing between names and values. Whoever sees one signed call can therefore move a border;
//! [`crate::inbound`] refuses what could have come about that way.

use channel::{Proof, RawRequest, Refusal, Step, legacy_sign::md5_hex, sign, strict_json};
use encoding_rs::{Encoding, GBK, UTF_8};
use percent_encoding::percent_decode;
use serde::de::IgnoredAny;
use vocabulary::{Secret, Timestamp};

use crate::{settings::Settings, wire::time};

/// As for our own calls: ten minutes.
pub(crate) const TOLERANCE_SECS: i64 = 600;
/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;
const FIELDS_MAX: usize = 128;
/// The path of e-ticket notices, which come in GBK where they do not say otherwise.
pub(crate) const ETICKET: &str = "eticket";

const fn format(code: &'static str, detail: &'static str) -> Refusal {
    Refusal::new(Step::Format, code, detail)
}

/// A name and a value, percent-decoded, in the bytes of the call's charset.
type Pair = (Vec<u8>, Vec<u8>);

/// A call, percent-decoded. Its charset is named by a header that nobody signs, so nothing of what a call means
/// depends on it: the fields that are used are ASCII, and the signature is made over bytes.
pub(crate) struct Spi {
    query: Vec<Pair>,
    form: Vec<Pair>,
    body: Vec<u8>,
    charset: &'static Encoding,
}

impl Spi {
    /// Takes a call apart. Names that come twice are refused, and a body that is neither a form nor plain JSON.
    pub(crate) fn open(request: &RawRequest) -> Result<Self, Refusal> {
        let kind = content_type(request)?;
        let charset = charset(&kind, request)?;
        let query = pairs(request.query.as_bytes(), false)?;
        let mut form = Vec::new();
        if kind.starts_with("application/x-www-form-urlencoded") {
            form = pairs(&request.body, true)?;
        } else if !request.body.is_empty() {
            let text = charset.decode_without_bom_handling_and_without_replacement(&request.body);
            let text = text.ok_or(format("malformed_text", "not of the charset"))?;
            strict_json::from_slice::<IgnoredAny>(text.as_bytes())?;
        }
        let mut names: Vec<&[u8]> = query.iter().chain(&form).map(|(name, _)| name.as_slice()).collect();
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(format("malformed_form", "a name is repeated"));
        }
        Ok(Self { query, form, body: request.body.clone(), charset })
    }

    fn all(&self) -> impl Iterator<Item = &Pair> {
        self.query.iter().chain(&self.form)
    }
    /// Whether a parameter is there, whatever it says.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all().any(|(n, _)| n == name.as_bytes())
    }
    /// A parameter that is there and plain ASCII.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.all().find(|(n, _)| n == name.as_bytes())?;
        std::str::from_utf8(value).ok().filter(|text| text.is_ascii())
    }
    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.all().map(|(name, _)| name.as_slice())
    }
    /// Everything but signature and time, as it was signed: equal in every repeat.
    pub(crate) fn lasting(&self) -> Vec<u8> {
        let kept = |(name, _): &&Pair| name != b"sign" && name != b"timestamp";
        [joined(self.query.iter().filter(kept)), self.body.clone()].concat()
    }

    /// How often a word stands in the signed text, whatever is name and what is value there.
    pub(crate) fn count_in_text(&self, word: &str) -> usize {
        let last = self.texts().pop().unwrap_or_default();
        last.windows(word.len()).filter(|part| *part == word.as_bytes()).count()
    }

    /// The texts that may have been signed, the documented one first.
    fn texts(&self) -> Vec<Vec<u8>> {
        let unsigned = |(name, _): &&Pair| name != b"sign";
        let documented = [joined(self.query.iter().filter(unsigned)), self.body.clone()].concat();
        // The official kit appends a form as it stands; others sort its fields in.
        let sorted_in = (!self.form.is_empty()).then(|| joined(self.all().filter(unsigned)));
        std::iter::once(documented).chain(sorted_in).collect()
    }
}

/// Names and values by name, without anything between them.
fn joined<'a>(pairs: impl Iterator<Item = &'a Pair>) -> Vec<u8> {
    let mut sorted: Vec<&Pair> = pairs.collect();
    sorted.sort();
    sorted.into_iter().flat_map(|(name, value)| name.iter().chain(value).copied()).collect()
}

fn digest(text: &[u8], secret: &str) -> String {
    let plain = Secret::new([secret.as_bytes(), text, secret.as_bytes()].concat());
    md5_hex(plain.expose()).to_ascii_uppercase()
}

pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    check_framing(request)?;
    let spi = Spi::open(request)?;
    let missing = |name| Refusal::new(Step::Signature, "missing_signature", name);
    let given = spi.get("sign").ok_or(missing("sign"))?.to_ascii_uppercase();
    let mut proof = Err(Refusal::new(Step::Signature, "bad_signature", "signature does not match"));
    for text in spi.texts() {
        let digest = digest(&text, settings.app_secret.expose());
        proof = proof.or_else(|_| sign::digest_matches(&digest, &given));
    }
    let proof = proof?;
    let stale = Refusal::new(Step::Time, "malformed_timestamp", "timestamp");
    let at = spi.get("timestamp").and_then(time).ok_or(stale)?;
    sign::check_time(at, now, TOLERANCE_SECS)?;
    Ok(proof)
}

/// What the official kit signs, with the secret left out.
pub(crate) fn signed_text(request: &RawRequest) -> Option<String> {
    let spi = Spi::open(request).ok()?;
    let text = spi.texts().into_iter().next()?;
    Some(format!("***{}***", spi.charset.decode_without_bom_handling(&text).0))
}

fn check_framing(request: &RawRequest) -> Result<(), Refusal> {
    if request.body.len() > BODY_BYTES_MAX || request.query.len() > BODY_BYTES_MAX {
        return Err(Refusal::new(Step::Size, "body_too_large", "body"));
    }
    if request.method != "POST" && request.method != "GET" {
        return Err(format("wrong_method", "method"));
    }
    // How headers take part in the signature is not known for certain.
    if request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("top-sign-list")) {
        return Err(Refusal::new(Step::Signature, "unsupported_signature", "top-sign-list"));
    }
    Ok(())
}

/// The content type in lower case; empty where there is none.
fn content_type(request: &RawRequest) -> Result<String, Refusal> {
    let mut values = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let Some((_, value)) = values.next() else { return Ok(String::new()) };
    if values.next().is_some() {
        return Err(format("wrong_content_type", "content-type"));
    }
    let text = std::str::from_utf8(value).map_err(|_| format("wrong_content_type", "content-type"))?;
    let known = ["", "application/json", "application/x-www-form-urlencoded", "text/plain"];
    let kind = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !known.contains(&kind.as_str()) {
        return Err(format("wrong_content_type", "content-type"));
    }
    Ok(text.to_ascii_lowercase())
}

fn charset(content_type: &str, request: &RawRequest) -> Result<&'static Encoding, Refusal> {
    let named = content_type.split(';').find_map(|part| part.trim().strip_prefix("charset="));
    match named.map(|name| name.trim_matches('"')) {
        Some(name) if name.starts_with("gb") => Ok(GBK),
        Some("utf-8" | "utf8") => Ok(UTF_8),
        Some(_) => Err(format("wrong_content_type", "charset")),
        None if request.topic.trim_matches('/') == ETICKET => Ok(GBK),
        None => Ok(UTF_8),
    }
}

/// In a query a `+` is a plus, but for the time's; in a form it is a space.
fn pairs(raw: &[u8], is_form: bool) -> Result<Vec<Pair>, Refusal> {
    let mut all = Vec::new();
    for part in raw.split(|b| *b == b'&').filter(|part| !part.is_empty()) {
        let at = part.iter().position(|b| *b == b'=').unwrap_or(part.len());
        let bytes = |part: &[u8], spaced: bool| {
            let space = |b: &u8| if spaced && *b == b'+' { b' ' } else { *b };
            let part: Vec<u8> = part.iter().map(space).collect();
            percent_decode(&part).collect::<Vec<u8>>()
        };
        let name = bytes(&part[..at], is_form);
        let spaced = is_form || name == b"timestamp";
        all.push((name, bytes(part.get(at + 1..).unwrap_or_default(), spaced)));
        if all.len() > FIELDS_MAX {
            return Err(format("malformed_form", "too many fields"));
        }
    }
    Ok(all)
}
