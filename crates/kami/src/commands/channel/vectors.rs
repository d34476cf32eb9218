//! `kami channel test`: a file of test vectors against a protocol's adapter.
//!
//! A vector is `{name, scheme, keys, input, expected}`. Judged are those that are requests to us: they say whether they
//! are accepted, or carry the signature that a good one has. Their `keys` fill the settings' fields of the same names.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use channel::{Ask, Protocol, RawRequest, Verified};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use vocabulary::{Account, Timestamp};

use super::{Judged, Verdict};
use crate::cli::TestChannel;

/// Judges the vectors of a file, or those that lie with the adapters of the workspace we stand in.
pub(super) fn judge(protocol: &Protocol, options: &TestChannel) -> anyhow::Result<Vec<Judged>> {
    let base = super::settings(protocol, options.settings.as_deref())?;
    let files = match &options.vectors {
        Some(file) => vec![file.clone()],
        None => fixtures()?,
    };
    let mut all = Vec::new();
    for file in &files {
        let Some(vectors) = read(file, options.vectors.is_some())? else { continue };
        for vector in vectors.iter().filter(|vector| is_wanted(protocol, options, vector)) {
            let name = format!("{} {}", text(&vector["scheme"]), text(&vector["name"]));
            let name = name.trim().to_owned();
            // The same vectors may lie with two adapters.
            if all.iter().any(|known: &Judged| known.name == name) {
                continue;
            }
            let given = options.settings.is_some();
            let (verdict, why) = match one(protocol, &base, given, vector) {
                Ok(Ok(why)) => (Verdict::Passed, why),
                Ok(Err(why)) => (Verdict::Failed, why),
                Err(why) => (Verdict::Skipped, why),
            };
            all.push(Judged { name, verdict, why });
        }
    }
    if all.is_empty() {
        bail!(
            "no vectors of {} were found; give --vectors FILE, and --scheme where theirs has another name",
            protocol.manifest.code
        );
    }
    Ok(all)
}

/// The JSON files beside the adapters, if we stand in the workspace.
fn fixtures() -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Ok(adapters) = std::fs::read_dir("channel-adapters") else {
        bail!("there is no channel-adapters here; give --vectors FILE");
    };
    for adapter in adapters {
        let Ok(files) = std::fs::read_dir(adapter?.path().join("fixtures")) else { continue };
        for file in files {
            found.push(file?.path());
        }
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    found.sort();
    Ok(found)
}

/// The vectors of a file; `None` where it holds something else and was not named.
fn read(file: &Path, named: bool) -> anyhow::Result<Option<Vec<Value>>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Array(vectors)) => Ok(Some(vectors)),
        _ if named => bail!("{} is no list of vectors", file.display()),
        _ => Ok(None),
    }
}

/// Whether a vector is of the protocol: of a scheme that was named, or that begins with the protocol's code.
fn is_wanted(protocol: &Protocol, options: &TestChannel, vector: &Value) -> bool {
    let scheme = text(&vector["scheme"]);
    match options.scheme.as_slice() {
        [] => scheme.starts_with(protocol.manifest.code),
        named => named.iter().any(|name| name == scheme),
    }
}

/// Judges a vector: how it passed or failed, or why it cannot be judged.
fn one(
    protocol: &Protocol,
    base: &Value,
    settings_given: bool,
    vector: &Value,
) -> Result<Result<String, String>, String> {
    let settings = settings(base, &vector["keys"], settings_given)?;
    let (request, accept) = request(vector)?;
    let account: Account = format!("{}/test", protocol.manifest.code).parse().map_err(|_| "account")?;
    let adapter = match (protocol.connect)(account, &settings.to_string()) {
        Ok(adapter) => adapter,
        Err(why) => return Err(format!("its keys do not connect: {why}")),
    };
    let proof = match adapter.verify(&request, request.received_at) {
        Ok(proof) => proof,
        Err(why) if accept => return Ok(Err(format!("must be accepted, {why}"))),
        Err(why) => return Ok(Ok(why.to_string())),
    };
    let read = adapter.parse(&Verified::new(&request, proof));
    Ok(match (read, accept) {
        (Ok(_), true) => Ok("accepted".to_owned()),
        // Many vectors are about a signature, over a body that no platform would send.
        (Err(why), true) => Ok(format!("verified; its meaning is {why}")),
        (Err(why), false) => Ok(why.to_string()),
        (Ok(inbound), false) if matches!(inbound.ask, Ask::Nothing) => Ok("asks for nothing".to_owned()),
        (Ok(_), false) => Err("must be refused, was accepted".to_owned()),
    })
}

/// The settings with the vector's keys in the fields of the same names (a key may say behind its name how it is
/// written).
fn settings(base: &Value, keys: &Value, given: bool) -> Result<Value, String> {
    let mut settings = base.clone();
    let Some(fields) = settings.as_object_mut() else { return Err("the settings are no object".to_owned()) };
    for (name, key) in keys.as_object().into_iter().flatten() {
        let plain = ["_b64", "_base64", "_pem"].iter().find_map(|end| name.strip_suffix(end));
        let field =
            [Some(name.as_str()), plain].into_iter().flatten().find(|field| fields.contains_key(*field));
        match field.and_then(|field| fields.get_mut(field)) {
            Some(old) => *old = shaped(old, key),
            None if given => {}
            None => return Err(format!("no setting is called {name}; give --settings FILE")),
        }
    }
    Ok(settings)
}

