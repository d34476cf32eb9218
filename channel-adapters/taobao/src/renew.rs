//! Renewing the session.

use channel::{CallOutcome, OutboundRequest, Renew, Response, Unable};
use serde::Deserialize;
use serde_json::Value;
use vocabulary::{Secret, Timestamp};

use crate::{
    api::{Parts, either, refused, unreadable},
    settings::Settings,
    wire::Text,
};

/// How long before its end a session is renewed, in seconds.
const AHEAD_SECS: i64 = 86_400;

#[derive(Deserialize)]
struct Answer {
    /// JSON in a text.
    token_result: Secret<String>,
}

#[derive(Deserialize)]
struct Renewed {
    access_token: Secret<String>,
    refresh_token: Secret<String>,
    /// Unix milliseconds.
    expire_time: i64,
    #[serde(default)]
    taobao_user_id: Text,
}

impl Renew for Settings {
    fn due_at(&self) -> Option<Timestamp> {
        self.token_expires_at.map(|at| at.plus_secs(-AHEAD_SECS))
    }

    fn request(&self, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let token = self.refresh_token.as_ref().ok_or(Unable("no_refresh_token"))?;
        let params = vec![("refresh_token", token.expose().clone())];
        Ok(self.app_call("taobao.top.auth.token.refresh", params, now))
    }

    fn interpret(&self, response: Response<'_>, now: Timestamp) -> CallOutcome<Secret<String>> {
        either(Parts::of(response).and_then(|parts| {
            let Answer { token_result } = parts.part("top_auth_token_refresh_response")?;
            let renewed: Renewed = serde_json::from_str(token_result.expose()).map_err(|_| unreadable())?;
            let owner = renewed.taobao_user_id.0.as_str();
            if !owner.is_empty() && owner != self.seller_id.to_string() {
                return Err(refused("token_of_another_shop"));
            }
            self.renewed(&renewed, now).map(CallOutcome::Done).ok_or_else(unreadable)
        }))
    }
}

impl Settings {
    fn renewed(&self, renewed: &Renewed, now: Timestamp) -> Option<Secret<String>> {
        let expires_at = Some(renewed.expire_time / 1_000).filter(|at| *at > now.secs())?;
        let Ok(Value::Object(mut settings)) = serde_json::from_str(self.entered.expose()) else {
            return None;
        };
        settings.insert("session".to_owned(), renewed.access_token.expose().as_str().into());
        settings.insert("refresh_token".to_owned(), renewed.refresh_token.expose().as_str().into());
        settings.insert("token_expires_at".to_owned(), expires_at.into());
        let text = Secret::new(Value::Object(settings).to_string());
        // What could not be connected with must not replace what can.
        Self::read(text.expose()).ok().map(|_| text)
    }
}
