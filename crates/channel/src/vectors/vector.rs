//! One vector: its texts, and the request that its input writes down.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use vocabulary::Timestamp;

use crate::RawRequest;

/// When a request came in that says no time: any fixed instant will do.
const NOW: Timestamp = Timestamp::from_secs(1_767_322_800);

/// A vector.
#[derive(Clone, Copy)]
pub struct Vector<'a>(&'a Value);

impl<'a> Vector<'a> {
    /// Of the JSON object.
    pub fn new(json: &'a Value) -> Self {
        Self(json)
    }
    /// Its name, empty where it has none.
    pub fn name(&self) -> &'a str {
        self.maybe("/name").unwrap_or_default()
    }
    /// Its scheme, empty where it has none.
    pub fn scheme(&self) -> &'a str {
        self.maybe("/scheme").unwrap_or_default()
    }
    /// Whether it says that it must be accepted.
    pub fn accept(&self) -> Option<bool> {
        self.value("/expected/accept").and_then(Value::as_bool)
    }
    /// The value at a JSON pointer such as `/input/body`.
    pub fn value(&self, pointer: &str) -> Option<&'a Value> {
        self.0.pointer(pointer)
    }
    /// The text at a JSON pointer, if there is one.
    pub fn maybe(&self, pointer: &str) -> Option<&'a str> {
        self.value(pointer).and_then(Value::as_str)
    }
    /// The text at a JSON pointer.
    pub fn text(&self, pointer: &str) -> Result<&'a str, String> {
        self.maybe(pointer).ok_or_else(|| format!("it has no text at {pointer}"))
    }
    /// The integer at a JSON pointer, as a number or a text.
    pub fn integer(&self, pointer: &str) -> Result<i64, String> {
        let value = self.value(pointer);
        let number = value.and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
        number.ok_or_else(|| format!("it has no integer at {pointer}"))
    }
    /// Names and values of the object at a JSON pointer (or of the list of pairs there), texts as they are and
    /// everything else as compact JSON.
    pub fn pairs(&self, pointer: &str) -> Result<Vec<(String, String)>, String> {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match self.value(pointer) {
            Some(Value::Object(map)) => {
                Ok(map.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
            }
            Some(Value::Array(list)) => {
                Ok(list.iter().map(|pair| (plain(&pair[0]), plain(&pair[1]))).collect())
            }
            _ => Err(format!("it has no object at {pointer}")),
        }
    }
    /// The texts of its keys, the longest first.
    pub fn keys(&self) -> Vec<&'a str> {
        let all = self.value("/keys").and_then(Value::as_object).into_iter().flatten();
        let mut keys: Vec<&str> = all.filter_map(|(_, value)| value.as_str()).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.len()));
        keys
    }
    /// Its signature: the one that its input carries at a JSON pointer, else the expected one.
    pub fn sign(&self, given: &str) -> Result<&'a str, String> {
        self.maybe(given).filter(|sign| !sign.is_empty()).map_or_else(|| self.text("/expected/sign"), Ok)
    }

    /// A POST with a body and no more, at the vector's time.
    pub fn post(&self, body: impl Into<Vec<u8>>) -> RawRequest {
        RawRequest {
            method: "POST".to_owned(),
            topic: String::new(),
            query: String::new(),
            headers: Vec::new(),
            body: body.into(),
            received_at: self.value("/input/now").and_then(Value::as_i64).map_or(NOW, Timestamp::from_secs),
        }
    }

    /// The request that the input writes down: `method`, `path`, `query` (text or object), `headers`, and one of
    /// `body`, `form_body`, `form` (object) and `params_urlencoded` (query of a GET, body of a POST). Where the query
    /// is an object without `sign`, the expected one belongs there. It came in when the vector says (`now`), else when
    /// it says itself that it was signed.
    pub fn written_request(&self) -> Result<RawRequest, String> {
        let params = self.maybe("/input/params_urlencoded").map(str::to_owned);
        let texts = ["/input/body", "/input/form_body"].into_iter().find_map(|at| self.maybe(at));
        let mut body =
            texts.map(str::to_owned).or_else(|| self.pairs("/input/form").ok().map(|form_| form(&form_)));
        let method = self.maybe("/input/method");
        let method = method.unwrap_or(if body.is_some() || params.is_some() { "POST" } else { "GET" });
        let mut query = self.query();
        match params {
            Some(params) if method == "GET" => query = params,
            Some(params) => body = Some(params),
            None => {}
        }
        let headers = self.headers(body.as_deref().unwrap_or_default());
        if query.is_empty() && body.is_none() && headers.is_empty() {
            return Err("it is no request to us".to_owned());
        }
        let signed_at = || stated_time(&query, &headers).unwrap_or(NOW);
        let now = self.value("/input/now").and_then(Value::as_i64);
        Ok(RawRequest {
            method: method.to_owned(),
            topic: self.maybe("/input/path").unwrap_or_default().trim_matches('/').to_owned(),
            received_at: now.map_or_else(signed_at, Timestamp::from_secs),
            query,
            headers,
            body: body.unwrap_or_default().into_bytes(),
        })
    }

    fn query(&self) -> String {
        if let Some(text) = self.maybe("/input/query") {
            return text.to_owned();
        }
        let Ok(mut pairs) = self.pairs("/input/query") else { return String::new() };
        let unsigned = !pairs.iter().any(|(name, _)| name == "sign" || name.ends_with("signature"));
        if let Some(sign) = self.maybe("/expected/sign").filter(|_| unsigned) {
            pairs.push(("sign".to_owned(), sign.to_owned()));
        }
        form(&pairs)
    }

    fn headers(&self, body: &str) -> Vec<(String, Vec<u8>)> {
        let given = self.pairs("/input/headers").unwrap_or_default();
        let mut headers: Vec<(String, Vec<u8>)> =
            given.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.into_bytes())).collect();
        let stated = self.maybe("/input/content_type");
        let kind = stated.or_else(|| body.starts_with('{').then_some("application/json"));
        if let Some(kind) = kind.filter(|_| !headers.iter().any(|(name, _)| name == "content-type")) {
            headers.push(("content-type".to_owned(), kind.as_bytes().to_vec()));
        }
        headers
    }
}

