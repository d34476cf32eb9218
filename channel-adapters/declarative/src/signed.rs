//! Who speaks: the signed text as the recipe puts it together, the comparison, and the clock.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    Proof, RawRequest, Refusal, Step,
    legacy_sign::{md5_hex, sha1_hex},
    sign,
};
use chrono::NaiveDateTime;
use vocabulary::{Secret, Timestamp};

use crate::{
    message::{Message, Pair},
    place::Place,
    recipe::{Algorithm, BodyPart, Case, Encoding, Ordered, Part, Recipe, Sorted, Source, TimeUnit},
    settings::Settings,
};

const BEIJING_SECS: i64 = 8 * 3_600;

/// For whom the signed text is put together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// To be digested: with the secrets.
    Digest,
    /// To be shown to people: `***` for each secret.
    People,
    /// To tell messages apart: without secrets, and without the time, which a repeat has anew.
    Identity,
}

/// Checks that a request comes from the platform.
pub(crate) fn verify(settings: &Settings, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
    let recipe = &settings.recipe;
    let message = Message::of(recipe, request, reads_json(recipe))?;
    let bad = |code, detail| Refusal::new(Step::Signature, code, detail);
    let signature = &recipe.signature;
    let given = message.value(&signature.at)?;
    if given.is_empty() {
        return Err(bad("missing_sign", "the signature"));
    }
    for (place, expected) in &signature.labels {
        if message.value(place)? != *expected {
            return Err(bad("unsupported_signature_type", "a label of the signature"));
        }
    }
    if is_ambiguous(recipe, &message)? {
        return Err(bad("ambiguous_value", "a value reads as a border between values"));
    }
    let text = Secret::new(text(settings, &message, For::Digest)?);
    let proof = sign::digest_matches(&digest(settings, text.expose()), &in_case(recipe, given))?;
    if let Some(time) = &recipe.time {
        sign::check_time(read_time(time.unit, &message.value(&time.at)?)?, now, time.tolerance_secs)?;
    }
    Ok(proof)
}

/// What a request's signature is made over, as people may see it.
pub(crate) fn shown(settings: &Settings, request: &RawRequest) -> Option<String> {
    let message = Message::of(&settings.recipe, request, reads_json(&settings.recipe)).ok()?;
    text(settings, &message, For::People).ok()
}

/// What tells a message apart whose meaning the recipe does not know.
pub(crate) fn identity(settings: &Settings, message: &Message<'_>) -> Result<String, Refusal> {
    text(settings, message, For::Identity)
}

/// Whether the signature itself is made over fields of a JSON body.
fn reads_json(recipe: &Recipe) -> bool {
    let is_json = |place: &Place| matches!(place, Place::Json(_));
    let signature = &recipe.signature;
    let by_time = recipe.time.as_ref().is_some_and(|time| is_json(&time.at));
    is_json(&signature.at)
        || by_time
        || signature.labels.keys().any(is_json)
        || signature.text.iter().any(|part| match part {
            Part::Value(place) => is_json(place),
            Part::Values(ordered) => ordered.of.iter().any(is_json),
            Part::Fields(sorted) => sorted.of == Source::Json,
            _ => false,
        })
}

fn text(settings: &Settings, message: &Message<'_>, reader: For) -> Result<String, Refusal> {
    let time = settings.recipe.time.as_ref().map(|time| &time.at).filter(|_| reader == For::Identity);
    let value = |place: &Place| if Some(place) == time { Ok(String::new()) } else { message.value(place) };
    let mut out = String::new();
    for part in &settings.recipe.signature.text {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Setting(name) => out.push_str(settings.values.get(name).map_or("", String::as_str)),
            Part::Secret(name) => match reader {
                For::Digest => out.push_str(settings.secrets.get(name).map_or("", |it| it.expose())),
                For::People => out.push_str("***"),
                For::Identity => {}
            },
            Part::Value(place) => out.push_str(&value(place)?),
            Part::Method => out.push_str(&message.request().method),
            Part::Topic => out.push_str(&message.request().topic),
            Part::Body(part) => out.push_str(&body(*part, message, reader)?),
            Part::Fields(sorted) => out.push_str(&fields(sorted, message, time)),
            Part::Values(ordered) => {
                let named = |place: &Place| match &ordered.pair {
                    Some(pair) => Ok(format!("{}{pair}{}", place.name(), value(place)?)),
                    None => value(place),
                };
                let parts: Vec<String> = ordered.of.iter().map(named).collect::<Result<_, _>>()?;
                out.push_str(&parts.join(&ordered.between));
            }
        }
    }
    Ok(out)
}

