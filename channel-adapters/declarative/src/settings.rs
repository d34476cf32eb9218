//! An account's settings: the recipe, and the secrets and values it names.

use std::collections::BTreeMap;

use channel::{SettingsError, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

use crate::{check, recipe::Recipe};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "_help")]
    _help: IgnoredAny,
    recipe: serde_json::Value,
    secrets: BTreeMap<String, Secret<String>>,
    #[serde(default)]
    values: BTreeMap<String, String>,
}

/// An account's settings, checked.
pub(crate) struct Settings {
    pub(crate) recipe: Recipe,
    pub(crate) secrets: BTreeMap<String, Secret<String>>,
    pub(crate) values: BTreeMap<String, String>,
}

impl Settings {
    /// Reads the settings (JSON text) of an account.
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let Written { recipe, secrets, values, .. } = strict_json::settings(text)?;
        let recipe = match recipe {
            serde_json::Value::String(text) => from_toml(&text),
            object => serde_json::from_value(object).map_err(|error| plain(&error.to_string(), None)),
        };
        let recipe = recipe.map_err(|problem| SettingsError(vec![format!("recipe: {problem}")]))?;
        let settings = Self { recipe, secrets, values };
        let problems = check::problems(&settings);
        if problems.is_empty() { Ok(settings) } else { Err(SettingsError(problems)) }
    }
}

fn from_toml(text: &str) -> Result<Recipe, String> {
    toml::from_str(text).map_err(|error| {
        let line =
            error.span().and_then(|span| text.get(..span.start)).map(|head| head.lines().count().max(1));
        plain(error.message(), line)
    })
}

/// What is wrong, without the value that is: somebody may have put a secret where it does not belong.
fn plain(text: &str, line: Option<usize>) -> String {
    let names_fields = ["missing field", "unknown field", "unknown variant", "a place is"];
    // An unknown variant is a word that the author wrote; only the words that there are, are repeated.
    let text = match text.split_once("expected") {
        Some((_, expected)) if text.starts_with("unknown variant") => {
            format!("a word that is none of:{expected}")
        }
        _ if names_fields.iter().any(|start| text.starts_with(start)) => text.to_owned(),
        _ => "is no such table, or a value is of the wrong type".to_owned(),
    };
    match line {
        Some(line) => format!("line {line}: {text}"),
        None => text,
    }
}
