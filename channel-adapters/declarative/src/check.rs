//! Whether a recipe can be believed: no fact without a signature over it, no signature without a secret, nothing
//! named that is not there. Every problem at once.

use std::collections::BTreeSet;

use crate::{
    place::Place,
    recipe::{Algorithm, AskName, BodyForm, BodyPart, KindName, MessageRule, Part, Recipe, Source, Weakness},
    settings::Settings,
    template,
};

/// Everything that is wrong with an account's settings.
pub(crate) fn problems(settings: &Settings) -> Vec<String> {
    let mut all = Vec::new();
    names(settings, &mut all);
    secrecy(&settings.recipe, &mut all);
    borders(&settings.recipe, &mut all);
    coverage(&settings.recipe, &mut all);
    for (at, rule) in settings.recipe.messages.iter().enumerate() {
        message(&settings.recipe, rule, at + 1, &mut all);
    }
    template::check(&settings.recipe.answers, &mut all);
    all
}

/// The recipe names what the settings have, and the settings have nothing else.
fn names(settings: &Settings, all: &mut Vec<String>) {
    let recipe = &settings.recipe;
    let part = |part: &Part| match part {
        Part::Secret(name) => Some(name.clone()),
        _ => None,
    };
    let mut secrets: BTreeSet<String> = recipe.signature.text.iter().filter_map(part).collect();
    secrets.extend(recipe.signature.key.clone());
    for name in &secrets {
        if settings.secrets.get(name).is_none_or(|secret| secret.expose().trim().is_empty()) {
            all.push(format!("secrets: {name} is missing or empty"));
        }
    }
    for name in settings.secrets.keys().filter(|name| !secrets.contains(*name)) {
        all.push(format!("secrets: the recipe has no use for {name}"));
    }
    let setting = |part: &Part| match part {
        Part::Setting(name) => Some(name.clone()),
        _ => None,
    };
    let mut values: BTreeSet<String> = recipe.signature.text.iter().filter_map(setting).collect();
    values.extend(recipe.require.values().filter_map(|text| text.strip_prefix('$').map(str::to_owned)));
    for name in &values {
        if settings.values.get(name).is_none_or(String::is_empty) {
            all.push(format!("values: {name} is missing or empty"));
        }
    }
    for name in settings.values.keys().filter(|name| !values.contains(*name)) {
        all.push(format!("values: the recipe has no use for {name}"));
    }
}

fn secrecy(recipe: &Recipe, all: &mut Vec<String>) {
    let signature = &recipe.signature;
    let is_secret = |part: &Part| matches!(part, Part::Secret(_));
    let keyed = signature.algorithm == Algorithm::HmacSha256;
    if keyed != signature.key.is_some() {
        all.push("signature.key: is for hmac-sha256, which needs it".to_owned());
    }
    if !keyed && !signature.text.iter().any(is_secret) {
        all.push("signature.text: holds no secret; anybody could sign".to_owned());
    } else if !keyed && !signature.text.last().is_some_and(is_secret) {
        weak(recipe, Weakness::SecretFirst, "signature.text: does not end in a secret", all);
    }
    if let Some(time) = &recipe.time
        && !(1..=3_600).contains(&time.tolerance_secs)
    {
        all.push("time.tolerance_secs: 1 to 3600".to_owned());
    }
}

fn weak(recipe: &Recipe, weakness: Weakness, what: &str, all: &mut Vec<String>) {
    if !recipe.accept_weak.contains(&weakness) {
        let name = match weakness {
            Weakness::JoinedValues => "joined_values",
            Weakness::UnsignedTopic => "unsigned_topic",
            Weakness::SecretFirst => "secret_first",
        };
        all.push(format!("{what}; where the platform leaves no choice, add {name} to accept_weak"));
    }
}

