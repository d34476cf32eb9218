//! One line of a key file: its fields, and the key they make.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::Deserialize;
use vocabulary::{CardKey, Secret};
use zeroize::Zeroize;

use super::LineError;
use crate::key_text::is_invisible;

/// What a line says, as it stands there.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
    #[serde(borrow, default)]
    pin: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    expires_on: Option<Cow<'a, str>>,
}

impl Fields<'_> {
    pub(super) fn into_key(mut self, wants_pin: bool) -> Result<CardKey, LineError> {
        let key = self.key(wants_pin);
        // Fields that had to be unescaped are copies of the key.
        for field in [Some(&mut self.code), self.pin.as_mut()].into_iter().flatten() {
            if let Cow::Owned(text) = field {
                text.zeroize();
            }
        }
        key
    }

    fn key(&self, wants_pin: bool) -> Result<CardKey, LineError> {
        let code = clean(&self.code)?.ok_or(LineError::MissingCode)?;
        let pin = self.pin.as_deref().map_or(Ok(None), clean)?;
        if wants_pin && pin.is_none() {
            return Err(LineError::MissingPin);
        }
        let day = self.expires_on.as_deref().map(str::trim).filter(|day| !day.is_empty());
        Ok(CardKey { code, pin, expires_on: day.map(date).transpose()? })
    }
}

/// A field without the white space around it; `None` when nothing is left.
fn clean(text: &str) -> Result<Option<Secret<String>>, LineError> {
    let text = text.trim();
    if text.chars().any(is_invisible) {
        return Err(LineError::ControlCharacter);
    }
    Ok(if text.is_empty() { None } else { Some(Secret::new(text.to_owned())) })
}

/// Exactly `yyyy-mm-dd`: the calendar's own parser would also take signs and single digits.
fn date(text: &str) -> Result<NaiveDate, LineError> {
    let shape =
        text.bytes().enumerate().all(|(n, b)| if n == 4 || n == 7 { b == b'-' } else { b.is_ascii_digit() });
    let day = if shape && text.len() == 10 { text.parse().ok() } else { None };
    day.ok_or(LineError::BadDate)
}

/// A line of plain text: the code, or a code and a pin with white space or a comma between them.
pub(super) fn text(line: &str, pair: bool) -> Result<Fields<'_>, LineError> {
    let line = line.trim();
    if !pair {
        return Ok(Fields { code: line.into(), ..Fields::default() });
    }
    let is_gap = |c: char| c == ',' || c.is_whitespace();
    let (code, rest) = line.split_once(is_gap).ok_or(LineError::MissingPin)?;
    let pin = rest.trim_start();
    // "code , pin" has one comma between its columns; a second one would make a third column.
    let pin = if line[code.len()..].starts_with(',') { pin } else { pin.strip_prefix(',').unwrap_or(pin) };
    let pin = pin.trim_start();
    if pin.contains(is_gap) {
        return Err(LineError::WrongColumns);
    }
    Ok(Fields { code: code.into(), pin: Some(pin.into()), expires_on: None })
}

/// A line of NDJSON. Unknown and repeated fields are refused: a mistyped `pin` must not be lost.
pub(super) fn json(line: &str) -> Result<Fields<'_>, LineError> {
    // The parser's own message may quote the line.
    serde_json::from_str(line).map_err(|_| LineError::BadJson)
}

/// Where a CSV file has its columns.
pub(super) struct Columns {
    count: usize,
    code: usize,
    pin: Option<usize>,
    expires_on: Option<usize>,
}

impl Columns {
    pub(super) fn from_header(line: &str) -> Result<Self, LineError> {
        let names = split(line)?;
        let (mut code, mut pin, mut expires_on) = (None, None, None);
        for (n, name) in names.iter().enumerate() {
            let column = match name.trim().to_ascii_lowercase().as_str() {
                "code" => &mut code,
                "pin" => &mut pin,
                "expires_on" => &mut expires_on,
                _ => return Err(LineError::BadHeader),
            };
            if column.replace(n).is_some() {
                return Err(LineError::BadHeader);
            }
        }
        Ok(Self { count: names.len(), code: code.ok_or(LineError::BadHeader)?, pin, expires_on })
    }

    pub(super) fn fields<'a>(&self, line: &'a str) -> Result<Fields<'a>, LineError> {
        let mut fields = split(line)?;
        if fields.len() != self.count {
            return Err(LineError::WrongColumns);
        }
        let mut take = |n: usize| std::mem::take(&mut fields[n]);
        Ok(Fields {
            code: take(self.code),
            pin: self.pin.map(&mut take),
            expires_on: self.expires_on.map(take),
        })
    }
}

/// The fields of a CSV line (RFC 4180). A quoted field may not span lines: no key has a line end in it.
fn split(line: &str) -> Result<Vec<Cow<'_, str>>, LineError> {
    let mut fields = Vec::with_capacity(3);
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                if field.contains('"') {
                    return Err(LineError::WrongColumns);
                }
                (field.into(), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err(LineError::WrongColumns),
        }
    }
}

/// The field up to its closing quotation mark, and what follows it. Two marks stand for one.
fn unquote(quoted: &str) -> Result<(Cow<'_, str>, &str), LineError> {
    let bytes = quoted.as_bytes();
    let mut end = 0;
    while end < bytes.len() {
        match (bytes[end], bytes.get(end + 1)) {
            (b'"', Some(b'"')) => end += 2,
            (b'"', _) => {
                let field = &quoted[..end];
                let field =
                    if field.contains('"') { field.replace("\"\"", "\"").into() } else { field.into() };
                return Ok((field, &quoted[end + 1..]));
            }
            _ => end += 1,
        }
    }
    Err(LineError::WrongColumns)
}
