//! Corruptions 1 to 20: of the body's bytes and form.

use channel::RawRequest;
use serde_json::{Map, Value};

use crate::{
    Report, Slot,
    carrier::{self, Pair},
    forgeries::forgeries,
    run::{Genuine, Run, Verdict},
};

/// Rows 1 to 20.
pub(crate) fn corrupt(run: &Run<'_>, report: &mut Report) {
    for one in run.signed() {
        let request = &one.case.request;
        for (row, what, changed) in unsigned_changes(request) {
            if changed != *request {
                run.must_be_harmless(report, row, one, what, &changed);
            }
        }
        if let Some(changed) = in_gbk(run, request) {
            let text_one = run.with(run.subject.fields.text, request, "元卡");
            let base = text_one.as_ref().unwrap_or(request);
            harmless_against(run, report, one, base, &changed);
        }
        for (row, what, changed) in signed_changes(run, request) {
            run.must_refuse(report, row, one, what, &changed);
        }
        if let Some(changed) = with_nul(run, request) {
            run.must_not_count(report, 11, one, "signed NUL in the order number", &changed);
        }
    }
    forgeries(run, report, 1..=20);
}

/// Row 13 starts from a request with Chinese text in it, which may be another than the case.
fn harmless_against(
    run: &Run<'_>,
    report: &mut Report,
    one: &Genuine<'_>,
    base: &RawRequest,
    bad: &RawRequest,
) {
    if let Verdict::Accepted(inbound) = run.judge(base, one.case.now) {
        let meaning = crate::meaning(&inbound);
        let base = Genuine { case: one.case, inbound: *inbound, meaning };
        run.must_be_harmless(report, 13, &base, "in GBK", bad);
    }
}

/// Changes made without the key: each must be refused, or change nothing.
fn unsigned_changes(request: &RawRequest) -> Vec<(u8, &'static str, RawRequest)> {
    let bytes = carrier::bytes(request);
    let with = |bytes: Vec<u8>| carrier::with(request, bytes);
    let joined = |before: &[u8], after: &[u8]| with([before, bytes, after].concat());
    let json = carrier::is_json(request);
    let mut all = Vec::new();
    let places = [(1, 0), (2, bytes.len() / 2), (3, bytes.len().saturating_sub(1))];
    for (row, at) in places {
        for bit in 0..8 {
            let mut flipped = bytes.to_vec();
            if let Some(byte) = flipped.get_mut(at) {
                *byte ^= 1 << bit;
            }
            all.push((row, "flipped", with(flipped)));
        }
    }
    all.push((4, "truncated", with(bytes[..bytes.len().saturating_sub(1)].to_vec())));
    all.push((5, "truncated", with(bytes[..bytes.len() / 2].to_vec())));
    for (what, byte) in [("x", b'x'), ("0", b'0'), ("&", b'&'), ("space", b' '), ("newline", b'\n')] {
        all.push((6, what, joined(b"", &[byte])));
    }
    all.push((7, "emptied", with(Vec::new())));
    all.push((8, "white space", respaced(request)));
    all.push((9, "reordered", reordered(request)));
    all.push((10, "mark", joined(b"\xef\xbb\xbf", b"")));
    let middle = bytes.len() / 2;
    all.push((11, "raw NUL", with([&bytes[..middle], b"\0", &bytes[middle..]].concat())));
    all.push((12, "overlong", with([&bytes[..middle], b"\xc0\xaf", &bytes[middle..]].concat())));
    all.extend(repeated_keys(request).into_iter().map(|changed| (14, "repeated", changed)));
    let deep = "[".repeat(10_000);
    all.push((
        15,
        "deep",
        if json { with(deep.into_bytes()) } else { joined(b"", format!("&zz={deep}").as_bytes()) },
    ));
    let padding =
        if json { " ".repeat(256 * 1024 + 1) } else { format!("&pad={}", "x".repeat(256 * 1024 + 1)) };
    all.push((16, "padded", joined(b"", padding.as_bytes())));
    all.push((17, "gzip", gzip(request)));
    for kind in ["application/xml", "application/json", "application/x-www-form-urlencoded"] {
        if let Some(changed) = Slot::Header("content-type").set(request, kind) {
            all.push((18, kind, changed));
        }
    }
    let doctype = b"<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>";
    all.push((19, "in front", joined(doctype, b"")));
    all.push((19, "instead", with(doctype.to_vec())));
    let mut trailer = request.clone();
    trailer.body.extend_from_slice(b"\r\n0\r\nX-Extra: 1\r\n\r\n");
    all.push((20, "trailer", trailer));
    all
}

/// Changes of form signed with our own key: even a genuine sender may not say such things.
fn signed_changes(run: &Run<'_>, request: &RawRequest) -> Vec<(u8, &'static str, RawRequest)> {
    let mut all = Vec::new();
    let mut push = |row, what, changed: Option<RawRequest>| {
        if let Some(signed) = changed.and_then(|changed| run.sign(&changed)) {
            all.push((row, what, signed));
        }
    };
    if carrier::is_json(request) && request.body.starts_with(b"{") {
        let body = &request.body;
        let with = |bytes: Vec<u8>| Some(carrier::with(request, bytes));
        push(12, "signed", with([b"{\"zz\":\"\xc0\xaf\",", &body[1..]].concat()));
        for changed in repeated_keys(request) {
            push(14, "signed", Some(changed));
        }
        let deep = format!("{{\"zz\":{}{},", "[".repeat(10_000), "]".repeat(10_000));
        push(15, "signed", with([deep.as_bytes(), &body[1..]].concat()));
        push(10, "signed", with([b"\xef\xbb\xbf", body.as_slice()].concat()));
    }
    all
}

