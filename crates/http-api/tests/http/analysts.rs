//! Cells, exports, read models, and what must be found in none of them.

use serde_json::{Value, json};

use crate::world::World;

async fn sold(orders: usize) -> World {
    let world = World::stocked(orders).await;
    for n in 1..=orders {
        world.buy(&format!("A-{n}")).await.good();
    }
    world.fresh("/v1/skus").await.good();
    world
}

fn encoded(key: &Value) -> String {
    key.to_string().replace('%', "%25").replace('"', "%22").replace('+', "%2B").replace(' ', "%20")
}

#[tokio::test]
async fn a4_every_cell_of_every_view_leads_to_its_events_in_one_call() {
    let world = sold(2).await;
    let catalogue = world.get("/v1/views").await.good();
    let mut filled = 0;
    for view in catalogue["views"].as_array().unwrap() {
        let name = view["name"].as_str().unwrap();
        let rows = world.get(&format!("/v1/views/{name}")).await.good();
        let Some(row) = rows["rows"].get(0) else { continue };
        filled += 1;
        let columns = view["columns"].as_array().unwrap();
        let key: Vec<Value> = columns
            .iter()
            .filter(|column| column["key"] == true)
            .map(|column| row[column["name"].as_str().unwrap()].clone())
            .collect();
        let key = encoded(&json!(key));
        for column in columns {
            let column = column["name"].as_str().unwrap();
            let found =
                world.get(&format!("/v1/explain/cell?view={name}&key={key}&column={column}")).await.good();
            assert_eq!(found["value"], row[column], "{name}.{column}");
            let events = found["events"].as_array().unwrap();
            assert!(!events.is_empty() && events[0]["sentence"]["zh"].is_string(), "{name}.{column}");
        }
    }
    assert!(filled >= 10, "only {filled} tables and views have rows");
}

