//! Row 34: the borders between names and values are moved.
//!
//! Where names and values are joined without being encoded, two requests can share one signed text. So every request
//! here is one whose signed text is, for one or another way of joining, that of the genuine request.

use channel::RawRequest;
use serde_json::{Map, Value};

use crate::{
    Report,
    carrier::{self, Place},
    run::{Genuine, Run},
};

/// What may stand between a name and its value, and between two fields.
const JOINS: &[(&str, &str)] =
    &[("=", "&"), ("", ""), ("=", ""), ("=", ","), ("=", "\n"), (",", ","), ("|", "|")];
/// How far apart two fields may be that are neighbours in the signed text: what stands between them is not signed.
const APART_MAX: usize = 3;
/// How many bytes are moved at most.
const MOVED_MAX: usize = 24;

/// A field of a form, a query or the outermost JSON object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Field {
    name: Vec<u8>,
    value: Vec<u8>,
    /// Whether the value stands in JSON as it is here, without quotes.
    literal: bool,
}

/// Row 34, for the query and the body.
pub(crate) fn moved(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>) {
    let request = &one.case.request;
    for place in [Place::Query, Place::Body] {
        let mut fields = read(place, request);
        fields.sort();
        for (what, changed) in swallowed(&fields).into_iter().chain(shifted(&fields)) {
            run.must_be_harmless(report, 34, one, what, &written(place, request, &changed));
        }
    }
}

/// One field becomes a part of its neighbour: of the value before it, or of the name behind it.
fn swallowed(fields: &[Field]) -> Vec<(&'static str, Vec<Field>)> {
    let mut all = Vec::new();
    for (first, second) in neighbours(fields) {
        let (left, right) = (&fields[first], &fields[second]);
        for (pair, between) in JOINS {
            let (pair, between) = (pair.as_bytes(), between.as_bytes());
            let mut by_value = fields.to_vec();
            by_value[first].value = [&left.value, between, &right.name, pair, &right.value].concat();
            by_value[first].literal = false;
            by_value.remove(second);
            all.push(("swallowed by a value", by_value));
            let mut by_name = fields.to_vec();
            by_name[second].name = [&left.name, pair, &left.value, between, &right.name].concat();
            by_name.remove(first);
            all.push(("swallowed by a name", by_name));
        }
    }
    all
}

/// Some bytes change sides: between a name and its value, and between a value and the name behind it.
fn shifted(fields: &[Field]) -> Vec<(&'static str, Vec<Field>)> {
    let mut all = Vec::new();
    let mut push = |what, at: usize, change: &dyn Fn(&mut [Field])| {
        let mut changed = fields.to_vec();
        change(&mut changed[at..]);
        if changed != fields {
            all.push((what, changed));
        }
    };
    for count in 1..=MOVED_MAX {
        for at in 0..fields.len() {
            push("shifted into the value", at, &|rest| {
                let Field { name, value, .. } = &mut rest[0];
                to_the_right(name, value, count);
            });
            push("shifted into the name", at, &|rest| {
                let Field { name, value, .. } = &mut rest[0];
                to_the_left(name, value, count);
            });
        }
        for (first, second) in neighbours(fields) {
            let right = second - first;
            push("shifted into the name behind", first, &|rest| {
                let (left, others) = rest.split_at_mut(right);
                to_the_right(&mut left[0].value, &mut others[0].name, count);
            });
            push("shifted into the value before", first, &|rest| {
                let (left, others) = rest.split_at_mut(right);
                to_the_left(&mut left[0].value, &mut others[0].name, count);
            });
        }
    }
    all
}

fn neighbours(fields: &[Field]) -> impl Iterator<Item = (usize, usize)> {
    let total = fields.len();
    (0..total).flat_map(move |first| {
        (first + 1..total.min(first + 1 + APART_MAX)).map(move |second| (first, second))
    })
}

/// Moves the last `count` bytes of one to the front of the other, if it has so many.
fn to_the_right(from: &mut Vec<u8>, to: &mut Vec<u8>, count: usize) {
    if let Some(at) = from.len().checked_sub(count) {
        let moved = from.split_off(at);
        to.splice(0..0, moved);
    }
}

/// Moves the first `count` bytes of the second to the end of the first, if it has so many.
fn to_the_left(to: &mut Vec<u8>, from: &mut Vec<u8>, count: usize) {
    if from.len() >= count {
        to.extend(from.drain(..count));
    }
}

fn read(place: Place, request: &RawRequest) -> Vec<Field> {
    if place == Place::Body && carrier::is_json(request) {
        let Some(Value::Object(map)) = carrier::json(&request.body) else { return Vec::new() };
        let field = |(name, value): (&String, &Value)| match value {
            Value::String(text) => {
                Field { name: name.clone().into(), value: text.clone().into(), literal: false }
            }
            other => Field { name: name.clone().into(), value: other.to_string().into(), literal: true },
        };
        return map.iter().map(field).collect();
    }
    let pairs = carrier::pairs(place.bytes(request));
    pairs.into_iter().map(|(name, value)| Field { name, value, literal: false }).collect()
}

fn written(place: Place, request: &RawRequest, fields: &[Field]) -> RawRequest {
    let bytes = if place == Place::Body && carrier::is_json(request) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let value = |field: &Field| match carrier::json(&field.value) {
            Some(literal) if field.literal => literal,
            _ => Value::String(text(&field.value)),
        };
        let map: Map<String, Value> = fields.iter().map(|field| (text(&field.name), value(field))).collect();
        Value::Object(map).to_string().into_bytes()
    } else {
        let pairs: Vec<carrier::Pair> =
            fields.iter().map(|field| (field.name.clone(), field.value.clone())).collect();
        carrier::join(&pairs)
    };
    let mut changed = request.clone();
    place.put(&mut changed, bytes);
    changed
}
