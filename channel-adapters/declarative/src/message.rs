//! A request whose values can be read by place.

use std::collections::BTreeMap;

use channel::{RawRequest, Refusal, Step, strict_json};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::{
    place::Place,
    recipe::{BodyForm, Recipe, Source},
};

/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// A name and a value.
pub(crate) type Pair = (String, String);

/// A request, split into its fields.
pub(crate) struct Message<'a> {
    request: &'a RawRequest,
    query: Vec<Pair>,
    form: Vec<Pair>,
    /// The body, where it was found to be JSON.
    json: Option<&'a str>,
}

impl<'a> Message<'a> {
    /// Splits a request. A JSON body is looked at only if `with_json`: what is not verified is not parsed unless
    /// the signature itself is made over its fields.
    pub(crate) fn of(recipe: &Recipe, request: &'a RawRequest, with_json: bool) -> Result<Self, Refusal> {
        if request.body.len() > BODY_BYTES_MAX {
            return Err(Refusal::new(Step::Size, "body_too_large", "body"));
        }
        if !recipe.methods.contains(&request.method) {
            return Err(Refusal::new(Step::Format, "wrong_method", "method"));
        }
        let form = match recipe.body {
            BodyForm::Form if request.method != "GET" => request.form()?,
            _ => Vec::new(),
        };
        let json = match recipe.body {
            BodyForm::Json if with_json => Some(json_text(&request.body)?),
            _ => None,
        };
        Ok(Self { request, query: request.query_pairs()?, form, json })
    }

    /// The request as it came.
    pub(crate) fn request(&self) -> &RawRequest {
        self.request
    }

    /// The value at a place; empty where there is none. A header that is repeated or no text is an error.
    pub(crate) fn value(&self, place: &Place) -> Result<String, Refusal> {
        let of = |pairs: &[Pair], name: &str| {
            pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        Ok(match place {
            Place::Query(name) => of(&self.query, name),
            Place::Form(name) => of(&self.form, name),
            Place::Param(name) => of(self.params(), name),
            Place::Topic => self.request.topic.clone(),
            Place::Header(name) => self.header(name)?,
            Place::Json(pointer) => self.json.and_then(|text| scalar(at(text, pointer)?)).unwrap_or_default(),
        })
    }

    /// All fields of a source.
    pub(crate) fn fields(&self, source: Source) -> Vec<Pair> {
        match source {
            Source::Query => self.query.clone(),
            Source::Form => self.form.clone(),
            Source::Param => self.params().to_vec(),
            Source::Json => {
                let object = self.json.and_then(|text| serde_json::from_str::<Object<'_>>(text).ok());
                let field = |(name, value): (String, &RawValue)| Some((name, scalar(value.get())?));
                object.into_iter().flatten().filter_map(field).collect()
            }
        }
    }

    fn params(&self) -> &[Pair] {
        if self.request.method == "GET" { &self.query } else { &self.form }
    }

    fn header(&self, name: &str) -> Result<String, Refusal> {
        let mut values = self.request.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let Some((_, value)) = values.next() else { return Ok(String::new()) };
        if values.next().is_some() {
            return Err(Refusal::new(Step::Signature, "repeated_header", "a header of the recipe"));
        }
        String::from_utf8(value.clone())
            .map_err(|_| Refusal::new(Step::Signature, "malformed_header", "a header of the recipe"))
    }
}

/// An object's members as they are written: an amount must not pass through a float.
type Object<'a> = BTreeMap<String, &'a RawValue>;

fn json_text(body: &[u8]) -> Result<&str, Refusal> {
    let text =
        std::str::from_utf8(body).map_err(|_| Refusal::new(Step::Format, "malformed_json", "not UTF-8"))?;
    strict_json::from_slice::<IgnoredAny>(body)?;
    Ok(text)
}

/// The JSON text at a pointer.
fn at<'a>(text: &'a str, pointer: &str) -> Option<&'a str> {
    let mut found = text.trim();
    for step in pointer.split('/').skip(1) {
        found = match found.as_bytes().first()? {
            b'{' => serde_json::from_str::<Object<'_>>(found).ok()?.get(step)?.get(),
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(found).ok()?;
                items.get(step.parse::<usize>().ok()?)?.get()
            }
            _ => return None,
        };
    }
    Some(found)
}

/// A text, number or truth value; nothing for null, lists and objects.
fn scalar(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(json.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_values_are_read_as_they_are_written() {
        let text = r#"{"a":{"b":[1,{"c":28.80}]},"t":"x\u0079","n":null,"y":true}"#;
        let read = |pointer: &str| at(text, pointer).and_then(scalar);
        assert_eq!(read("/a/b/1/c").as_deref(), Some("28.80"));
        assert_eq!(read("/t").as_deref(), Some("xy"));
        assert_eq!(read("/y").as_deref(), Some("true"));
        for missing in ["/n", "/a", "/a/b/7", "/a/b/x", "/t/u", "/zz"] {
            assert_eq!(read(missing), None, "{missing}");
        }
    }
}