#[tokio::test]
async fn a_cell_is_told_with_its_value_before_and_after_each_event() {
    let world = sold(2).await;
    let key = encoded(&json!(["2026-01-02", "generic/own", "steam-50", "CNY"]));
    let path = format!("/v1/explain/cell?view=mart_sales_day&key={key}&column=gross_fen");
    let found = world.get(&path).await.good();
    assert_eq!(
        (&found["value"], &found["because"], &found["complete"]),
        (&json!(5776), &json!("changed"), &json!(true))
    );
    let changes: Vec<(&Value, &Value)> =
        found["events"].as_array().unwrap().iter().map(|event| (&event["before"], &event["after"])).collect();
    // The order is placed before it is paid.
    let steps = [(&Value::Null, &json!(0)), (&json!(0), &json!(2888)), (&json!(2888), &json!(5776))];
    assert_eq!(changes, steps);
    let first = found["events"][1]["position"].as_u64().unwrap();
    let then = world.get(&format!("{path}&as_of={first}")).await.good();
    assert_eq!(then["value"], 2888);
    let asked = world.post("/v1/sql", &json!({ "query": found["query"] })).await.good();
    assert!(asked["rows"].as_array().unwrap().iter().any(|row| row["pos"] == first));
    for (query, problem) in [
        (format!("view=mart_sales_day&key={key}&column=none"), (422, "invalid_parameter")),
        ("view=fct_order&key=order-x&column=state".to_owned(), (404, "unknown_row")),
        ("view=fct_order&key=[]&column=state".to_owned(), (404, "unknown_row")),
        ("view=none&key=x&column=state".to_owned(), (404, "unknown_view")),
    ] {
        let answer = world.get(&format!("/v1/explain/cell?{query}")).await;
        assert_eq!(answer.problem(), (problem.0, problem.1.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn a_whole_view_leaves_as_one_file_and_that_is_on_record() {
    let world = sold(3).await;
    let head = world.position().await;
    let csv = world
        .post("/v1/views/fct_order/export", &json!({ "format": "csv", "as_of": head.to_string() }))
        .await;
    assert_eq!(csv.status, 200, "{}", csv.text());
    assert_eq!((csv.header("x-rows"), csv.header("x-as-of-pos")), ("3", head.to_string().as_str()));
    assert_eq!(csv.text().lines().count(), 4);
    assert_eq!(csv.body, world.get(&format!("/v1/views/fct_order?format=csv&as_of={head}")).await.body);
    let parquet = world.post("/v1/views/mart_sales_day/export", &json!({ "format": "parquet" })).await;
    assert!(parquet.body.starts_with(b"PAR1") && parquet.body.ends_with(b"PAR1"));
    let log = world.get("/v1/events?limit=1000").await.good();
    let made: Vec<&Value> =
        log["events"].as_array().unwrap().iter().filter(|event| event["type"] == "ExportMade").collect();
    assert_eq!(
        made[0]["payload"],
        json!({ "views": ["fct_order"], "format": "csv", "as_of": head, "rows": 3 })
    );
    assert_eq!((made.len(), &made[1]["payload"]["rows"]), (2, &json!(1)));
    assert_eq!(world.post("/v1/views/none/export", &json!({})).await.problem().0, 404);
}

#[tokio::test]
async fn read_models_say_how_far_they_are_and_are_rebuilt_while_they_are_asked() {
    let world = sold(2).await;
    let all = world.get("/v1/projections").await.good();
    let all = all["projections"].as_array().unwrap();
    assert!(all.len() >= 4);
    for it in all {
        assert_eq!(
            (&it["lag_events"], &it["lag_ms"], &it["quarantined"]),
            (&json!(0), &json!(0), &json!([]))
        );
        assert!(it["digest"].is_null());
    }
    let path = "/v1/views/fct_order?format=csv";
    let nothing = json!({});
    let (rebuilt, meanwhile) =
        tokio::join!(world.post("/v1/projections/orders/rebuild", &nothing), world.get(path));
    let rebuilt = rebuilt.good();
    assert_eq!((&rebuilt["same"], &rebuilt["head_pos"]), (&json!(true), &json!(world.position().await)));
    assert_eq!(meanwhile.body, world.get(path).await.body);
    let told = world.get("/v1/projections").await.good();
    let orders = told["projections"].as_array().unwrap().iter().find(|it| it["name"] == "orders").unwrap();
    assert_eq!(orders["digest"], rebuilt["after"]);
    let unknown = world.post("/v1/projections/none/rebuild", &json!({})).await;
    assert_eq!(unknown.problem(), (404, "unknown_projection".to_owned()));
}

#[tokio::test]
async fn a6_what_was_planted_is_found_in_no_view_export_query_or_error() {
    const PLANTED: [&str; 4] = ["KEY-00000", "13912345678", "oPenId_canary_77", "203.0.113.77"];
    let world = World::stocked(2).await;
    let mut order = crate::world::paid("A-1");
    order["data"]["buyer_ref"] = json!(PLANTED[2]);
    order["data"]["buyer"] = json!({ "phone": PLANTED[1] });
    let mut request = world.signed("/v1/in/generic/own", "msg-1", &order);
    request.headers_mut().insert("x-forwarded-for", PLANTED[3].parse().unwrap());
    let answer = world.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains(PLANTED[0]), "the planted key was sold: {}", answer.text());
    world.fresh("/v1/skus").await.good();
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    let catalogue = world.get("/v1/views").await.good();
    for view in catalogue["views"].as_array().unwrap() {
        let name = view["name"].as_str().unwrap();
        for format in ["json", "csv", "ndjson"] {
            let path = format!("/v1/views/{name}?format={format}");
            seen.push((path.clone(), world.get(&path).await.body.to_vec()));
        }
        let file = world.post(&format!("/v1/views/{name}/export"), &json!({ "format": "csv" })).await;
        seen.push((format!("export {name}"), file.body.to_vec()));
        let rows = world.post("/v1/sql", &json!({ "query": format!("SELECT * FROM {name}") })).await;
        rows.good();
        seen.push((format!("sql {name}"), rows.body.to_vec()));
    }
    for planted in PLANTED {
        for query in [
            format!("SELECT '{planted}'x FROM nothing"),
            format!("SELEC {planted}"),
            format!("SELECT \"{planted}\""),
        ] {
            let answer = world.post("/v1/sql", &json!({ "query": query })).await;
            assert!(answer.status.is_client_error());
            if planted != PLANTED[2] {
                seen.push((query, answer.body.to_vec()));
            }
        }
        let filter = world.get(&format!("/v1/views/fct_order?filter=first_pos:eq:{planted}x")).await;
        seen.push((format!("filter {planted}"), filter.body.to_vec()));
    }
    seen.push(("log".to_owned(), world.get("/v1/events?limit=1000").await.body.to_vec()));
    seen.push(("projections".to_owned(), world.get("/v1/projections").await.body.to_vec()));
    assert!(seen.len() > 60);
    for (what, bytes) in seen {
        let text = String::from_utf8_lossy(&bytes);
        for planted in PLANTED {
            assert!(!text.contains(planted), "{what} shows {planted}");
        }
    }
}
