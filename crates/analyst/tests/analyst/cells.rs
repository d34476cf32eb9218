use analyst::{
    cell::{Because, Cell, EVENTS_MAX, Explained, explain},
    sources,
};
use projection::{
    Pick,
    testkit::{MemoryLog, merchant},
};
use serde_json::Value;

use crate::world::{World, models};

async fn rows(world: &World, name: &str) -> analyst::Sheet {
    let mut conn = world.views.reader().acquire().await.unwrap();
    let source = world.source(name);
    analyst::page(&mut conn, &merchant(), &source, &[], None, 100_000).await.unwrap().sheet
}

async fn explained(world: &World, log: &MemoryLog, name: &str, row: &[Value], column: &str) -> Explained {
    let source = world.source(name);
    let sheet = rows(world, name).await;
    let key: Vec<Value> =
        source.key_columns().map(|column| row[sheet.place(column.name).unwrap()].clone()).collect();
    let merchant = merchant();
    let cell = Cell { views: world.views.clone(), merchant: &merchant, source: &source, key: &key, column };
    explain(log, &cell).await.unwrap()
}

#[tokio::test]
async fn a4_any_cell_leads_to_its_events_and_each_of_them_matters() {
    let world = World::new(400).await;
    let log = MemoryLog::holding(world.history.clone());
    let mut exact = 0;
    for source in sources(world.views.projections()) {
        let sheet = rows(&world, source.name).await;
        let Some(row) = sheet.rows.get(sheet.rows.len() / 2) else { continue };
        for (place, heading) in sheet.headings.iter().enumerate() {
            let found = explained(&world, &log, source.name, row, &heading.name).await;
            let cell = format!("{}.{}", source.name, heading.name);
            assert_eq!(found.value, row[place], "{cell}");
            assert!(!found.events.is_empty() && found.events.len() <= EVENTS_MAX, "{cell}");
            let mut value = Value::Null;
            for step in &found.events {
                if let Some((before, after)) = &step.change {
                    assert_eq!(*before, value, "{cell} at {}", step.event.position);
                    value = after.clone();
                }
            }
            if found.because == Because::Changed {
                assert_eq!(value, found.value, "{cell}");
                exact += 1;
            }
        }
    }
    assert!(exact > 100, "only {exact} cells are told exactly");
}

#[tokio::test]
async fn without_one_of_the_events_that_changed_it_a_cell_is_another() {
    let world = World::new(700).await;
    let log = MemoryLog::holding(world.history.clone());
    let sheet = rows(&world, "mart_sales_day").await;
    let gross = sheet.place("gross_fen").unwrap();
    let row = sheet.rows.iter().max_by_key(|row| row[gross].as_i64()).unwrap();
    let found = explained(&world, &log, "mart_sales_day", row, "gross_fen").await;
    assert_eq!(found.because, Because::Changed);
    assert!(
        found
            .events
            .iter()
            .all(|step| step.event.type_name.contains("Payment") || step.event.type_name == "OrderPlaced")
    );
    let source = world.source("mart_sales_day");
    for left_out in &found.events {
        let mut pick = Pick::new(&merchant(), models()).await.unwrap();
        for event in world.history.iter().filter(|event| event.position != left_out.event.position) {
            pick.take(event.clone()).await.unwrap();
        }
        let mut conn = pick.views().reader().acquire().await.unwrap();
        let other = analyst::page(&mut conn, &merchant(), &source, &[], None, 1_000).await.unwrap().sheet;
        let key = source.key;
        let same = other.rows.iter().find(|it| it[..key] == row[..key]);
        assert_ne!(same.map(|it| &it[gross]), Some(&row[gross]), "{}", left_out.event.position);
    }
}

#[tokio::test]
async fn the_query_of_a_cell_finds_the_same_events() {
    let world = World::new(700).await;
    let log = MemoryLog::holding(world.history.clone());
    let sheet = rows(&world, "mart_sales_hour").await;
    let found = explained(&world, &log, "mart_sales_hour", &sheet.rows[0], "orders").await;
    let answer = world.ask(&found.query.unwrap()).unwrap();
    let positions: Vec<u64> = answer.sheet.rows.iter().filter_map(|row| row[0].as_u64()).collect();
    assert!(found.events.iter().all(|step| positions.contains(&step.event.position.0)));
}
