use http_api::fit_nightly;
use serde_json::{Value, json};

use crate::world::{World, paid};

const DAY: i64 = 86_400;

/// An order of a buyer who pays at once, now.
async fn buy(world: &World, number: usize, buyer: usize) {
    let mut message = paid(&format!("M-{number}"));
    let now = world.engine.now().to_string();
    message["timestamp"] = json!(now);
    message["data"]["occurred_at"] = json!(now);
    message["data"]["buyer_ref"] = json!(format!("u-{buyer}"));
    world.send(world.signed("/v1/in/generic/own", &format!("m-{number}"), &message)).await.good();
}

/// Four weeks in which one buyer after another comes, some of them again and again.
async fn busy() -> World {
    let world = World::stocked(200).await;
    let mut number = 0;
    for day in 0..28 {
        for buyer in 0..24 {
            let returns = 3 + buyer % 7;
            let leaves = 5 + 5 * (buyer % 5);
            let comes = day >= buyer / 2 && (day - buyer / 2) % returns == 0 && day - buyer / 2 <= leaves;
            if comes {
                buy(&world, number, buyer).await;
                number += 1;
            }
        }
        world.advance(DAY);
    }
    assert!((70..=200).contains(&number), "{number} orders");
    world
}

async fn rows(world: &World, view: &str) -> Vec<Value> {
    let answer = world.fresh(&format!("/v1/views/{view}?limit=500")).await.good();
    answer["rows"].as_array().unwrap().clone()
}

async fn fit(world: &World, model: &str, body: &Value) -> Value {
    let position = world.position().await;
    world.post(&format!("/v1/models/{model}/fit?min_pos={position}"), body).await.good()
}

#[tokio::test]
async fn buyers_worth_is_fitted_and_is_in_its_view() {
    let world = busy().await;
    let fitted = fit(&world, "ltv", &json!({})).await;
    let persons = rows(&world, "mart_ltv").await;
    assert_eq!(persons.len(), 24);
    for person in &persons {
        let alive = person["p_alive_ratio"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&alive), "{person}");
        assert!(person["expected_orders_90d"].as_f64().unwrap() > 0.0, "{person}");
        assert!(person["expected_margin_fen_90d"].as_i64().unwrap() > 0, "{person}");
        assert_eq!(person["last_pos"], fitted["last_pos"]);
    }
    // The same again: what was recorded in between changes nothing.
    fit(&world, "ltv", &json!({})).await;
    let again = rows(&world, "mart_ltv").await;
    let told = |row: &Value| {
        (row["person_id"].clone(), row["p_alive_ratio"].clone(), row["expected_orders_90d"].clone())
    };
    assert_eq!(again.iter().map(told).collect::<Vec<_>>(), persons.iter().map(told).collect::<Vec<_>>());
}

#[tokio::test]
async fn orders_are_credited_to_channels_by_every_model() {
    let world = World::stocked(5).await;
    buy(&world, 1, 1).await;
    buy(&world, 2, 2).await;
    fit(&world, "attribution", &json!({ "window_days": 14 })).await;
    let credits = rows(&world, "mart_attribution").await;
    assert_eq!(credits.len(), 7);
    for credit in &credits {
        assert_eq!(credit["channel"], "generic/own");
        assert_eq!(
            (credit["credited_orders"].as_f64(), credit["credited_net_fen"].as_i64()),
            (Some(2.0), Some(5_776))
        );
    }
}

#[tokio::test]
async fn forecasts_are_issued_and_scored_when_their_days_have_come() {
    let world = busy().await;
    let until = world.engine.now().plus_secs(-8 * DAY).to_string();
    fit(&world, "forecast", &json!({ "until": until, "days": 10 })).await;
    let issued = rows(&world, "fct_forecast").await;
    assert_eq!(issued.len(), 10);
    assert!(issued.iter().all(|row| row["actual"].is_null() && row["mean"].as_f64().unwrap() > 0.0));
    fit(&world, "forecast", &json!({ "days": 10 })).await;
    let now = rows(&world, "fct_forecast").await;
    let origin = &issued[0]["origin_date"];
    let scored: Vec<&Value> =
        now.iter().filter(|row| row["origin_date"] == *origin && !row["actual"].is_null()).collect();
    assert!((5..10).contains(&scored.len()), "{} days were scored", scored.len());
    assert!(scored.iter().all(|row| row["pinball"].is_number() && row["is_covered"].is_boolean()));
    assert!(
        now.iter().any(|row| row["origin_date"] != *origin),
        "the next forecast begins where this one ended"
    );
}

