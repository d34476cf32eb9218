//! Key files: every format, every fault of a line, any chunks.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use proptest::prelude::*;
use vault::key_file::{Format, KeyFileParser, LINE_BYTES_MAX, LineError, LineVerdict};
use vocabulary::{CardKey, KeyKind};

/// A key as text, which only a test may do: `code`, `code|pin`, `code|pin|day`.
fn show(key: &CardKey) -> String {
    let mut text = key.code.expose().clone();
    if key.pin.is_some() || key.expires_on.is_some() {
        text = format!("{text}|{}", key.pin.as_ref().map_or("", |pin| pin.expose()));
    }
    key.expires_on.map_or_else(|| text.clone(), |day| format!("{text}|{day}"))
}

fn told(verdicts: &[LineVerdict]) -> Vec<(u64, Result<String, LineError>)> {
    verdicts.iter().map(|v| (v.line, v.verdict.as_ref().map(show).map_err(|error| *error))).collect()
}

/// All verdicts on a file fed in pieces of `size` bytes.
fn parse(format: Format, kind: KeyKind, file: &[u8], size: usize) -> Vec<(u64, Result<String, LineError>)> {
    let mut parser = KeyFileParser::new(format, kind);
    let mut verdicts = Vec::new();
    for chunk in file.chunks(size) {
        verdicts.extend(parser.feed(chunk));
    }
    verdicts.extend(parser.finish());
    told(&verdicts)
}

/// The verdicts on a file, each as `line key` or `line error code`.
fn lines(format: Format, kind: KeyKind, file: &str) -> Vec<String> {
    let word = |(line, verdict): (u64, Result<String, LineError>)| match verdict {
        Ok(key) => format!("{line} {key}"),
        Err(error) => format!("{line} !{}", error.code()),
    };
    parse(format, kind, file.as_bytes(), usize::MAX).into_iter().map(word).collect()
}

#[test]
fn plain_text_has_one_key_per_line() {
    let text = |file| lines(Format::Text, KeyKind::OneShot, file);
    assert_eq!(text("AA\nBB"), ["1 AA", "2 BB"]);
    assert_eq!(text("AA\r\nBB\r\n"), ["1 AA", "2 BB"]);
    assert_eq!(text("\u{feff}AA\n"), ["1 AA"]);
    assert_eq!(text("  AA BB,CC \t\n"), ["1 AA BB,CC"]);
    assert_eq!(text("AA\n\n \t \nBB\n\n"), ["1 AA", "2 !blank", "3 !blank", "4 BB", "5 !blank"]);
    assert_eq!(text("卡密　\n"), ["1 卡密"]);
    assert_eq!(text(""), [""; 0]);
    assert_eq!(text("\u{feff}"), ["1 !blank"]);
}

#[test]
fn pairs_are_parted_by_white_space_or_a_comma() {
    let text = |file| lines(Format::Text, KeyKind::Pair, file);
    for line in ["AA 11", "AA,11", "AA\t11", "AA , 11", "AA,  11", " AA   11 ", "AA,\t11\r"] {
        assert_eq!(text(line), ["1 AA|11"], "{line:?}");
    }
    assert_eq!(text("AA\nAA,\n,11"), ["1 !missing_pin", "2 !missing_pin", "3 !missing_code"]);
    assert_eq!(
        text("AA 11 22\nAA,11,22\nAA,,11\nAA , , 11"),
        ["1 !wrong_columns", "2 !wrong_columns", "3 !wrong_columns", "4 !wrong_columns"]
    );
}

#[test]
fn csv_columns_stand_in_the_order_of_the_header() {
    let csv = |file| lines(Format::Csv, KeyKind::OneShot, file);
    assert_eq!(csv("code\nAA\nBB\n"), ["2 AA", "3 BB"]);
    assert_eq!(csv("\u{feff}expires_on,Code, pin\n2027-01-31,AA,11\n,BB,\n"), ["2 AA|11|2027-01-31", "3 BB"]);
    assert_eq!(csv("\"code\",pin\n\"A,A\",\"1\"\"1\"\n"), ["2 A,A|1\"1"]);
    assert_eq!(csv("\n\ncode\nAA\n"), ["1 !blank", "2 !blank", "4 AA"]);
    assert_eq!(
        csv("code,pin\nAA\nAA,1,2\n\"AA,1\n\"AA\"x,1\nA\"A,1\n,1\n"),
        [
            "2 !wrong_columns",
            "3 !wrong_columns",
            "4 !wrong_columns",
            "5 !wrong_columns",
            "6 !wrong_columns",
            "7 !missing_code"
        ]
    );
    assert_eq!(lines(Format::Csv, KeyKind::Pair, "code,pin\nAA,\nAA,1"), ["2 !missing_pin", "3 AA|1"]);
    assert_eq!(lines(Format::Csv, KeyKind::Pair, "code\nAA"), ["2 !missing_pin"]);
}