/// An order number that ends in a NUL, signed.
fn with_nul(run: &Run<'_>, request: &RawRequest) -> Option<RawRequest> {
    let order = run.subject.fields.order?;
    let value = order.get(request).filter(|value| !value.is_empty())?;
    run.sign(&order.set(request, &format!("{value}\0"))?)
}

fn respaced(request: &RawRequest) -> RawRequest {
    if carrier::is_json(request) {
        let pretty = carrier::json(&request.body).and_then(|json| serde_json::to_vec_pretty(&json).ok());
        return carrier::with(request, pretty.unwrap_or_default());
    }
    let mut pairs = carrier::pairs(carrier::bytes(request));
    if let Some((_, value)) = pairs.first_mut() {
        value.insert(0, b' ');
    }
    carrier::with(request, carrier::join(&pairs))
}

/// The same fields in another order.
pub(crate) fn reordered(request: &RawRequest) -> RawRequest {
    if carrier::is_json(request) {
        return match carrier::json(&request.body) {
            Some(Value::Object(map)) => {
                let fields: Vec<String> = map
                    .iter()
                    .rev()
                    .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
                    .collect();
                carrier::with(request, format!("{{{}}}", fields.join(",")).into_bytes())
            }
            _ => request.clone(),
        };
    }
    let mut pairs = carrier::pairs(carrier::bytes(request));
    pairs.reverse();
    carrier::with(request, carrier::join(&pairs))
}

/// The request with each of its keys in turn given twice, the second time with another value.
fn repeated_keys(request: &RawRequest) -> Vec<RawRequest> {
    if carrier::is_json(request) {
        let Some(Value::Object(map)) = carrier::json(&request.body) else { return Vec::new() };
        return twice_in_json(&map)
            .into_iter()
            .map(|text| carrier::with(request, text.into_bytes()))
            .collect();
    }
    let pairs = carrier::pairs(carrier::bytes(request));
    let twice = |(name, value): &Pair| {
        let again = (name.clone(), [value.as_slice(), b"1"].concat());
        let all: Vec<Pair> = pairs.iter().cloned().chain([again]).collect();
        carrier::with(request, carrier::join(&all))
    };
    pairs.iter().map(twice).collect()
}

/// The texts of an object in which one key, here or in an object inside, stands twice.
fn twice_in_json(map: &Map<String, Value>) -> Vec<String> {
    let field = |name: &str, value: &str| format!("{}:{value}", Value::from(name));
    let fields: Vec<String> = map.iter().map(|(name, value)| field(name, &value.to_string())).collect();
    let object = |fields: &[String]| format!("{{{}}}", fields.join(","));
    let mut all = Vec::new();
    for (at, (name, value)) in map.iter().enumerate() {
        let other = match value {
            Value::String(text) => Value::from(format!("{text}1")),
            Value::Number(number) => Value::from(number.as_i64().unwrap_or(0).saturating_add(1)),
            _ => Value::from("zz"),
        };
        all.push(object(&[fields.as_slice(), &[field(name, &other.to_string())]].concat()));
        if let Value::Object(inner) = value {
            for text in twice_in_json(inner) {
                let mut changed = fields.clone();
                changed[at] = field(name, &text);
                all.push(object(&changed));
            }
        }
    }
    all
}

/// A gzip stream with one stored block that says it holds the body.
fn gzip(request: &RawRequest) -> RawRequest {
    let mut changed = request.clone();
    let length = u16::try_from(request.body.len()).unwrap_or(u16::MAX);
    changed.body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    changed.body.extend_from_slice(&length.to_le_bytes());
    changed.body.extend_from_slice(&(!length).to_le_bytes());
    changed.body.extend_from_slice(&request.body);
    changed.headers.push(("content-encoding".to_owned(), b"gzip".to_vec()));
    changed
}

/// The text in GBK, where the request has Chinese text or a place for it.
fn in_gbk(run: &Run<'_>, request: &RawRequest) -> Option<RawRequest> {
    let chinese = run.with(run.subject.fields.text, request, "元卡");
    let base = chinese.as_ref().unwrap_or(request);
    let gbk = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        encoding_rs::GBK.encode(&text).0.into_owned()
    };
    let changed = if carrier::is_json(base) {
        carrier::with(base, gbk(&base.body))
    } else {
        let mut pairs = carrier::pairs(carrier::bytes(base));
        for (_, value) in &mut pairs {
            *value = gbk(value);
        }
        carrier::with(base, carrier::join(&pairs))
    };
    (carrier::pairs(carrier::bytes(&changed)) != carrier::pairs(carrier::bytes(base))).then_some(changed)
}