/// A key in the shape that the setting has.
fn shaped(old: &Value, key: &Value) -> Value {
    match (old, key) {
        (Value::Number(_), Value::String(text)) => {
            text.parse::<i64>().map_or_else(|_| key.clone(), Value::from)
        }
        (Value::String(_), Value::Number(number)) => number.to_string().into(),
        (Value::Array(_), Value::Array(_)) => key.clone(),
        (Value::Array(_), one) => Value::Array(vec![one.clone()]),
        _ => key.clone(),
    }
}

/// The request of a vector, and whether it must be accepted.
fn request(vector: &Value) -> Result<(RawRequest, bool), String> {
    let (input, expected) = (&vector["input"], &vector["expected"]);
    let stated = expected["accept"].as_bool();
    let form = form(input);
    let body = [&input["body"], &input["form_body"]].into_iter().find_map(Value::as_str).map(str::to_owned);
    let has_body = body.is_some() || input["form"].is_object();
    let method = input["method"].as_str().unwrap_or(if has_body || form.is_some() { "POST" } else { "GET" });
    let (mut query, mut body) = (query(&input["query"]), body.or_else(|| joined(&input["form"])));
    if let Some(form) = form {
        if method == "GET" { query = form } else { body = Some(form) }
    }
    let body = body.unwrap_or_default();
    if query.is_empty() && body.is_empty() && !input["headers"].is_object() {
        return Err("it is no request to us".to_owned());
    }
    let sign = expected["sign"].as_str().filter(|_| stated != Some(false));
    match sign {
        // Where a vector's query has no signature, the expected one belongs there.
        Some(sign) if input["query"].is_object() && input["query"]["sign"].is_null() => {
            query.push_str(&format!("&sign={}", encoded(sign)));
        }
        _ if stated.is_none() => return Err("it does not say whether it is accepted".to_owned()),
        _ => {}
    }
    let mut headers = headers(input);
    if !headers.iter().any(|(name, _)| name == "content-type") && body.starts_with('{') {
        headers.push(("content-type".to_owned(), b"application/json".to_vec()));
    }
    let topic = text(&input["path"]).trim_matches('/').to_owned();
    let received_at = now(input, &query, &headers);
    let request =
        RawRequest { method: method.to_owned(), topic, query, headers, body: body.into_bytes(), received_at };
    Ok((request, stated.unwrap_or(true)))
}

fn form(input: &Value) -> Option<String> {
    input["params_urlencoded"].as_str().map(str::to_owned)
}

fn query(value: &Value) -> String {
    value.as_str().map(str::to_owned).or_else(|| joined(value)).unwrap_or_default()
}

/// An object of texts and numbers as a form.
fn joined(value: &Value) -> Option<String> {
    let pair = |(name, value): (&String, &Value)| {
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{}={}", encoded(name), encoded(&plain))
    };
    Some(value.as_object()?.iter().map(pair).collect::<Vec<_>>().join("&"))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn headers(input: &Value) -> Vec<(String, Vec<u8>)> {
    let given = input["headers"].as_object().into_iter().flatten();
    let given = given.filter_map(|(name, value)| Some((name.to_ascii_lowercase(), value.as_str()?)));
    let kind = input["content_type"].as_str().map(|kind| ("content-type".to_owned(), kind));
    given.chain(kind).map(|(name, value)| (name, value.as_bytes().to_vec())).collect()
}

/// When the request came in: as the vector says, else when it says that it was signed, else now.
fn now(input: &Value, query: &str, headers: &[(String, Vec<u8>)]) -> Timestamp {
    if let Some(secs) = input["now"].as_i64() {
        return Timestamp::from_secs(secs);
    }
    let in_query = query.split('&').filter_map(|part| part.split_once('='));
    let in_headers =
        headers.iter().filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value).ok()?)));
    let times =
        in_query.chain(in_headers).filter(|(name, _)| name.to_ascii_lowercase().ends_with("timestamp"));
    let instant = |text: &str| match (text.parse::<i64>(), text.len()) {
        (Ok(secs), 10) => Some(Timestamp::from_secs(secs)),
        (Ok(millis), 13) => Some(Timestamp::from_micros(millis * 1_000)),
        _ => None,
    };
    let today = || Timestamp::from_micros(chrono::Utc::now().timestamp_micros());
    times.filter_map(|(_, text)| instant(text)).next().unwrap_or_else(today)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_fill_the_settings_of_their_names_in_the_settings_shape() {
        let base = json!({ "app_id": 1, "secret": "x", "secrets": ["y"], "public_key": "z" });
        let keys = json!({ "app_id": "42", "secrets": "w", "public_key_b64": "k" });
        let filled = settings(&base, &keys, false);
        assert_eq!(filled, Ok(json!({ "app_id": 42, "secret": "x", "secrets": ["w"], "public_key": "k" })));
        assert!(settings(&base, &json!({ "zz": 1 }), false).is_err_and(|why| why.contains("zz")));
        assert_eq!(settings(&base, &json!({ "zz": 1 }), true), Ok(base));
    }

    #[test]
    fn what_is_no_request_to_us_is_told_apart() {
        let sign = json!({ "input": { "params": { "a": "b" } }, "expected": { "sign": "x" } });
        assert!(request(&sign).is_err());
        let hidden = json!({ "input": { "body": "{}" }, "expected": { "body_md5": "x" } });
        assert!(request(&hidden).is_err());
        let told = json!({
            "input": { "query": { "timestamp": 1_767_322_800, "m": "1 2" }, "body": "{}", "path": "/a/b" },
            "expected": { "sign": "s" },
        });
        let (read, accept) = request(&told).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!((read.query.as_str(), accept), ("m=1%202&timestamp=1767322800&sign=s", true));
        assert_eq!((read.topic.as_str(), read.received_at.secs()), ("a/b", 1_767_322_800));
        assert_eq!(read.method, "POST");
    }
}
