//! Renewing the access token.

use channel::{CallOutcome, OutboundRequest, Renew, Response, Unable};
use serde::Deserialize;
use serde_json::Value;
use vocabulary::{Secret, Timestamp};

use crate::{
    api::{Parts, unreadable},
    settings::Settings,
    wire::Text,
};

/// How long before its end a token is renewed, in seconds.
const AHEAD_SECS: i64 = 3_600;

#[derive(Deserialize)]
struct Renewed {
    access_token: Secret<String>,
    refresh_token: Secret<String>,
    expires_at: i64,
    owner_id: Text,
}

impl Renew for Settings {
    fn due_at(&self) -> Option<Timestamp> {
        self.token_expires_at.map(|at| at.plus_secs(-AHEAD_SECS))
    }

    fn request(&self, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let token = self.refresh_token.as_ref().ok_or(Unable("no_refresh_token"))?;
        let params = vec![("refresh_token", token.expose().clone())];
        Ok(self.app_call("pdd.pop.auth.token.refresh", params, now))
    }

    fn interpret(&self, response: Response<'_>, now: Timestamp) -> CallOutcome<Secret<String>> {
        let renewed = Parts::of(response).and_then(|parts| parts.part("pop_auth_token_refresh_response"));
        let renewed: Renewed = match renewed {
            Ok(renewed) => renewed,
            Err(outcome) => return outcome,
        };
        if renewed.owner_id.0 != self.mall_id.to_string() {
            return CallOutcome::Refused { code: "token_of_another_shop".into() };
        }
        if renewed.expires_at <= now.secs() {
            return unreadable();
        }
        let Ok(Value::Object(mut settings)) = serde_json::from_str(self.entered.expose()) else {
            return unreadable();
        };
        settings.insert("access_token".to_owned(), renewed.access_token.expose().as_str().into());
        settings.insert("refresh_token".to_owned(), renewed.refresh_token.expose().as_str().into());
        settings.insert("token_expires_at".to_owned(), renewed.expires_at.into());
        let text = Secret::new(Value::Object(settings).to_string());
        // What could not be connected with must not replace what can.
        if Self::read(text.expose()).is_err() { unreadable() } else { CallOutcome::Done(text) }
    }
}
