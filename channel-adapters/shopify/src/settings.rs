//! An account's settings, checked: every problem is reported at once, no secret in any of them.

use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

/// A shop's settings.
pub(crate) struct Settings {
    /// `name.myshopify.com`, as webhooks name the shop.
    pub(crate) shop: String,
    /// One or two: after a rotation both occur for some time.
    pub(crate) client_secrets: Vec<Secret<String>>,
    pub(crate) access_token: Secret<String>,
    /// Where GraphQL calls go.
    pub(crate) endpoint: String,
    pub(crate) keys_metafield: Option<Metafield>,
    pub(crate) location: Option<u64>,
    pub(crate) refunds: bool,
}

/// Where on an order the keys are written.
pub(crate) struct Metafield {
    pub(crate) namespace: String,
    pub(crate) key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    shop: String,
    client_secrets: Vec<Secret<String>>,
    access_token: Secret<String>,
    api_version: String,
    keys_metafield: Option<String>,
    location_id: Option<u64>,
    #[serde(default)]
    refunds: bool,
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let written: Written = strict_json::settings(text)?;
        let mut problems = Vec::new();
        let mut check = |holds: bool, problem: &str| {
            if !holds {
                problems.push(problem.to_owned());
            }
        };
        check(is_shop(&written.shop), "shop: name.myshopify.com is needed");
        let long_enough = |secret: &Secret<String>| secret.expose().trim().len() >= 16;
        let secrets = &written.client_secrets;
        let count_fits = (1..=2).contains(&secrets.len());
        check(
            count_fits && secrets.iter().all(long_enough),
            "client_secrets: one or two, 16 characters or more",
        );
        let plain = written.access_token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        check(plain && long_enough(&written.access_token), "access_token: 16 characters or more, no spaces");
        check(is_version(&written.api_version), "api_version: yyyy-mm, 2026-04 or later");
        let metafield = written.keys_metafield.as_deref().map(metafield);
        check(!matches!(metafield, Some(None)), "keys_metafield: namespace.key, of letters, digits, - and _");
        check(written.location_id != Some(0), "location_id: the number of a location");
        let own = format!("https://{}", written.shop);
        let base_url = written.base_url.unwrap_or(own);
        check(is_origin(&base_url), "base_url: https, without a path, query or credentials");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            endpoint: format!("{base_url}/admin/api/{}/graphql.json", written.api_version),
            shop: written.shop,
            client_secrets: written.client_secrets,
            access_token: written.access_token,
            keys_metafield: metafield.flatten(),
            location: written.location_id,
            refunds: written.refunds,
        })
    }
}

fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

fn is_shop(text: &str) -> bool {
    text.strip_suffix(".myshopify.com").is_some_and(is_word)
}

/// From 2026-04 on, `@idempotent` is demanded and `changeFromQuantity` known; earlier versions want other calls.
fn is_version(text: &str) -> bool {
    let Some((year, month)) = text.split_once('-') else { return false };
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(year, 4) && digits(month, 2) && text >= "2026-04"
}

fn metafield(text: &str) -> Option<Metafield> {
    let (namespace, key) = text.split_once('.')?;
    let whole = is_word(namespace) && is_word(key);
    whole.then(|| Metafield { namespace: namespace.to_owned(), key: key.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once_and_no_secret_in_any() {
        let text = r#"{"shop":"shop.example","client_secrets":["short"],"access_token":"hidden",
            "api_version":"2025-10","keys_metafield":"keys","location_id":0,"base_url":"http://x.example"}"#;
        let problems = Settings::read(text).err().unwrap().0;
        assert_eq!(problems.len(), 7, "{problems:?}");
        assert!(!problems.concat().contains("short") && !problems.concat().contains("hidden"));
    }

    #[test]
    fn versions_before_the_idempotency_directive_are_refused() {
        for version in ["2026-04", "2026-07", "2027-01"] {
            assert!(is_version(version), "{version}");
        }
        for version in ["2026-01", "2025-10", "2026-4", "unstable", "2026-04-01", ""] {
            assert!(!is_version(version), "{version}");
        }
    }
}
