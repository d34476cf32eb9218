use axum::{body::Body, http::Request};
use bytes::Bytes;
use futures::stream;
use http_api::Limits;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_text_file_is_imported_with_a_verdict_for_each_bad_line() {
    let world = World::stocked(0).await;
    let answer = world.import("text/plain; charset=utf-8", "AAA-1\n\nAAA-2\nAAA-1\nB\u{200b}AD\nAAA-3").await;
    let summary = answer.good();
    assert_eq!(summary["batch"], 1);
    assert_eq!(
        (&summary["lines"], &summary["stored"], &summary["duplicates"]),
        (&json!(6), &json!(3), &json!(1))
    );
    assert_eq!(summary["rejected_count"], 1);
    assert_eq!(summary["rejected"], json!([{ "line": 5, "code": "control_character" }]));
    assert_eq!(summary["duplicate_lines"], json!([{ "line": 4, "of": "b1-0" }]));
    assert_eq!(summary["last_pos"], world.position().await);
    assert!(!answer.text().contains("AAA"));
}

#[tokio::test]
async fn csv_and_ndjson_are_imported_with_pins_and_dates() {
    let world = World::stocked(0).await;
    let pair = json!({ "name": "JD 100", "family": "jd", "key_kind": { "kind": "pair" } });
    world.put("/v1/skus/jd-100", &pair).await.good();
    for (content_type, file, stored, rejected) in [
        (
            "text/csv",
            "code,pin,expires_on\nA-1,11,2027-01-31\nA-2,,\n\"A,3\",33,2027-13-01\n",
            1,
            json!([[3, "missing_pin"], [4, "bad_date"]]),
        ),
        ("text/csv", "number,pin\nA-9,11\n", 0, json!([[1, "bad_header"], [2, "bad_header"]])),
        (
            "application/x-ndjson",
            "{\"code\":\"B-1\",\"pin\":\"1\"}\n{\"code\":\"B-2\"}\nB-3\n{\"code\":\"B-4\",\"pin\":\"1\",\"x\":1}\n",
            1,
            json!([[2, "missing_pin"], [3, "bad_json"], [4, "bad_json"]]),
        ),
        ("text/plain", "C-1 11\nC-2,22\nC-3\n", 2, json!([[3, "missing_pin"]])),
    ] {
        let headers = [("content-type", content_type)];
        let answer = world.ask("POST", "/v1/skus/jd-100/keys", &headers, file.as_bytes()).await.good();
        assert_eq!(answer["stored"], stored, "{file}");
        let lines: Vec<_> =
            answer["rejected"].as_array().unwrap().iter().map(|r| json!([r["line"], r["code"]])).collect();
        assert_eq!(json!(lines), rejected, "{file}");
        assert_eq!(answer["batch"].is_null(), stored == 0, "a file without keys begins no batch");
    }
}

#[tokio::test]
async fn a_long_file_in_odd_pieces_is_imported_whole() {
    let world = World::stocked(0).await;
    let file: String = (0..5_001).map(|n| format!("LONG-{n:06}\r\n")).collect();
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        file.as_bytes().chunks(997).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let request = Request::post("/v1/skus/steam-50/keys?supplier=acme&unit_cost_minor=2500&currency=CNY")
        .header("authorization", format!("Bearer {}", world.token()))
        .header("content-type", "text/plain")
        .body(Body::from_stream(stream::iter(pieces)))
        .unwrap();
    let summary = world.send(request).await.good();
    assert_eq!((&summary["stored"], &summary["lines"]), (&json!(5_001), &json!(5_001)));
    let batches = world.fresh("/v1/skus/steam-50/batches").await.good();
    assert_eq!(batches["batches"][0]["available"], 5_001);
    assert_eq!(batches["batches"][0]["supplier"], "acme");
}

#[tokio::test]
async fn a_file_that_breaks_off_leaves_whole_chunks_and_can_be_sent_again() {
    let world = World::stocked(0).await;
    let file: String = (0..3_000).map(|n| format!("CUT-{n:06}\n")).collect();
    let broken = [Ok(Bytes::from(file.clone())), Err(std::io::Error::other("hung up"))];
    let request = Request::post("/v1/skus/steam-50/keys")
        .header("authorization", format!("Bearer {}", world.token()))
        .header("content-type", "text/plain")
        .body(Body::from_stream(stream::iter(broken)))
        .unwrap();
    assert_eq!(world.send(request).await.problem(), (400, "interrupted".to_owned()));
    let again = world.import("text/plain", &file).await.good();
    assert_eq!((&again["stored"], &again["duplicates"]), (&json!(1_000), &json!(2_000)));
    let board = world.fresh("/v1/skus/steam-50/quotas").await.good();
    assert_eq!(board["sellable"], 3_000);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused() {
    let world = World::bounded(Limits { import_bytes: 20, ..Limits::default() }).await;
    world.put("/v1/skus/steam-50", &json!({ "name": "n", "family": "f" })).await.good();
    let answer = world.import("text/plain", "AAAAAAAAAA\nBBBBBBBBBB\n").await;
    assert_eq!(answer.problem(), (413, "payload_too_large".to_owned()));
}

#[tokio::test]
async fn what_is_said_about_the_batch_must_make_sense() {
    let world = World::stocked(0).await;
    let headers = [("content-type", "text/plain")];
    for (query, status, code) in [
        ("unit_cost_minor=1", 422, "invalid_parameter"),
        ("unit_cost_minor=1&currency=XXX", 422, "invalid_parameter"),
        ("colour=red", 422, "invalid_parameter"),
        ("unit_cost_minor=-1&currency=CNY", 422, "invalid_value"),
    ] {
        let answer = world.ask("POST", &format!("/v1/skus/steam-50/keys?{query}"), &headers, b"A-1\n").await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{query}");
    }
    let unknown = world.ask("POST", "/v1/skus/none/keys", &headers, b"A-1\n").await;
    assert_eq!(unknown.problem(), (404, "unknown_sku".to_owned()));
}

#[tokio::test]
async fn a_batch_is_kept_from_sale_and_sold_again() {
    let world = World::stocked(3).await;
    let reason = json!({ "reason": "supplier reports theft" });
    world.post("/v1/batches/b1/quarantine", &reason).await.good();
    assert_eq!(world.buy("A-1").await.status, 422);
    assert_eq!(world.fresh("/v1/skus/steam-50/batches").await.good()["batches"][0]["quarantined"], 3);
    world.post("/v1/batches/1/lift", &reason).await.good();
    assert_eq!(world.buy("A-2").await.status, 200);
    let voided = json!({ "keys": ["b1-2"], "reason": "misprint" });
    world.post("/v1/skus/steam-50/void", &voided).await.good();
    assert_eq!(world.fresh("/v1/keys/b1-2").await.good()["state"], "voided");
    assert_eq!(world.fresh("/v1/keys/b1-1").await.good()["state"], "in_stock");
    assert_eq!(world.fresh("/v1/keys/b1-0").await.good()["state"], "delivered");
}
