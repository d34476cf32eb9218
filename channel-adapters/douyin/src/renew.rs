//! The access token, renewed a day before it runs out.

use channel::{CallOutcome, OutboundRequest, Renew, Response, Unable};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vocabulary::{Secret, Timestamp};

use crate::{
    call::{data, post_without_token, unreadable},
    settings::Settings,
};

/// How long before its end a token is renewed; it lives seven days.
const AHEAD_SECS: i64 = 86_400;
/// `expires_in` above this is an instant, not a length: the official SDK calls it both.
const LONGEST_SECS: i64 = 1_000_000_000;

#[derive(Serialize)]
struct Refresh<'a> {
    grant_type: &'static str,
    refresh_token: &'a str,
}

#[derive(Deserialize)]
struct Token {
    access_token: Secret<String>,
    refresh_token: Secret<String>,
    expires_in: i64,
    #[serde(default)]
    shop_id: Option<i64>,
}

impl Renew for Settings {
    fn due_at(&self) -> Option<Timestamp> {
        self.renewal.as_ref().map(|renewal| renewal.expires_at.plus_secs(-AHEAD_SECS))
    }

    fn request(&self, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let renewal = self.renewal.as_ref().ok_or(Unable("no_refresh_token"))?;
        let refresh_token = renewal.refresh_token.expose();
        post_without_token(
            self,
            "/token/refresh",
            &Refresh { grant_type: "refresh_token", refresh_token },
            now,
        )
    }

    fn interpret(&self, response: Response<'_>, now: Timestamp) -> CallOutcome<Secret<String>> {
        let token = match data::<Token, _>(response) {
            Ok(token) => token,
            Err(outcome) => return outcome,
        };
        if token.shop_id.is_some_and(|shop| shop != self.shop_id) {
            return CallOutcome::Refused { code: "foreign_shop".into() };
        }
        let expires_at = if token.expires_in > LONGEST_SECS {
            token.expires_in
        } else {
            now.secs().saturating_add(token.expires_in)
        };
        let Ok(mut entered) = serde_json::from_str::<Map<String, Value>>(self.text.expose()) else {
            return unreadable();
        };
        entered.insert("access_token".into(), token.access_token.expose().as_str().into());
        entered.insert("refresh_token".into(), token.refresh_token.expose().as_str().into());
        entered.insert("token_expires_at".into(), expires_at.into());
        let text = Value::Object(entered).to_string();
        // A token that cannot be used must not replace one that can.
        if token.expires_in < 1 || Self::read(&text).is_err() {
            return unreadable();
        }
        CallOutcome::Done(Secret::new(text))
    }
}