#[test]
fn without_a_good_header_no_line_is_read() {
    for header in ["pin", "code,code", "code,price", "AA", "\"code", "code;pin"] {
        let file = format!("{header}\nAA\n\n");
        let told = lines(Format::Csv, KeyKind::OneShot, &file);
        assert_eq!(told, ["1 !bad_header", "2 !bad_header", "3 !blank"], "{header}");
    }
}

#[test]
fn ndjson_lines_are_objects_of_texts() {
    let json = |file| lines(Format::Ndjson, KeyKind::OneShot, file);
    assert_eq!(json(r#"{"code":"AA"}"#), ["1 AA"]);
    assert_eq!(json(r#" {"pin":"11","expires_on":"2027-01-31","code":" A\"A "} "#), ["1 A\"A|11|2027-01-31"]);
    assert_eq!(json(r#"{"code":"AA","pin":null,"expires_on":null}"#), ["1 AA"]);
    assert_eq!(json(r#"{"code":"\u5361"}"#), ["1 卡"]);
    for bad in [
        r#"{"code":12}"#,
        r#"{"pin":"1"}"#,
        r#"{"code":"A","pim":"1"}"#,
        r#"{"code":"A","code":"B"}"#,
        r#"{"code":"A"}{"code":"B"}"#,
        r#""AA""#,
        r#"["AA"]x"#,
        "AA",
        r#"{"code":"A"#,
    ] {
        assert_eq!(json(bad), ["1 !bad_json"], "{bad}");
    }
    assert_eq!(json(r#"{"code":" "}"#), ["1 !missing_code"]);
    assert_eq!(json(r#"{"code":"A\u0000B"}"#), ["1 !control_character"]);
}

#[test]
fn only_real_days_are_dates() {
    for bad in ["2027-1-31", "2027-02-29", "2027/01/31", "+027-01-31", "20270131", "2027-01-31T00:00", "soon"]
    {
        let told = lines(Format::Csv, KeyKind::OneShot, &format!("code,expires_on\nAA,{bad}"));
        assert_eq!(told, ["2 !bad_date"], "{bad}");
    }
    let told = lines(Format::Csv, KeyKind::OneShot, "code,expires_on\nAA, 2028-02-29 ");
    assert_eq!(told, ["2 AA||2028-02-29"]);
}

#[test]
fn characters_that_a_buyer_could_not_type_are_refused() {
    for odd in ["A\u{0}A", "A\tA", "A\rA", "A\u{7f}", "A\u{200b}A", "A\u{feff}A", "\u{202e}AA", "A\u{85}A"] {
        let told = lines(Format::Text, KeyKind::OneShot, &format!("{odd}\nBB"));
        assert_eq!(told, ["1 !control_character", "2 BB"], "{odd:?}");
    }
    let told = parse(Format::Text, KeyKind::OneShot, b"A\xff\nBB\n\xc3\x28", 1);
    assert_eq!(told, [(1, Err(LineError::NotUtf8)), (2, Ok("BB".into())), (3, Err(LineError::NotUtf8))]);
}

#[test]
fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
    for (length, end, fits) in [
        (LINE_BYTES_MAX, "\n", true),
        (LINE_BYTES_MAX, "\r\n", true),
        (LINE_BYTES_MAX, "", true),
        (LINE_BYTES_MAX + 1, "\n", false),
        (LINE_BYTES_MAX + 1, "\r\n", false),
        (LINE_BYTES_MAX + 1, "", false),
        (1 << 20, "\n", false),
        (1 << 20, "", false),
    ] {
        for mark in ["", "\u{feff}"] {
            let file = format!("{mark}{}{end}", "A".repeat(length));
            for size in [1, 4096, usize::MAX] {
                let told = parse(Format::Text, KeyKind::OneShot, file.as_bytes(), size);
                assert_eq!(told.len(), 1);
                assert_eq!(told[0].1.is_ok(), fits, "{length} {end:?} {mark:?} {size}");
                assert!(fits || told[0].1 == Err(LineError::TooLong));
            }
        }
    }
    let file = format!("{}\nBB\n", "A".repeat(1 << 20));
    assert_eq!(lines(Format::Text, KeyKind::OneShot, &file), ["1 !too_long", "2 BB"]);
    assert_eq!(lines(Format::Csv, KeyKind::OneShot, &file), ["1 !bad_header", "2 !bad_header"]);
}

#[test]
fn content_types_name_the_formats() {
    for (text, format) in [
        ("text/plain", Some(Format::Text)),
        ("Text/Plain; charset=utf-8", Some(Format::Text)),
        ("text/csv;header=present", Some(Format::Csv)),
        ("application/x-ndjson", Some(Format::Ndjson)),
        ("application/jsonl", Some(Format::Ndjson)),
        ("application/json", None),
        ("", None),
    ] {
        assert_eq!(Format::from_content_type(text), format, "{text}");
    }
}

fn any_format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Text), Just(Format::Csv), Just(Format::Ndjson)]
}

fn any_kind() -> impl Strategy<Value = KeyKind> {
    prop_oneof![Just(KeyKind::OneShot), Just(KeyKind::Pair), Just(KeyKind::Reusable { use_limit: 3 })]
}

/// A file made of pieces that matter to some format.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\n".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        1 => prop_oneof![Just("\u{feff}"), Just("卡"), Just("\""), Just(","), Just(" "), Just("\r")]
            .prop_map(|text| text.as_bytes().to_vec()),
        2 => Just(b"code,pin,expires_on\n".to_vec()),
        2 => Just(br#"{"code":"AA","pin":"1"}"#.to_vec()),
        3 => "[A-Z0-9]{1,8}([, ][0-9]{1,4})?(,20[0-9]{2}-0[1-9]-[0-3][0-9])?".prop_map(String::into_bytes),
        1 => (4090usize..4105).prop_map(|n| vec![b'A'; n]),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn chunks_make_no_difference(
        format in any_format(), kind in any_kind(), file in any_file(), cuts in proptest::collection::vec(1usize..600, 1..20)
    ) {
        let whole = parse(format, kind, &file, usize::MAX);
        prop_assert_eq!(&parse(format, kind, &file, 1), &whole);
        let mut parser = KeyFileParser::new(format, kind);
        let (mut rest, mut verdicts) = (&file[..], Vec::new());
        for cut in cuts.iter().cycle() {
            let (chunk, after) = rest.split_at((*cut).min(rest.len()));
            verdicts.extend(parser.feed(chunk));
            verdicts.extend(parser.feed(b""));
            rest = after;
            if rest.is_empty() { break }
        }
        verdicts.extend(parser.finish());
        prop_assert_eq!(told(&verdicts), whole);
    }

    #[test]
    fn every_line_has_one_verdict_but_for_a_header(format in any_format(), kind in any_kind(), file in any_file()) {
        let verdicts = parse(format, kind, &file, usize::MAX);
        let count = file.iter().filter(|byte| **byte == b'\n').count() + usize::from(!file.is_empty() && !file.ends_with(b"\n"));
        let mut expected: Vec<u64> = (1..=count as u64).collect();
        let numbers: Vec<u64> = verdicts.iter().map(|verdict| verdict.0).collect();
        if format == Format::Csv && numbers.len() < expected.len() {
            let header = expected.iter().position(|line| !numbers.contains(line)).unwrap();
            expected.remove(header);
        }
        prop_assert_eq!(numbers, expected);
    }

    #[test]
    fn an_error_never_repeats_the_key(format in any_format(), key in "[A-Z]{12}[\u{0}\u{1}\u{200b}][A-Z]{12}") {
        let file = format!("{key} {key} {key}\n{{\"code\":\"{key}\"}}\n\"{key}\n");
        for (_, verdict) in parse(format, KeyKind::Pair, file.as_bytes(), usize::MAX) {
            if let Err(error) = verdict {
                let text = format!("{error} {error:?} {}", error.code());
                prop_assert!(!text.contains(&key[..12]) && !text.contains(&key[key.len() - 12..]));
            }
        }
    }
}
