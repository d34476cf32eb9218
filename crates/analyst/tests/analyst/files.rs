use std::sync::Arc;

use analyst::{Filter, FilterError, Format, Sheet, SheetWriter, page, sources};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use projection::{
    Cut, Kind, fold_as_of,
    testkit::{MemoryLog, merchant},
};
use serde_json::{Value, json};
use vocabulary::{Position, Timestamp};

use crate::world::{World, models};

fn written(format: Format, sheet: &Sheet, cut: usize) -> Vec<u8> {
    let mut writer = SheetWriter::new(format, &sheet.headings, Vec::new()).unwrap();
    sheet.rows.chunks(cut).for_each(|rows| writer.write(rows).unwrap());
    writer.finish(None).unwrap()
}

async fn whole(world: &World, name: &str) -> Sheet {
    let mut conn = world.views.reader().acquire().await.unwrap();
    page(&mut conn, &merchant(), &world.source(name), &[], None, 100_000).await.unwrap().sheet
}

#[tokio::test]
async fn parquet_holds_every_cell_of_every_view_in_types_that_tools_know() {
    let world = World::new(600).await;
    for source in sources(world.views.projections()) {
        let sheet = whole(&world, source.name).await;
        let bytes: bytes::Bytes = written(Format::Parquet, &sheet, 100).into();
        let reader = SerializedFileReader::new(bytes).unwrap();
        let mut count = 0;
        for (row, cells) in reader.get_row_iter(None).unwrap().zip(&sheet.rows) {
            let row = row.unwrap();
            for ((name, field), (heading, cell)) in
                row.get_column_iter().zip(sheet.headings.iter().zip(cells))
            {
                assert_eq!(*name, heading.name);
                assert_eq!(shown(field), *cell, "{}.{name}", source.name);
                let typed = match heading.kind {
                    Kind::At => matches!(field, Field::TimestampMicros(_) | Field::Null),
                    Kind::Date => matches!(field, Field::Date(_) | Field::Null),
                    Kind::Flag => matches!(field, Field::Bool(_) | Field::Null),
                    Kind::Int => matches!(field, Field::Long(_) | Field::Null),
                    Kind::Real => matches!(field, Field::Double(_) | Field::Null),
                    Kind::Text | Kind::Json => matches!(field, Field::Str(_) | Field::Null),
                };
                assert!(typed, "{}.{name}: {field:?}", source.name);
            }
            count += 1;
        }
        assert_eq!(count, sheet.rows.len(), "{}", source.name);
    }
}