fn body(part: BodyPart, message: &Message<'_>, reader: For) -> Result<String, Refusal> {
    let bytes = &message.request().body;
    match part {
        BodyPart::Md5 if reader != For::Identity => Ok(md5_hex(bytes)),
        BodyPart::Sha256 if reader != For::Identity => Ok(hex::encode(sign::sha256(bytes))),
        _ => String::from_utf8(bytes.clone())
            .map_err(|_| Refusal::new(Step::Format, "malformed_body", "not UTF-8")),
    }
}

fn fields(sorted: &Sorted, message: &Message<'_>, time: Option<&Place>) -> String {
    let is_time = |name: &str| time.is_some_and(|time| time.name() == name);
    let mut kept: Vec<Pair> = message.fields(sorted.of);
    kept.retain(|(name, value)| {
        let left_out = sorted.except.contains(name) || (sorted.skip_empty && value.is_empty());
        !left_out && !is_time(name)
    });
    kept.sort();
    joined(sorted, &kept)
}

fn joined(sorted: &Sorted, fields: &[Pair]) -> String {
    let parts: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}{}{value}", sorted.pair)).collect();
    parts.join(&sorted.between)
}

/// Whether a value or a name holds what reads as a border: then two messages would share a signature, and the one
/// that swallowed a field is refused.
fn is_ambiguous(recipe: &Recipe, message: &Message<'_>) -> Result<bool, Refusal> {
    let parts = &recipe.signature.text;
    let borders: Vec<&str> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) if !text.is_empty() => Some(text.as_str()),
            _ => None,
        })
        .collect();
    for part in parts {
        let found = match part {
            Part::Value(place) => {
                let value = message.value(place)?;
                borders.iter().any(|border| value.contains(border))
            }
            Part::Values(ordered) => swallows_a_value(ordered, &borders, message)?,
            Part::Fields(sorted) => {
                let (fields, known) = (message.fields(sorted.of), known_names(recipe));
                let swallowed = |(_, value): &Pair| swallows_a_field(sorted, &known, value);
                fields.iter().any(swallowed) || names_hold_borders(sorted, &known, fields)
            }
            _ => false,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn swallows_a_value(ordered: &Ordered, borders: &[&str], message: &Message<'_>) -> Result<bool, Refusal> {
    for place in &ordered.of {
        let value = message.value(place)?;
        let between = !ordered.between.is_empty() && value.contains(&ordered.between);
        if between || borders.iter().any(|border| value.contains(border)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A value may hold the separator ("Tom & Jerry"), but not the separator, a known name and the sign behind it.
fn swallows_a_field(sorted: &Sorted, known: &[&str], value: &str) -> bool {
    known.iter().any(|name| value.contains(&format!("{}{name}{}", sorted.between, sorted.pair)))
}

/// A name that holds what ends a name swallowed a field. Where nothing stands between fields, a name can also be
/// dissolved by moving some of its bytes; then it still stands in the joined text, but not as a name.
fn names_hold_borders(sorted: &Sorted, known: &[&str], mut fields: Vec<Pair>) -> bool {
    let borders = [&sorted.pair, &sorted.between];
    let in_name =
        |name: &str| borders.iter().any(|border| !border.is_empty() && name.contains(border.as_str()));
    if fields.iter().any(|(name, _)| in_name(name)) {
        return true;
    }
    fields.retain(|(name, value)| {
        let left_out = sorted.except.contains(name) || (sorted.skip_empty && value.is_empty());
        !left_out
    });
    fields.sort();
    let whole = joined(sorted, &fields);
    let dissolved = |known: &&str| {
        let name = format!("{known}{}", sorted.pair);
        let as_names = fields.iter().map(|(own, _)| format!("{own}{}", sorted.pair).matches(&name).count());
        whole.matches(&name).count() != as_names.sum::<usize>()
    };
    (sorted.between.is_empty() || sorted.pair.is_empty())
        && known.iter().filter(|name| !name.is_empty()).any(dissolved)
}

/// The names that mean something to this recipe.
fn known_names(recipe: &Recipe) -> Vec<&str> {
    let signature = &recipe.signature;
    let mut known: Vec<&str> = vec![signature.at.name()];
    known.extend(signature.labels.keys().chain(recipe.require.keys()).map(Place::name));
    known.extend(recipe.time.iter().map(|time| time.at.name()).chain(recipe.kind.iter().map(Place::name)));
    known.extend(recipe.messages.iter().flat_map(|rule| rule.places()).map(Place::name));
    known
}

/// The digest as the platform writes it.
fn digest(settings: &Settings, text: &str) -> String {
    let signature = &settings.recipe.signature;
    let hexed = match signature.algorithm {
        Algorithm::Md5 => md5_hex(text.as_bytes()),
        Algorithm::Sha1 => sha1_hex(text.as_bytes()),
        Algorithm::Sha256 => hex::encode(sign::sha256(text.as_bytes())),
        Algorithm::HmacSha256 => {
            let key = signature.key.as_ref().and_then(|name| settings.secrets.get(name));
            match key {
                Some(key) => hex::encode(sign::hmac_sha256(key.expose().as_bytes(), text.as_bytes())),
                // Nothing matches an empty digest.
                None => return String::new(),
            }
        }
    };
    match (signature.encoding, signature.case) {
        (Encoding::Base64, _) => hex::decode(hexed).map(|bytes| STANDARD.encode(bytes)).unwrap_or_default(),
        (Encoding::Hex, Case::Upper) => hexed.to_ascii_uppercase(),
        (Encoding::Hex, _) => hexed,
    }
}

fn in_case(recipe: &Recipe, given: String) -> String {
    let signature = &recipe.signature;
    match (signature.encoding, signature.case) {
        (Encoding::Hex, Case::Any) => given.to_ascii_lowercase(),
        _ => given,
    }
}

fn read_time(unit: TimeUnit, text: &str) -> Result<Timestamp, Refusal> {
    let malformed = Refusal::new(Step::Time, "malformed_timestamp", "the signed time");
    match unit {
        TimeUnit::Seconds => sign::unix_seconds(text),
        TimeUnit::Millis => {
            let plain = text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit());
            let millis = text.parse::<i64>().ok().filter(|_| plain).ok_or(malformed)?;
            Ok(Timestamp::from_micros(millis * 1_000))
        }
        TimeUnit::Beijing => {
            let layout = if text.len() == 14 { "%Y%m%d%H%M%S" } else { "%Y-%m-%d %H:%M:%S" };
            let local = NaiveDateTime::parse_from_str(text, layout).map_err(|_| malformed.clone())?;
            // What is written otherwise than it would be written again is not that layout.
            if local.format(layout).to_string() != text {
                return Err(malformed);
            }
            Ok(Timestamp::from_secs(local.and_utc().timestamp() - BEIJING_SECS))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(pair: &str, between: &str) -> Sorted {
        let (pair, between) = (pair.to_owned(), between.to_owned());
        Sorted { of: Source::Form, except: vec!["sign".to_owned()], skip_empty: true, pair, between }
    }

    fn holds_borders(sorted: &Sorted, fields: &[(&str, &str)]) -> bool {
        let fields = fields.iter().map(|(name, value)| (String::from(*name), String::from(*value))).collect();
        names_hold_borders(sorted, &["order", "refunded", "sign"], fields)
    }

    #[test]
    fn a_name_that_swallowed_a_field_is_ambiguous() {
        let plain = sorted("=", "&");
        assert!(!holds_borders(&plain, &[("order", "A-1"), ("refunded", "1"), ("sign", "order=1")]));
        assert!(holds_borders(&plain, &[("order=A-1&refunded", "1")]));
        assert!(holds_borders(&plain, &[("order", "A-1"), ("refunded=", "1")]));
    }

    #[test]
    fn a_name_whose_bytes_were_moved_is_ambiguous_where_nothing_stands_between() {
        let bare = sorted("", "");
        assert!(!holds_borders(&bare, &[("order", "A-1"), ("refunded", "1"), ("sign", "order")]));
        for moved in [
            [("order", "A-1"), ("refunde", "d1")],
            [("order", "A-1"), ("refunded1", "")],
            [("order", "A-1ref"), ("unded", "1")],
            [("orde", "rA-1"), ("refunded", "1")],
        ] {
            let refused = holds_borders(&bare, &moved);
            // What has no value takes no part in the text, and so no other text is like it.
            assert_eq!(refused, !moved[1].1.is_empty(), "{moved:?}");
        }
        assert!(holds_borders(&sorted("=", ""), &[("order", "A-1refunded=1")]));
    }

    #[test]
    fn times_are_read_in_the_recipes_unit_and_no_other() {
        let read = |unit, text| read_time(unit, text).map(Timestamp::secs).ok();
        assert_eq!(read(TimeUnit::Seconds, "1767322800"), Some(1_767_322_800));
        assert_eq!(read(TimeUnit::Millis, "1767322800000"), Some(1_767_322_800));
        assert_eq!(read(TimeUnit::Beijing, "2026-01-02 11:00:00"), Some(1_767_322_800));
        assert_eq!(read(TimeUnit::Beijing, "20260102110000"), Some(1_767_322_800));
        for text in ["", "1767322800000", "-1"] {
            assert_eq!(read(TimeUnit::Seconds, text), None, "{text}");
        }
        assert_eq!(read(TimeUnit::Millis, "1767322800"), None);
        for text in ["2026-1-2 11:00:00", "2026-02-30 00:00:00", "1767322800"] {
            assert_eq!(read(TimeUnit::Beijing, text), None, "{text}");
        }
    }
}