/// Names and values as a form or query.
pub fn form(pairs: &[(String, String)]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pair = |(name, value): &(String, String)| format!("{}={}", encoded(name), encoded(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Puts a key into a settings' field, in the shape that the field has there: a number, a list of one, or as it is.
pub fn put(settings: &mut Value, field: &str, key: &Value) {
    let shaped = match (settings.get(field), key) {
        (Some(Value::Number(_)), Value::String(text)) => {
            text.parse::<i64>().map_or_else(|_| key.clone(), Value::from)
        }
        (Some(Value::String(_)), Value::Number(number)) => number.to_string().into(),
        (Some(Value::Array(_)), Value::Array(_)) => key.clone(),
        (Some(Value::Array(_)), one) => Value::Array(vec![one.clone()]),
        _ => key.clone(),
    };
    if let Some(fields) = settings.as_object_mut() {
        fields.insert(field.to_owned(), shaped);
    }
}

/// The first signed time of a request that is written in Unix seconds or milliseconds.
fn stated_time(query: &str, headers: &[(String, Vec<u8>)]) -> Option<Timestamp> {
    let in_query = query.split('&').filter_map(|part| part.split_once('='));
    let in_headers =
        headers.iter().filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value).ok()?)));
    let times =
        in_query.chain(in_headers).filter(|(name, _)| name.to_ascii_lowercase().ends_with("timestamp"));
    let instant = |text: &str| match (text.parse::<i64>(), text.len()) {
        (Ok(secs), ..=11) => Some(Timestamp::from_secs(secs)),
        (Ok(millis), 13) => Some(Timestamp::from_micros(millis.saturating_mul(1_000))),
        _ => None,
    };
    times.filter_map(|(_, text)| instant(text)).next()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_take_the_shape_of_the_settings_field_they_are_put_into() {
        let mut settings = json!({ "app_id": 1, "secret": "x", "secrets": ["y"] });
        put(&mut settings, "app_id", &json!("42"));
        put(&mut settings, "secret", &json!(7));
        put(&mut settings, "secrets", &json!("w"));
        put(&mut settings, "new", &json!("n"));
        assert_eq!(settings, json!({ "app_id": 42, "secret": "7", "secrets": ["w"], "new": "n" }));
    }

    #[test]
    fn an_input_is_the_request_it_writes_down() {
        let told = json!({
            "input": { "query": { "timestamp": 1_767_322_801, "m": "1 2" }, "body": "{}", "path": "/a/b" },
            "expected": { "sign": "s" },
        });
        let read = Vector::new(&told).written_request().unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(read.query, "m=1%202&timestamp=1767322801&sign=s");
        assert_eq!((read.topic.as_str(), read.received_at.secs()), ("a/b", 1_767_322_801));
        assert_eq!((read.method.as_str(), read.headers.len()), ("POST", 1));
        let get = json!({ "input": { "method": "GET", "params_urlencoded": "a=1", "now": 5 } });
        let read = Vector::new(&get).written_request().unwrap_or_else(|why| panic!("{why}"));
        assert_eq!((read.query.as_str(), read.body.len(), read.received_at.secs()), ("a=1", 0, 5));
        assert!(Vector::new(&json!({ "input": { "params": { "a": "b" } } })).written_request().is_err());
    }
}
