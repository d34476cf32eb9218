//! Where a field lives in a request, and how to read, set, remove and repeat it.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::RawRequest;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use crate::carrier::{self, Place};

/// Where a field lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A header, by its lower-case name.
    Header(&'static str),
    /// An item of a header that is a list of `name=value` joined by commas: the header's lower-case name, then the
    /// item's.
    HeaderPart(&'static str, &'static str),
    /// A parameter of the query string.
    Query(&'static str),
    /// A parameter of a form body.
    Form(&'static str),
    /// A parameter of the query string where the body is empty, of the form body otherwise.
    Param(&'static str),
    /// A value in a JSON body, by its JSON pointer (`/data/sku`).
    Json(&'static str),
    /// A value in base64 JSON text that is itself a form parameter: the parameter's name, then the pointer.
    FormJson(&'static str, &'static str),
    /// A value in JSON text that is itself the value of another slot, by its JSON pointer:
    /// `Inside(&Slot::Form("json"), "/OrderId")`, `Inside(&Slot::Json("/0/data"), "/p_id")`.
    Inside(&'static Slot, &'static str),
    /// Another slot's value, with its percent-encoding taken off and put on again.
    Encoded(&'static Slot),
    /// The path behind the shop's address.
    Topic,
}

/// The unit an amount is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountUnit {
    /// Whole minor units: `2888`.
    Minor,
    /// Major units with up to two decimals: `28.88`.
    Major,
}

impl Slot {
    /// The field's value as text; numbers as written. `None` where the request has no such field.
    pub fn get(&self, request: &RawRequest) -> Option<String> {
        match *self {
            Self::Header(name) => {
                let (_, value) = request.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
                String::from_utf8(value.clone()).ok()
            }
            Self::HeaderPart(header, item) => {
                let list = Self::Header(header).get(request)?;
                list.split(',').find_map(|part| part.strip_prefix(item)?.strip_prefix('=')).map(str::to_owned)
            }
            Self::Json(pointer) => json_text(&carrier::json(&request.body)?, pointer),
            Self::FormJson(form, pointer) => json_text(&form_json(request, form)?, pointer),
            Self::Inside(outer, pointer) => {
                json_text(&carrier::json(outer.get(request)?.as_bytes())?, pointer)
            }
            Self::Encoded(outer) => {
                let text = outer.get(request)?;
                percent_decode_str(&text).decode_utf8().ok().map(|text| text.into_owned())
            }
            Self::Topic => Some(request.topic.clone()),
            Self::Query(name) | Self::Form(name) | Self::Param(name) => {
                let (place, _) = self.pairs_of(request)?;
                let pairs = carrier::pairs(place.bytes(request));
                let (_, value) = pairs.into_iter().find(|(n, _)| n == name.as_bytes())?;
                String::from_utf8(value).ok()
            }
        }
    }

    /// The request with another value in this field, which is added where it is missing. In JSON a number stays
    /// a number if the value reads as one. `None` where there is no place for the field.
    pub fn set(&self, request: &RawRequest, value: &str) -> Option<RawRequest> {
        self.put(request, value, false)
    }

    /// As [`Slot::set`], but in JSON the value is always a string.
    pub fn set_text(&self, request: &RawRequest, value: &str) -> Option<RawRequest> {
        self.put(request, value, true)
    }

    /// The request without the field; `None` where it has none.
    pub fn remove(&self, request: &RawRequest) -> Option<RawRequest> {
        self.get(request)?;
        let mut changed = request.clone();
        match *self {
            Self::Header(name) => changed.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name)),
            Self::HeaderPart(header, item) => {
                let list = header_without(request, header, item)?;
                return Self::Header(header).set(request, &list);
            }
            Self::Inside(outer, pointer) => {
                let mut json = carrier::json(outer.get(request)?.as_bytes())?;
                remove_at(&mut json, pointer)?;
                return outer.set_text(request, &json.to_string());
            }
            Self::Encoded(outer) => return outer.remove(request),
            Self::Topic => changed.topic.clear(),
            Self::Json(pointer) => {
                let mut json = carrier::json(&request.body)?;
                remove_at(&mut json, pointer)?;
                changed.body = json.to_string().into_bytes();
            }
            Self::FormJson(form, pointer) => {
                let mut json = form_json(request, form)?;
                remove_at(&mut json, pointer)?;
                return Self::Form(form).set(request, &STANDARD.encode(json.to_string()));
            }
            Self::Query(name) | Self::Form(name) | Self::Param(name) => {
                let (place, _) = self.pairs_of(request)?;
                let mut pairs = carrier::pairs(place.bytes(request));
                pairs.retain(|(n, _)| n != name.as_bytes());
                place.put(&mut changed, carrier::join(&pairs));
            }
        }
        Some(changed)
    }

    /// The requests that carry the field twice, with a second value before and behind the first; `None` where the
    /// field's place allows no repeat.
    pub fn repeat(&self, request: &RawRequest, second: &str) -> Option<Vec<RawRequest>> {
        let name = self.name()?;
        let mut both = [request.clone(), request.clone()];
        if let Self::Header(_) = self {
            let at = request.headers.iter().position(|(n, _)| n.eq_ignore_ascii_case(name))?;
            both[0].headers.insert(at, (name.to_owned(), second.as_bytes().to_vec()));
            both[1].headers.insert(at + 1, (name.to_owned(), second.as_bytes().to_vec()));
        } else {
            let (place, _) = self.pairs_of(request)?;
            let pairs = carrier::pairs(place.bytes(request));
            let at = pairs.iter().position(|(n, _)| n == name.as_bytes())?;
            for (changed, at) in both.iter_mut().zip([at, at + 1]) {
                let mut pairs = pairs.clone();
                pairs.insert(at, (name.as_bytes().to_vec(), second.as_bytes().to_vec()));
                place.put(changed, carrier::join(&pairs));
            }
        }
        Some(both.to_vec())
    }

    /// The name of a header or parameter.
    pub(crate) fn name(&self) -> Option<&'static str> {
        match *self {
            Self::Header(name) | Self::Query(name) | Self::Form(name) | Self::Param(name) => Some(name),
            Self::HeaderPart(..)
            | Self::Json(_)
            | Self::FormJson(..)
            | Self::Inside(..)
            | Self::Encoded(_)
            | Self::Topic => None,
        }
    }

    fn put(&self, request: &RawRequest, value: &str, as_text: bool) -> Option<RawRequest> {
        let mut changed = request.clone();
        match *self {
            Self::Header(name) => {
                let found = changed.headers.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name));
                match found {
                    Some((_, old)) => *old = value.as_bytes().to_vec(),
                    None => changed.headers.push((name.to_owned(), value.as_bytes().to_vec())),
                }
            }
            Self::HeaderPart(header, item) => {
                let rest = header_without(request, header, item)?;
                let comma = if rest.is_empty() { "" } else { "," };
                return Self::Header(header).set(request, &format!("{item}={value}{comma}{rest}"));
            }
            Self::Inside(outer, pointer) => {
                let mut json = carrier::json(outer.get(request)?.as_bytes())?;
                set_at(&mut json, pointer, value, as_text)?;
                return outer.set_text(request, &json.to_string());
            }
            Self::Encoded(outer) => {
                let encoded = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
                return outer.set_text(request, &encoded);
            }
            Self::Topic => value.clone_into(&mut changed.topic),
            Self::Json(pointer) => {
                let mut json = carrier::json(&request.body)?;
                set_at(&mut json, pointer, value, as_text)?;
                changed.body = json.to_string().into_bytes();
            }
            Self::FormJson(form, pointer) => {
                let mut json = form_json(request, form)?;
                set_at(&mut json, pointer, value, as_text)?;
                return Self::Form(form).set(request, &STANDARD.encode(json.to_string()));
            }
            Self::Query(name) | Self::Form(name) | Self::Param(name) => {
                let (place, _) = self.pairs_of(request)?;
                let mut pairs = carrier::pairs(place.bytes(request));
                match pairs.iter_mut().find(|(n, _)| n == name.as_bytes()) {
                    Some((_, old)) => *old = value.as_bytes().to_vec(),
                    None => pairs.push((name.as_bytes().to_vec(), value.as_bytes().to_vec())),
                }
                place.put(&mut changed, carrier::join(&pairs));
            }
        }
        Some(changed)
    }

    /// Where the pairs of a parameter slot are.
    fn pairs_of(&self, request: &RawRequest) -> Option<(Place, &'static str)> {
        match *self {
            Self::Query(name) => Some((Place::Query, name)),
            Self::Form(name) if !carrier::is_json(request) => Some((Place::Body, name)),
            Self::Param(name) => Some((Place::of(request), name)),
            _ => None,
        }
    }
}

