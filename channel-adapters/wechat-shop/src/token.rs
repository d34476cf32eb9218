//! The access token: good for two hours, the same for everybody who asks for the stable one, renewed in time.

use channel::{CallOutcome, OutboundRequest, Renew, Response, Unable, strict_json};
use serde::{Deserialize, Serialize};
use vocabulary::{Secret, Timestamp};

use crate::{
    calls::{json, said, unknown},
    settings::App,
};

/// How long before its end a token is renewed, in seconds: within this time WeChat gives a new one.
const EARLY_SECS: i64 = 300;

#[derive(Serialize)]
struct StableToken<'a> {
    grant_type: &'static str,
    appid: &'a str,
    secret: &'a str,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: i64,
}

impl Renew for App {
    fn due_at(&self) -> Option<Timestamp> {
        let known = self.expires_at.filter(|_| !self.access_token.expose().is_empty());
        Some(known.map_or(Timestamp::from_secs(0), |end| end.plus_secs(-EARLY_SECS)))
    }

    fn request(&self, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let secret = self.app_secret.expose();
        let body = json(&StableToken { grant_type: "client_credential", appid: &self.appid, secret })?;
        Ok(OutboundRequest {
            method: "POST",
            url: format!("{}/cgi-bin/stable_token", self.base_url),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body,
        })
    }

    fn interpret(&self, response: Response<'_>, now: Timestamp) -> CallOutcome<Secret<String>> {
        let body = response.map(|response| response.body.as_slice()).unwrap_or_default();
        let given = response.is_ok_and(|response| response.status == 200);
        match strict_json::from_slice::<Token>(body) {
            // A token that is over at once would be renewed again and again.
            Ok(token)
                if given && !token.access_token.is_empty() && (600..=86_400).contains(&token.expires_in) =>
            {
                let renewed = self.renewed(&token.access_token, now.plus_secs(token.expires_in));
                renewed.map_or_else(|| unknown("unwritable_settings"), CallOutcome::Done)
            }
            Ok(_) | Err(_) => match said::<Secret<String>>(response) {
                Ok(_) => unknown("unreadable_answer"),
                Err(outcome) => outcome,
            },
        }
    }
}