fn shown(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => json!(flag),
        Field::Long(number) => json!(number),
        Field::Double(number) => json!(number),
        Field::TimestampMicros(micros) => json!(projection::iso(Timestamp::from_micros(*micros))),
        Field::Date(days) => {
            json!((chrono::NaiveDate::default() + chrono::Days::new(*days as u64)).to_string())
        }
        Field::Str(text) => match serde_json::from_str(text) {
            Ok(json @ (Value::Object(_) | Value::Array(_))) => json,
            _ => json!(text),
        },
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_same_rows_give_the_same_bytes_however_they_are_cut() {
    let world = World::new(600).await;
    let sheet = whole(&world, "order_row").await;
    for format in Format::ALL {
        let once = written(format, &sheet, usize::MAX);
        assert!(once.len() > 1_000);
        assert_eq!(once, written(format, &sheet, 7), "{format:?}");
        assert_eq!(format.as_str().parse::<Format>(), Ok(format));
    }
    let json: Value = serde_json::from_slice(&written(Format::Json, &sheet, 7)).unwrap();
    assert_eq!(json["rows"], json!(sheet.objects()));
    let empty = Sheet { rows: Vec::new(), ..sheet };
    assert!(SerializedFileReader::new(bytes::Bytes::from(written(Format::Parquet, &empty, 1))).is_ok());
}

#[tokio::test]
async fn a_filter_gives_the_rows_that_pass_and_no_others() {
    let world = World::new(600).await;
    let source = world.source("order_row");
    let all = whole(&world, "order_row").await;
    let channel = all.rows[0][all.place("channel").unwrap()].as_str().unwrap().to_owned();
    let middle = all.rows[all.rows.len() / 2][all.place("first_pos").unwrap()].as_i64().unwrap();
    let paid = all.rows.iter().filter_map(|row| row[all.place("paid_at").unwrap()].as_str()).max().unwrap();
    let place = |name: &str| all.place(name).unwrap();
    let is = |row: &Vec<Value>, name: &str, wanted: &Value| row[place(name)] == *wanted;
    type Test<'t> = Box<dyn Fn(&Vec<Value>) -> bool + 't>;
    let cases: Vec<(Vec<String>, Test<'_>)> = vec![
        (vec![format!("channel:eq:{channel}")], Box::new(|row| is(row, "channel", &json!(channel)))),
        (vec![format!("channel:ne:{channel}")], Box::new(|row| !is(row, "channel", &json!(channel)))),
        (
            vec![format!("first_pos:lt:{middle}")],
            Box::new(|row| row[place("first_pos")].as_i64() < Some(middle)),
        ),
        (
            vec![format!("first_pos:ge:{middle}"), format!("channel:eq:{channel}")],
            Box::new(|row| {
                row[place("first_pos")].as_i64() >= Some(middle) && is(row, "channel", &json!(channel))
            }),
        ),
        (vec![format!("paid_at:eq:{paid}")], Box::new(|row| is(row, "paid_at", &json!(paid)))),
        (
            vec!["state:in:paid,fulfilled,delivered".to_owned()],
            Box::new(|row| {
                ["paid", "fulfilled", "delivered"].iter().any(|state| is(row, "state", &json!(state)))
            }),
        ),
    ];
    for (texts, passes) in cases {
        let filters: Vec<Filter> = texts.iter().map(|text| Filter::parse(text, &source).unwrap()).collect();
        let mut conn = world.views.reader().acquire().await.unwrap();
        let found = page(&mut conn, &merchant(), &source, &filters, None, 100_000).await.unwrap().sheet.rows;
        let wanted: Vec<_> = all.rows.iter().filter(|row| passes(row)).cloned().collect();
        assert!(!found.is_empty(), "{texts:?}");
        assert_eq!(found, wanted, "{texts:?}");
    }
    let quoted = Filter::parse("channel:eq:' OR '1'='1", &source).unwrap();
    let mut conn = world.views.reader().acquire().await.unwrap();
    assert!(page(&mut conn, &merchant(), &source, &[quoted], None, 9).await.unwrap().sheet.rows.is_empty());
    for (text, wrong) in [
        ("channel", FilterError::Shape),
        ("nothing:eq:1", FilterError::Column),
        ("order_json:eq:1", FilterError::Column),
        ("merchant:eq:other", FilterError::Column),
        ("channel:like:x", FilterError::Operator),
        ("first_pos:eq:x", FilterError::Value { column: "first_pos".to_owned(), wanted: "a whole number" }),
        (
            "paid_at:eq:noon",
            FilterError::Value { column: "paid_at".to_owned(), wanted: "an instant, RFC 3339" },
        ),
    ] {
        assert_eq!(Filter::parse(text, &source), Err(wrong), "{text}");
    }
}

#[tokio::test]
async fn a8_rows_as_the_world_was_hold_what_had_happened_even_where_it_was_told_late() {
    let world = World::new(600).await;
    let log = MemoryLog::holding(world.history.clone());
    let late = world.history.iter().filter(|event| event.occurred_at < event.recorded_at).count();
    assert!(late > 0, "nothing in the history came late");
    let at = world.history[world.history.len() / 2].occurred_at;
    let position = Position(world.history.len() as u64);
    let cut = Cut { position, effective: Some(at), received: None };
    let views = fold_as_of(&log, &merchant(), models(), cut).await.unwrap();
    let source = world.source("fct_order_event");
    let mut conn = views.reader().acquire().await.unwrap();
    let found = page(&mut conn, &merchant(), &source, &[], None, 100_000).await.unwrap();
    assert_eq!(found.head, position);
    let all = whole(&world, "fct_order_event").await;
    let occurred = all.place("occurred_at").unwrap();
    let until = projection::iso(at);
    let wanted: Vec<_> =
        all.rows.iter().filter(|row| row[occurred].as_str() <= Some(until.as_str())).cloned().collect();
    assert!(wanted.len() < all.rows.len() && !wanted.is_empty());
    assert_eq!(found.sheet.rows, wanted);
    drop(conn);
    // Both clocks at once: what we knew at a position of what had happened by an instant.
    let early = Cut { position: Position(position.0 / 2), effective: Some(at), received: None };
    let views = fold_as_of(&log, &merchant(), models(), early).await.unwrap();
    let mut conn = views.reader().acquire().await.unwrap();
    let fewer = page(&mut conn, &merchant(), &source, &[], None, 100_000).await.unwrap();
    assert!(fewer.sheet.rows.len() <= wanted.len() && fewer.head == early.position);
    let _kept: Arc<projection::Views> = views;
}
