//! The access token, which lasts some hours and is fetched with the client's id and secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{CallOutcome, OutboundRequest, Renew, Response, Unable, strict_json};
use serde::Deserialize;
use serde_json::{Map, Value};
use vocabulary::{Secret, Timestamp};

use crate::{answer::unknown, settings::Settings};

/// How long before its end a token is renewed, in seconds.
const EARLY_SECS: i64 = 600;

#[derive(Deserialize)]
struct Token {
    access_token: Secret<String>,
    /// Seconds.
    expires_in: u32,
}

impl Renew for Settings {
    fn due_at(&self) -> Option<Timestamp> {
        let at_once = Timestamp::from_secs(0);
        Some(self.access_token_ends_at.map_or(at_once, |ends_at| ends_at.plus_secs(-EARLY_SECS)))
    }

    fn request(&self, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let credentials = format!("{}:{}", self.client_id, self.client_secret.expose());
        let headers = [
            ("authorization", format!("Basic {}", STANDARD.encode(credentials))),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ];
        Ok(OutboundRequest {
            method: "POST",
            url: format!("{}/v1/oauth2/token", self.base_url),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            body: b"grant_type=client_credentials".to_vec(),
        })
    }

    fn interpret(&self, response: Response<'_>, now: Timestamp) -> CallOutcome<Secret<String>> {
        if let Some(outcome) = CallOutcome::from_transport(response) {
            return outcome;
        }
        let Ok(response) = response else { return unknown("no_answer") };
        if response.status != 200 {
            return CallOutcome::Refused { code: format!("http_{}", response.status) };
        }
        let token: Token = match strict_json::from_slice(&response.body) {
            Ok(token) => token,
            Err(_) => return unknown("unreadable_answer"),
        };
        let mut settings: Map<String, Value> = match serde_json::from_str(self.text.expose()) {
            Ok(settings) => settings,
            Err(_) => return unknown("unreadable_settings"),
        };
        let ends_at = now.plus_secs(i64::from(token.expires_in));
        settings.insert("access_token".to_owned(), token.access_token.expose().as_str().into());
        settings.insert("access_token_ends_at".to_owned(), ends_at.to_string().into());
        let text = Value::Object(settings).to_string();
        // A token that the settings do not take would lock the account out.
        match Self::read(&text) {
            Ok(_) => CallOutcome::Done(Secret::new(text)),
            Err(_) => unknown("unusable_token"),
        }
    }
}
