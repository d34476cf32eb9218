//! Who uses the shop's Mini App: the launch data that Telegram signs with the bot's token. For hosts that show a buyer
//! their orders there; updates do not need it.

use channel::{
    Proof, Refusal, Step,
    sign::{check_time, hmac_sha256, hmac_sha256_matches, unix_seconds},
};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use vocabulary::{Secret, Timestamp};

/// A user of the Mini App.
#[derive(Debug)]
pub struct MiniAppUser {
    /// The user's number at Telegram, which is also that of their private chat.
    pub id: i64,
    /// That Telegram says so.
    pub proof: Proof,
}

#[derive(Deserialize)]
struct User {
    id: i64,
}

/// Checks launch data (`initData`, a query string) that is at most `max_age_secs` old; an hour is advised. All pairs
/// but `hash` are signed, `signature` included.
pub fn mini_app_user(
    bot_token: &Secret<String>,
    init_data: &str,
    max_age_secs: i64,
    now: Timestamp,
) -> Result<MiniAppUser, Refusal> {
    let mut pairs = pairs(init_data)?;
    let value = |pairs: &[(String, String)], name: &str| {
        pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let hash = bytes_of_hex(&value(&pairs, "hash")).ok_or(Refusal::new(
        Step::Signature,
        "bad_signature",
        "hash is no hex",
    ))?;
    pairs.retain(|(name, _)| name != "hash");
    pairs.sort();
    let lines: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let key = Secret::new(hmac_sha256(b"WebAppData", bot_token.expose().as_bytes()));
    let proof = hmac_sha256_matches(&[key.expose()], lines.join("\n").as_bytes(), &[hash])?;
    check_time(unix_seconds(&value(&pairs, "auth_date"))?, now, max_age_secs)?;
    let user: User = serde_json::from_str(&value(&pairs, "user"))
        .map_err(|_| Refusal::new(Step::Meaning, "invalid_field", "user"))?;
    Ok(MiniAppUser { id: user.id, proof })
}

fn pairs(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let malformed = Refusal::new(Step::Format, "malformed_form", "init data");
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().map(|text| text.into_owned()).map_err(|_| malformed.clone())
    };
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()).take(64) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        // A line of its own inside a value would be read as another pair, and so would a name that ends early.
        if pairs.iter().any(|(n, _)| *n == name) || name.contains(['\n', '=']) || value.contains('\n') {
            return Err(malformed);
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap_or(0)).collect())
}