/// The items of a list header but for one.
fn header_without(request: &RawRequest, header: &'static str, item: &str) -> Option<String> {
    let list = Slot::Header(header).get(request)?;
    let is_item = |part: &str| part.strip_prefix(item).is_some_and(|rest| rest.starts_with('='));
    Some(list.split(',').filter(|part| !is_item(part)).collect::<Vec<_>>().join(","))
}

fn form_json(request: &RawRequest, form: &'static str) -> Option<Value> {
    carrier::json(&STANDARD.decode(Slot::Form(form).get(request)?).ok()?)
}

fn json_text(json: &Value, pointer: &str) -> Option<String> {
    match json.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn parent<'a>(json: &'a mut Value, pointer: &str) -> Option<(&'a mut Value, String)> {
    let (parent, last) = pointer.rsplit_once('/')?;
    Some((json.pointer_mut(parent)?, last.to_owned()))
}

fn set_at(json: &mut Value, pointer: &str, value: &str, as_text: bool) -> Option<()> {
    let number = |old: Option<&Value>| old.is_some_and(Value::is_number) && !as_text;
    let new = |old: Option<&Value>| match serde_json::from_str::<Value>(value) {
        Ok(literal) if number(old) => literal,
        _ => Value::String(value.to_owned()),
    };
    match parent(json, pointer)? {
        (Value::Object(map), key) => {
            let new = new(map.get(&key));
            map.insert(key, new);
        }
        (Value::Array(items), at) => {
            let item = items.get_mut(at.parse::<usize>().ok()?)?;
            *item = new(Some(item));
        }
        _ => return None,
    }
    Some(())
}

fn remove_at(json: &mut Value, pointer: &str) -> Option<Value> {
    match parent(json, pointer)? {
        (Value::Object(map), key) => map.remove(&key),
        (Value::Array(items), at) => {
            let at = at.parse::<usize>().ok()?;
            (at < items.len()).then(|| items.remove(at))
        }
        _ => None,
    }
}
