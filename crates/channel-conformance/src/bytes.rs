//! Every byte by itself: one that is changed or taken out of a genuine request never changes what it means, and
//! never makes a refused request acceptable.

use channel::RawRequest;

use crate::{
    Report,
    carrier::Place,
    run::{Genuine, Run, Verdict},
};

/// The most requests that are judged for one adapter: a debug build takes a second for them.
const JUDGED_MAX: usize = 6_000;
/// The changes of one byte: another letter or digit, another case, no text at all, and gone.
const CHANGES: [Option<u8>; 4] = [Some(0x01), Some(0x20), Some(0x80), None];

/// A byte of a request.
#[derive(Clone, Copy)]
enum Byte {
    Body(usize),
    Query(usize),
    Header(usize, usize),
}

/// Changes each byte of each signed case, evenly thinned out where there are too many.
pub(crate) fn single(run: &Run<'_>, report: &mut Report) {
    let cases: Vec<&Genuine<'_>> = run.signed().collect();
    let total: usize = cases.iter().map(|one| bytes(&one.case.request).len() * CHANGES.len()).sum();
    let step = total.div_ceil(JUDGED_MAX / 2).max(1);
    let mut at = 0;
    for one in cases {
        let foreign = run.subject.keys.foreign.first();
        let foreign = foreign.and_then(|key| (run.subject.sign)(&one.case.request, key));
        let foreign = foreign.filter(|it| matches!(run.judge(it, one.case.now), Verdict::Refused(_)));
        for byte in bytes(&one.case.request) {
            for change in CHANGES {
                at += 1;
                if at % step != 0 {
                    continue;
                }
                genuine(run, report, one, byte, change);
                if let Some(foreign) = &foreign {
                    refused(run, report, one, foreign, byte, change);
                }
            }
        }
    }
}

/// A genuine request with the byte changed is refused, or means what it meant.
fn genuine(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>, byte: Byte, change: Option<u8>) {
    let Some(changed) = changed(&one.case.request, byte, change) else { return };
    report.checks += 1;
    match run.judge(&changed, one.case.now) {
        Verdict::Refused(_) => {}
        Verdict::Accepted(seen) => {
            let read = crate::meaning(&seen);
            // Unsigned words, such as the path's, may turn one genuine request into another.
            if !run.genuine.iter().any(|case| case.meaning == read)
                && let Some(harm) = run.harm(one, &changed, &seen)
            {
                let label = format!("{} of {} {}", name(byte), one.case.name, what(change));
                report.forged_accepted.push(format!("{label}: {harm}"));
            }
        }
        Verdict::Panicked => {
            report.panics.push(format!("{} of {} {}", name(byte), one.case.name, what(change)))
        }
    }
}

/// A request that is refused for its signature stays refused.
fn refused(
    run: &Run<'_>,
    report: &mut Report,
    one: &Genuine<'_>,
    foreign: &RawRequest,
    byte: Byte,
    change: Option<u8>,
) {
    let Some(changed) = changed(foreign, byte, change) else { return };
    report.checks += 1;
    // Where the change undid the only difference, the genuine request is back.
    if changed == one.case.request {
        return;
    }
    if let Verdict::Accepted(seen) = run.judge(&changed, one.case.now) {
        let label = format!("{} of {} under a foreign key {}", name(byte), one.case.name, what(change));
        report.forged_accepted.push(format!("{label}: {}", crate::meaning(&seen)));
    }
}

fn bytes(request: &RawRequest) -> Vec<Byte> {
    let body = (0..request.body.len()).map(Byte::Body);
    let query = (0..request.query.len()).map(Byte::Query);
    let headers = request.headers.iter().enumerate();
    let headers = headers.flat_map(|(n, (_, value))| (0..value.len()).map(move |at| Byte::Header(n, at)));
    body.chain(query).chain(headers).collect()
}

fn changed(request: &RawRequest, byte: Byte, change: Option<u8>) -> Option<RawRequest> {
    let mut changed = request.clone();
    match byte {
        Byte::Body(at) => alter(&mut changed.body, at, change)?,
        Byte::Header(n, at) => alter(&mut changed.headers.get_mut(n)?.1, at, change)?,
        Byte::Query(at) => {
            let mut query = request.query.clone().into_bytes();
            alter(&mut query, at, change)?;
            Place::Query.put(&mut changed, query);
        }
    }
    Some(changed)
}

fn alter(bytes: &mut Vec<u8>, at: usize, change: Option<u8>) -> Option<()> {
    let byte = bytes.get_mut(at)?;
    match change {
        Some(bits) => *byte ^= bits,
        None => drop(bytes.remove(at)),
    }
    Some(())
}

fn name(byte: Byte) -> String {
    match byte {
        Byte::Body(at) => format!("byte {at} of the body"),
        Byte::Query(at) => format!("byte {at} of the query"),
        Byte::Header(n, at) => format!("byte {at} of header {n}"),
    }
}

fn what(change: Option<u8>) -> String {
    change.map_or_else(|| "taken out".to_owned(), |bits| format!("changed by {bits:#04x}"))
}
