//! The access token, renewed before it runs out.

use channel::{CallOutcome, OutboundRequest, Renew, Response, Unable};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vocabulary::{Secret, Timestamp};

use crate::{
    call::{Token, data, post, unreadable},
    settings::Settings,
};

/// How long before its end a token is renewed. Pushes stop when it ends.
const AHEAD_SECS: i64 = 86_400;
/// An instant above this is in milliseconds, as the platform's other times are.
const SECS_MAX: i64 = 100_000_000_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refresh<'a> {
    refresh_token: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Renewed {
    access_token: Secret<String>,
    access_token_expires_at: i64,
    refresh_token: Secret<String>,
    #[serde(default)]
    seller_id: Option<String>,
}

impl Renew for Settings {
    fn due_at(&self) -> Option<Timestamp> {
        self.renewal.as_ref().map(|renewal| renewal.expires_at.plus_secs(-AHEAD_SECS))
    }

    fn request(&self, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let renewal = self.renewal.as_ref().ok_or(Unable("no_refresh_token"))?;
        let refresh = Refresh { refresh_token: renewal.refresh_token.expose() };
        post(self, "oauth.refreshToken", Token::Without, &refresh, now)
    }

    fn interpret(&self, response: Response<'_>, now: Timestamp) -> CallOutcome<Secret<String>> {
        let renewed = match data::<Renewed, _>(response) {
            Ok(renewed) => renewed,
            Err(outcome) => return outcome,
        };
        if renewed.seller_id.is_some_and(|seller| seller != self.seller_id) {
            return CallOutcome::Refused { code: "foreign_seller".into() };
        }
        let at = renewed.access_token_expires_at;
        let expires_at = if at > SECS_MAX { at / 1_000 } else { at };
        let Ok(mut entered) = serde_json::from_str::<Map<String, Value>>(self.text.expose()) else {
            return unreadable();
        };
        entered.insert("access_token".into(), renewed.access_token.expose().as_str().into());
        entered.insert("refresh_token".into(), renewed.refresh_token.expose().as_str().into());
        entered.insert("token_expires_at".into(), expires_at.into());
        // A token that is over already, or cannot be used, must not replace one that can.
        let usable = [&renewed.access_token, &renewed.refresh_token]
            .iter()
            .all(|token| !token.expose().is_empty() && token.expose().bytes().all(|b| b.is_ascii_graphic()));
        if expires_at <= now.secs() || !usable {
            return unreadable();
        }
        CallOutcome::Done(Secret::new(Value::Object(entered).to_string()))
    }
}
