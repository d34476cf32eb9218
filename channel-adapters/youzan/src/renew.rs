//! Renewing the access token.

use channel::{CallOutcome, OutboundRequest, Renew, Response, Unable};
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::{Secret, Timestamp};

use crate::{
    api::{data, either, post, read, refused, unreadable},
    settings::Settings,
    wire::Text,
};

/// How long before its end a token is renewed, in seconds; it lives seven days.
const AHEAD_SECS: i64 = 86_400;

#[derive(Deserialize)]
struct Renewed {
    access_token: Secret<String>,
    refresh_token: Option<Secret<String>>,
    /// When it ends, in Unix milliseconds.
    expires: i64,
    authority_id: Text,
}

impl Renew for Settings {
    fn due_at(&self) -> Option<Timestamp> {
        self.token_expires_at.map(|at| at.plus_secs(-AHEAD_SECS))
    }

    /// Self-used apps ask by the shop's number, apps that shops order by the refresh token.
    fn request(&self, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let mut body = json!({ "client_id": self.client_id, "client_secret": self.client_secret.expose() });
        match &self.refresh_token {
            Some(token) => {
                body["authorize_type"] = "refresh_token".into();
                body["refresh_token"] = token.expose().as_str().into();
            }
            None => {
                body["authorize_type"] = "silent".into();
                body["grant_id"] = self.kdt_id.to_string().into();
                body["refresh"] = true.into();
            }
        }
        Ok(post(format!("{}/auth/token", self.base_url), &body))
    }

    fn interpret(&self, response: Response<'_>, now: Timestamp) -> CallOutcome<Secret<String>> {
        either(data(response).and_then(|text| {
            let renewed: Renewed = read(&text)?;
            if renewed.authority_id.0 != self.kdt_id.to_string() {
                return Err(refused("token_of_another_shop"));
            }
            self.renewed(&renewed, now).map(CallOutcome::Done).ok_or_else(unreadable)
        }))
    }
}

impl Settings {
    fn renewed(&self, renewed: &Renewed, now: Timestamp) -> Option<Secret<String>> {
        let expires_at = Some(renewed.expires / 1_000).filter(|at| *at > now.secs())?;
        let Ok(Value::Object(mut settings)) = serde_json::from_str(self.entered.expose()) else {
            return None;
        };
        settings.insert("access_token".to_owned(), renewed.access_token.expose().as_str().into());
        if let Some(token) = renewed.refresh_token.as_ref().filter(|_| self.refresh_token.is_some()) {
            settings.insert("refresh_token".to_owned(), token.expose().as_str().into());
        }
        settings.insert("token_expires_at".to_owned(), expires_at.into());
        let text = Secret::new(Value::Object(settings).to_string());
        // What could not be connected with must not replace what can.
        Self::read(text.expose()).ok().map(|_| text)
    }
}
