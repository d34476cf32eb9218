//! The access token, renewed half a day before it runs out.

use channel::{CallOutcome, OutboundRequest, Renew, Response, Unable};
use serde::Deserialize;
use serde_json::{Map, Value};
use vocabulary::{Secret, Timestamp};

use crate::{
    call::{accepted, form, form_post, unreadable},
    settings::Settings,
};

/// How long before its end a token is renewed; it lives two days.
const AHEAD_SECS: i64 = 43_200;

/// Not in an envelope: the values stand beside `result`.
#[derive(Deserialize)]
struct Renewed {
    access_token: Secret<String>,
    refresh_token: Secret<String>,
    /// Seconds.
    expires_in: i64,
}

impl Renew for Settings {
    fn due_at(&self) -> Option<Timestamp> {
        self.renewal.as_ref().map(|renewal| renewal.expires_at.plus_secs(-AHEAD_SECS))
    }

    fn request(&self, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let renewal = self.renewal.as_ref().ok_or(Unable("no_refresh_token"))?;
        let form = form(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", renewal.refresh_token.expose()),
            ("app_id", &self.app_key),
            ("app_secret", self.app_secret.expose()),
        ]);
        Ok(form_post(format!("{}/oauth2/refresh_token", self.base_url), form))
    }

    fn interpret(&self, response: Response<'_>, now: Timestamp) -> CallOutcome<Secret<String>> {
        let body = match accepted(response) {
            Ok(body) => body,
            Err(outcome) => return outcome,
        };
        let Ok(renewed) = serde_json::from_slice::<Renewed>(body) else { return unreadable() };
        let Ok(mut entered) = serde_json::from_str::<Map<String, Value>>(self.text.expose()) else {
            return unreadable();
        };
        let expires_at = now.secs().saturating_add(renewed.expires_in);
        entered.insert("access_token".into(), renewed.access_token.expose().as_str().into());
        entered.insert("refresh_token".into(), renewed.refresh_token.expose().as_str().into());
        entered.insert("token_expires_at".into(), expires_at.into());
        let text = Value::Object(entered).to_string();
        // A token that is over already, or cannot be used, must not replace one that can.
        if renewed.expires_in < 1 || !self.could_be(&text) {
            return unreadable();
        }
        CallOutcome::Done(Secret::new(text))
    }
}
