//! Settings: examples work, mistakes are named, and no secret stands in an error.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    str::FromStr,
};

use serde_json::{Value, json};
use vocabulary::Account;

use crate::{Report, replies::leaked, run::Run};

/// All checks of settings.
pub(crate) fn settings(run: &Run<'_>, report: &mut Report) {
    let example = run.subject.protocol.example_settings;
    attempt(run, report, "the example", example, Some(true));
    for (name, text) in [("nothing", ""), ("a list", "[]"), ("no object", "1"), ("half an object", "{\"a\":")]
    {
        attempt(run, report, name, text, Some(false));
    }
    let text = &run.subject.settings;
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(text) else {
        report.check(false, || "the settings are no JSON object".to_owned());
        return;
    };
    let with = |name: &str, value: Option<Value>| {
        let mut changed = fields.clone();
        match value {
            Some(value) => changed.insert(name.to_owned(), value),
            None => changed.remove(name),
        };
        Value::Object(changed).to_string()
    };
    attempt(run, report, "an unknown field", &with("zz_unknown", Some(json!(1))), Some(false));
    if let Some(name) = fields.keys().next() {
        let twice = format!("{{{}:1,{}", json!(name), text.trim_start().trim_start_matches('{'));
        attempt(run, report, "a repeated field", &twice, Some(false));
    }
    for (name, value) in &fields {
        attempt(run, report, name, &with(name, None), None);
        let wrapped = json!({ "nested": value });
        for wrong in [wrapped, json!([[value]]), json!(-1), json!(""), json!("zz"), Value::Null] {
            attempt(run, report, name, &with(name, Some(wrong)), None);
        }
        if let Value::String(secret) = value {
            let cut: String = secret.chars().skip(1).collect();
            attempt(run, report, name, &with(name, Some(json!(cut))), None);
        }
    }
}

/// Connects with some settings; where that fails, the error must be quiet about secrets.
fn attempt(run: &Run<'_>, report: &mut Report, name: &str, text: &str, works: Option<bool>) {
    let code = run.subject.protocol.manifest.code;
    let Ok(account) = Account::from_str(&format!("{code}/shop-1")) else { return };
    let connect = run.subject.protocol.connect;
    match catch_unwind(AssertUnwindSafe(|| connect(account, text).err())) {
        Err(_) => report.panics.push(format!("settings with {name}")),
        Ok(error) => {
            report.check(works.is_none_or(|works| works == error.is_none()), || {
                let why = error.as_ref().map(ToString::to_string);
                format!("settings with {name}: {}", why.unwrap_or_else(|| "were accepted".into()))
            });
            let shown = error.map(|error| format!("{error} {error:?}")).unwrap_or_default();
            report.check(leaked(run.subject, shown.as_bytes()).is_none(), || {
                format!("settings with {name}: the error shows a secret")
            });
        }
    }
}
