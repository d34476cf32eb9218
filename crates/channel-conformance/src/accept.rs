//! The twelve variants, 101 to 112, that a genuine sender may use and that must be accepted.

use channel::{Inbound, RawRequest};

use crate::{
    Report, body, carrier,
    meaning::ask,
    run::{Genuine, Run},
};

/// Rows 101 to 112.
pub(crate) fn variants(run: &Run<'_>, report: &mut Report) {
    for one in run.signed() {
        form(run, report, one);
        signature(run, report, one);
        delivery(run, report, one);
        values(run, report, one);
    }
    for variant in &run.subject.variants {
        for one in run.signed() {
            if let Some(request) = (variant.make)(&one.case.request) {
                run.must_accept(report, variant.row, one, &request, one.case.now);
            }
        }
    }
}

/// The variant must be accepted and ask for the same.
fn same(run: &Run<'_>, report: &mut Report, row: u8, one: &Genuine<'_>, request: Option<RawRequest>) {
    let Some(seen) = request.and_then(|request| run.must_accept(report, row, one, &request, one.case.now))
    else {
        return;
    };
    if ask(&seen.ask) != ask(&one.inbound.ask) {
        report.valid_refused.push(format!(
            "row {row} on {}: accepted, but read as {}",
            one.case.name,
            ask(&seen.ask)
        ));
    }
}

/// 101 unknown field, 102 order, 103 header case, 111 line ends.
fn form(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>) {
    let request = &one.case.request;
    let json = carrier::is_json(request);
    let bytes = carrier::bytes(request);
    let with = |bytes: Vec<u8>| run.sign(&carrier::with(request, bytes));
    if json && bytes.starts_with(b"{") {
        let tail = bytes[1..].trim_ascii_start();
        let comma: &[u8] = if tail.starts_with(b"}") { b"" } else { b"," };
        same(run, report, 101, one, with([b"{\"zz_unknown\":{\"a\":[1,null]}", comma, tail].concat()));
        same(run, report, 102, one, run.sign(&body::reordered(request)));
        same(run, report, 111, one, with([bytes, b"\r\n"].concat()));
    } else if !json {
        same(run, report, 101, one, with([bytes, b"&zz_unknown=1"].concat()));
        same(run, report, 102, one, Some(body::reordered(request)));
        let broken = run.with(run.subject.fields.text, request, "one\r\ntwo");
        accepted(run, report, 111, one, broken);
    }
    if !request.headers.is_empty() {
        let mut shouted = request.clone();
        for (name, _) in &mut shouted.headers {
            *name = name.to_ascii_uppercase();
        }
        same(run, report, 103, one, Some(shouted));
    }
}

/// 104 hex case, 105 base64 padding, 109 the older of two keys.
fn signature(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>) {
    let request = &one.case.request;
    if let Some(slot) = run.subject.fields.signature
        && let Some(value) = slot.get(request)
    {
        let hex =
            value.bytes().all(|b| b.is_ascii_hexdigit()) && value.bytes().any(|b| b.is_ascii_alphabetic());
        let lower = value.bytes().any(|b| b.is_ascii_lowercase());
        let other = if lower { value.to_ascii_uppercase() } else { value.to_ascii_lowercase() };
        if hex {
            same(run, report, 104, one, slot.set(request, &other));
        }
        if value.ends_with('=') {
            same(run, report, 105, one, Some(request.clone()));
        }
    }
    if let Some(graced) = run.subject.keys.graced {
        same(run, report, 109, one, (run.subject.sign)(request, graced));
    }
}

/// 107 inside the window, 108 delivered again.
fn delivery(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>) {
    let request = &one.case.request;
    let text = |secs: i64| (run.subject.time_text)(one.case.now.plus_secs(secs));
    let time = run.subject.fields.time;
    if let Some(tolerance) = run.adapter.manifest().clock_tolerance_secs {
        for secs in [-tolerance, tolerance] {
            same(run, report, 107, one, run.with(time, request, &text(secs)));
        }
    }
    // A sender that signs a time signs a new one when it repeats itself.
    let again = run.with(time, request, &text(1)).unwrap_or_else(|| request.clone());
    if let Some(seen) = run.must_accept(report, 108, one, &again, one.case.now)
        && !is_repeat(&seen, &one.inbound)
    {
        report.valid_refused.push(format!(
            "row 108 on {}: delivered again, it is no repeat: {}",
            one.case.name,
            crate::meaning(&seen)
        ));
    }
}

fn is_repeat(seen: &Inbound, first: &Inbound) -> bool {
    seen.id == first.id
        && ask(&seen.ask) == ask(&first.ask)
        && (first.id.is_none() || seen.content == first.content)
}

/// 106 an empty optional field, 110 an integer as a string, 112 emoji.
fn values(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>) {
    let request = &one.case.request;
    let fields = &run.subject.fields;
    let empty = fields.optional.and_then(|slot| slot.set(request, "")).and_then(|empty| run.sign(&empty));
    accepted(run, report, 106, one, empty);
    if let Some(slot) = fields.quantity
        && let Some(value) = slot.get(request)
        && let Some(text) = slot.set_text(request, &value).filter(|text| text != request)
    {
        same(run, report, 110, one, run.sign(&text));
    }
    accepted(run, report, 112, one, run.with(fields.text, request, "买家😀🎁"));
}

fn accepted(run: &Run<'_>, report: &mut Report, row: u8, one: &Genuine<'_>, request: Option<RawRequest>) {
    if let Some(request) = request {
        run.must_accept(report, row, one, &request, one.case.now);
    }
}