/// Two values that touch can pass characters to each other.
fn borders(recipe: &Recipe, all: &mut Vec<String>) {
    let varies = |part: &Part| {
        matches!(
            part,
            Part::Value(_)
                | Part::Values(_)
                | Part::Fields(_)
                | Part::Topic
                | Part::Method
                | Part::Body(BodyPart::Raw)
        )
    };
    let text: Vec<&Part> =
        recipe.signature.text.iter().filter(|part| !matches!(part, Part::Text(t) if t.is_empty())).collect();
    let touch = text.windows(2).any(|pair| varies(pair[0]) && varies(pair[1]));
    let joined = text
        .iter()
        .any(|part| matches!(part, Part::Values(values) if values.of.len() > 1 && values.between.is_empty()));
    if touch || joined {
        weak(recipe, Weakness::JoinedValues, "signature.text: values stand side by side", all);
    }
}

/// Whether the signature covers what stands at a place.
fn covers(recipe: &Recipe, place: &Place) -> bool {
    let is_form = |place: &Place| match place {
        Place::Form(_) => true,
        Place::Param(_) => !recipe.methods.iter().any(|method| method == "GET"),
        _ => false,
    };
    recipe.signature.text.iter().any(|part| match part {
        Part::Value(signed) => signed == place,
        Part::Values(ordered) => ordered.of.contains(place),
        Part::Topic => *place == Place::Topic,
        Part::Body(_) => match recipe.body {
            BodyForm::Form => is_form(place),
            BodyForm::Json => matches!(place, Place::Json(_)),
        },
        Part::Fields(sorted) => {
            let source = match (sorted.of, place) {
                (Source::Query, Place::Query(_))
                | (Source::Form, Place::Form(_))
                | (Source::Param, Place::Param(_)) => true,
                // Only what stands at the top is among the fields.
                (Source::Json, Place::Json(pointer)) => !pointer[1..].contains('/'),
                _ => false,
            };
            source && !sorted.except.iter().any(|name| name == place.name())
        }
        _ => false,
    })
}

fn coverage(recipe: &Recipe, all: &mut Vec<String>) {
    let mut facts: Vec<&Place> = recipe.messages.iter().flat_map(MessageRule::places).collect();
    facts.extend(recipe.time.iter().map(|time| &time.at));
    facts.extend(recipe.kind.iter());
    facts.sort();
    facts.dedup();
    for place in facts.into_iter().filter(|place| !covers(recipe, place)) {
        all.push(format!("signature.text: does not cover {}, which is believed", place.name()));
    }
    let mut topics: Vec<&String> = recipe.messages.iter().filter_map(|rule| rule.topic.as_ref()).collect();
    topics.sort();
    topics.dedup();
    let covered = covers(recipe, &Place::Topic);
    if topics.len() > 1 && !covered {
        weak(recipe, Weakness::UnsignedTopic, "message.topic: the path is not signed", all);
    }
}

fn message(recipe: &Recipe, rule: &MessageRule, number: usize, all: &mut Vec<String>) {
    let mut lack = |what: &str| all.push(format!("message {number}: {what}"));
    if rule.order.is_none() && rule.ask != AskName::Nothing {
        lack("order is missing");
    }
    if rule.ask.is_order() && rule.item.is_none() {
        lack("item is missing");
    }
    if rule.ask == AskName::Payment && rule.amount.is_none() {
        lack("amount is missing");
    }
    if rule.ask == AskName::Nothing && rule.id.is_empty() && rule.kind != KindName::Query {
        lack("id is missing");
    }
    if (rule.ask == AskName::Query) != (rule.kind == KindName::Query) && rule.ask != AskName::Nothing {
        lack("ask = \"query\" and kind = \"query\" belong together");
    }
    let shows_keys = rule.ask.is_order() && rule.kind == KindName::Call || rule.ask == AskName::Query;
    let answers = &recipe.answers;
    if shows_keys && (answers.keys.is_none() || answers.pending.is_none() || answers.closed.is_none()) {
        lack("is answered with an order: answers.keys, answers.pending and answers.closed are needed");
    }
}