#[tokio::test]
async fn where_stock_never_ran_out_nothing_was_lost() {
    let world = World::stocked(5).await;
    buy(&world, 1, 1).await;
    let position = world.position().await;
    let answer = fit(&world, "lost_sales", &json!({})).await;
    assert_eq!((&answer["first_pos"], world.position().await), (&Value::Null, position));
    assert_eq!(rows(&world, "mart_stockout").await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_cannot_be_fitted_is_a_problem_and_records_nothing() {
    let world = World::stocked(5).await;
    buy(&world, 1, 1).await;
    let position = world.position().await;
    for (model, body, problem) in [
        ("ltv", json!({}), (409, "cannot_fit")),
        ("attribution", json!({ "window_days": 0 }), (422, "invalid_parameter")),
        ("attribution", json!({ "half_life_days": -1.0 }), (422, "invalid_parameter")),
        ("forecast", json!({ "days": 57 }), (422, "invalid_parameter")),
        ("forecast", json!({ "weeks": 2 }), (422, "invalid_body")),
        ("weather", json!({}), (422, "invalid_parameter")),
    ] {
        let path = format!("/v1/models/{model}/fit?min_pos={position}");
        let answer = world.post(&path, &body).await;
        assert_eq!(answer.problem(), (problem.0, problem.1.to_owned()), "{model} {body}");
    }
    assert_eq!(world.position().await, position);
}

#[tokio::test]
async fn every_night_each_model_is_fitted_once_whoever_asks_again() {
    let world = busy().await;
    let fitted = fit_nightly(&world.api).await.unwrap();
    let told: Vec<_> = fitted.iter().map(|fit| (fit.model, fit.positions.is_some())).collect();
    let nothing_lost = [("lost_sales", false), ("forecast", true), ("ltv", true), ("attribution", true)];
    assert_eq!(told, nothing_lost);
    let position = world.position().await;
    let models = rows(&world, "ops_model").await;
    let names: Vec<&str> = models.iter().map(|row| row["model"].as_str().unwrap()).collect();
    assert_eq!(names, ["attribution", "forecast", "ltv"]);
    assert!(models[2]["params"]["alpha"].as_f64().unwrap() > 0.0, "{}", models[2]);
    let last = &world.get(&format!("/v1/events?after={}", position - 1)).await.good()["events"][0];
    assert_eq!(last["metadata"]["actor"], json!({ "kind": "timer", "id": "models" }), "{last}");

    assert_eq!(fit_nightly(&world.api).await.unwrap(), []);
    assert_eq!(world.position().await, position, "the day's fits are on record");
    world.advance(DAY);
    let next = fit_nightly(&world.api).await.unwrap();
    assert_eq!(next.len(), 4);
    let scored = rows(&world, "fct_forecast").await.into_iter().filter(|row| !row["actual"].is_null());
    assert_eq!(scored.count(), 0, "no day has passed with a demand after it");
}

#[tokio::test]
async fn a_shop_without_sales_fits_nothing_and_is_not_asked_again_that_day() {
    let world = World::stocked(1).await;
    let position = world.position().await;
    let told: Vec<_> = fit_nightly(&world.api).await.unwrap().iter().map(|fit| fit.model).collect();
    assert_eq!(told, ["lost_sales", "forecast", "ltv", "attribution"]);
    assert_eq!(fit_nightly(&world.api).await.unwrap(), []);
    assert_eq!(world.position().await, position);
}

#[tokio::test]
async fn a_time_without_stock_that_nobody_was_refused_in_is_known_to_the_models() {
    let world = World::stocked(8).await;
    for day in 0..8 {
        buy(&world, day, day).await;
        world.advance(DAY);
    }
    // The last key went a day ago. Six hours later there are more, and somebody buys one.
    world.advance(6 * 3_600);
    let more: String = (0..5).map(|n| format!("MORE-{n:05}\n")).collect();
    world.import("text/plain", &more).await.good();
    buy(&world, 8, 8).await;
    fit(&world, "lost_sales", &json!({})).await;
    let lost = rows(&world, "mart_stockout").await;
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!((&lost[0]["out_s"], &lost[0]["cause"]), (&json!(DAY + 6 * 3_600), &json!("out_of_stock")));
    assert_eq!(lost[0]["refused_units_count"], 0);
    assert!(lost[0]["expected_units"].as_f64().unwrap() > 0.5, "{}", lost[0]);
    // Once it is assessed, it is not assessed again.
    let answer = fit(&world, "lost_sales", &json!({})).await;
    assert_eq!(answer["first_pos"], Value::Null);
}
