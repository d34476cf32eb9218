//! What the merchant enters for one shop.

use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Account, Secret, Timestamp};

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "app_id and app_secret: of an app of your own at open.xiaohongshu.com.",
    "seller_id: the shop's sellerId; pushes that name another are refused.",
    "access_token: with refresh_token and token_expires_at (Unix seconds) it is renewed here.",
    "push_path (optional): the path of the push address as Xiaohongshu knows it; /v1/in/xiaohongshu/<shop>.",
    "item_by (optional, sku_id): what listings are known by, sku_id or erpcode. Stock needs sku_id.",
    "content_max_chars (optional, 100): the longest text to deliver; no document names the limit.",
    "after_sale_time_unit (optional, seconds): of the list of after-sales, seconds or milliseconds.",
    "base_url (optional): https://ark.xiaohongshu.com."
  ],
  "app_id": "xhsdemo0001",
  "app_secret": "xhsSecretxhsSecretxhsSecret00001",
  "seller_id": "60aa00112233",
  "access_token": "exampleAccessToken0001",
  "refresh_token": "exampleRefreshToken0001",
  "token_expires_at": 1767830400,
  "item_by": "sku_id",
  "content_max_chars": 100,
  "base_url": "https://ark.xiaohongshu.com"
}"#;

const BASE_URL: &str = "https://ark.xiaohongshu.com";

pub(crate) struct Settings {
    pub(crate) app_id: String,
    pub(crate) app_secret: Secret<String>,
    pub(crate) seller_id: String,
    pub(crate) access_token: Secret<String>,
    pub(crate) renewal: Option<Renewal>,
    /// Begins with a slash and does not end with one.
    pub(crate) push_path: String,
    pub(crate) item_by: ItemBy,
    pub(crate) content_max_chars: usize,
    pub(crate) after_sale_time_unit: TimeUnit,
    /// Without a slash at the end.
    pub(crate) base_url: String,
    /// The settings as they were entered, to be written anew with another token.
    pub(crate) text: Secret<String>,
}

pub(crate) struct Renewal {
    pub(crate) refresh_token: Secret<String>,
    pub(crate) expires_at: Timestamp,
}

/// What a listing's item id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ItemBy {
    #[default]
    SkuId,
    Erpcode,
}

/// The unit of the times that the list of after-sales is asked with, which no document names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TimeUnit {
    #[default]
    Seconds,
    Milliseconds,
}

impl TimeUnit {
    pub(crate) fn per_second(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Milliseconds => 1_000,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    #[serde(rename = "_help", default)]
    _help: IgnoredAny,
    app_id: String,
    app_secret: Secret<String>,
    seller_id: String,
    access_token: Secret<String>,
    refresh_token: Option<Secret<String>>,
    token_expires_at: Option<i64>,
    push_path: Option<String>,
    #[serde(default)]
    item_by: ItemBy,
    content_max_chars: Option<usize>,
    #[serde(default)]
    after_sale_time_unit: TimeUnit,
    base_url: Option<String>,
}

impl Settings {
    pub(crate) fn read(text: &str, account: &Account) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let base_url = entered.base_url.as_deref().unwrap_or(BASE_URL);
        let base_url = base_url.strip_suffix('/').unwrap_or(base_url);
        let push_path = entered.push_path.unwrap_or_else(|| format!("/v1/in/{account}"));
        let content_max_chars = entered.content_max_chars.unwrap_or(100);
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        check(plain(&entered.app_id), "app_id must be plain characters");
        check(plain(entered.app_secret.expose()), "app_secret must be plain characters");
        check(plain(&entered.seller_id), "seller_id must be plain characters");
        check(plain(entered.access_token.expose()), "access_token must be plain characters");
        check(
            entered.refresh_token.as_ref().is_none_or(|token| plain(token.expose())),
            "refresh_token must be plain characters",
        );
        check(
            entered.refresh_token.is_some() == entered.token_expires_at.is_some(),
            "refresh_token and token_expires_at go together",
        );
        check(
            entered.token_expires_at.is_none_or(|at| (1..100_000_000_000).contains(&at)),
            "token_expires_at must be Unix seconds",
        );
        let path = push_path.starts_with('/') && !push_path.ends_with('/');
        check(
            path && plain(&push_path) && !push_path.contains(['?', '#']),
            "push_path must be a path: a slash in front, none at the end, no query",
        );
        check((1..=10_000).contains(&content_max_chars), "content_max_chars must be 1 to 10000");
        check(is_origin(base_url), "base_url must be https, a host and no path (http only for this machine)");
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        let renewal = entered
            .refresh_token
            .zip(entered.token_expires_at)
            .map(|(refresh_token, at)| Renewal { refresh_token, expires_at: Timestamp::from_secs(at) });
        Ok(Self {
            app_id: entered.app_id,
            app_secret: entered.app_secret,
            seller_id: entered.seller_id,
            access_token: entered.access_token,
            renewal,
            push_path,
            item_by: entered.item_by,
            content_max_chars,
            after_sale_time_unit: entered.after_sale_time_unit,
            base_url: base_url.to_owned(),
            text: Secret::new(text.to_owned()),
        })
    }
}

fn plain(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(from: &str, to: &str) -> String {
        let text = EXAMPLE.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE, "the example has {from}");
        let account = "xiaohongshu/main".parse().expect("an account");
        Settings::read(&text, &account).err().map_or_else(String::new, |e| e.to_string())
    }

    #[test]
    fn credentials_go_over_https_or_to_this_machine() {
        let at = "\"https://ark.xiaohongshu.com\"";
        for bad in ["http://ark.xiaohongshu.com", "https://", "https://a/b", "http://127.0.0.1.evil"] {
            assert!(problem(at, &format!("\"{bad}\"")).contains("base_url"), "{bad}");
        }
        for good in ["https://a.example/", "http://127.0.0.1:8080", "http://[::1]:1"] {
            assert_eq!(problem(at, &format!("\"{good}\"")), "", "{good}");
        }
    }

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let said = problem("\"xhsSecretxhsSecretxhsSecret00001\"", "\"hidden one\", \"push_path\": \"in/\"");
        assert!(
            said.contains("app_secret") && said.contains("push_path") && !said.contains("hidden"),
            "{said}"
        );
        assert!(problem("\"item_by\"", "\"colour\"").contains("colour"));
        assert!(problem("1767830400", "0").contains("token_expires_at"));
        assert!(problem("  \"token_expires_at\": 1767830400,\n", "").contains("go together"));
    }
}
