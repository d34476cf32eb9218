//! Harsh mutations of genuine requests: with words that parsers stumble over, and through the fuzz targets' entry
//! points, so that a stable toolchain runs them too.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    str::FromStr,
};

use channel::RawRequest;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    Report, Subject, carrier, drive,
    mutate::mutate,
    run::{Genuine, Run, Verdict},
};

/// How many rounds belong to the suite: they take well below a second.
const ROUNDS: u32 = 300;
/// More rounds than the suite's, for a longer run.
const ROUNDS_VARIABLE: &str = "KAMI_HAMMER_ROUNDS";
/// Another seed than the suite's.
const SEED_VARIABLE: &str = "KAMI_HAMMER_SEED";
const SEED: u64 = 0x6861_6d6d;

/// Words that some parser stumbles over: of JSON, of forms, of UTF-8 and GBK, and of numbers.
const WORDS: &[&[u8]] = &[
    b"null",
    b"{}",
    b"[]",
    b"\"\"",
    b"true",
    b"{\"a\":1,\"a\":2}",
    b"\\u0000",
    b"\\ud800",
    b"\\\"",
    b"__proto__",
    b",",
    b"//",
    b"&&",
    b"==",
    b"&=",
    b"%",
    b"%00",
    b"%zz",
    b"%26",
    b"%3D",
    b"%25%32%36",
    b"+",
    b"[0]",
    b"a[b]=c",
    b"\xef\xbb\xbf",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xff\xfe",
    b"\xe2\x80\xae",
    b"\xcc\x81",
    b"\xd4\xaa",
    b"\x81\x30\x81\x30",
    b"\x80",
    b"\xa3\xb1",
    b"0",
    b"-0",
    b"-1",
    b"1e308",
    b"1e-400",
    b"0x10",
    b"1.0000000000000000000001",
    b"2147483648",
    b"9007199254740993",
    b"9223372036854775808",
    b"18446744073709551616",
    b"99999999999999999999999999999999999999",
    b"NaN",
    b"1970-01-01 00:00:00",
    b"9999-12-31 23:59:60",
    b"00000000000000",
    b"\r\n",
    b"\0",
];
/// How deep, and how long, what is nested or repeated gets.
const DEPTHS: [usize; 4] = [31, 33, 200, 3_000];

/// Mutates genuine requests `rounds` times, from a seed. None may make the adapter panic; none may be accepted with
/// another meaning, or although the text that is signed is another; and one that is signed anew must be refused, or
/// read within the contract.
pub fn hammer(subject: &Subject, seed: u64, rounds: u32) -> Report {
    let mut report = Report::default();
    if let Some(run) = Run::start(subject, &mut report) {
        rounds_of(&run, &mut report, seed, rounds);
    }
    report
}

/// The suite's own rounds, or as many as the environment says.
pub(crate) fn shortly(run: &Run<'_>, report: &mut Report) {
    let (rounds, seed) = (from_environment(ROUNDS_VARIABLE), from_environment(SEED_VARIABLE));
    match (rounds, seed) {
        (Ok(rounds), Ok(seed)) => rounds_of(run, report, seed.unwrap_or(SEED), rounds.unwrap_or(ROUNDS)),
        (rounds, seed) => {
            report.other.extend(rounds.err().into_iter().chain(seed.err()));
        }
    }
}

fn from_environment<T: FromStr>(name: &str) -> Result<Option<T>, String> {
    let Ok(text) = std::env::var(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("{name} is no number that can be used"))
}

fn rounds_of(run: &Run<'_>, report: &mut Report, seed: u64, rounds: u32) {
    let cases: Vec<&Genuine<'_>> = run.signed().collect();
    if cases.is_empty() {
        return;
    }
    let mut rng = StdRng::seed_from_u64(seed);
    for round in 0..rounds {
        let one = cases[rng.random_range(0..cases.len())];
        let other = cases[rng.random_range(0..cases.len())];
        let mut mutant = one.case.request.clone();
        for _ in 0..rng.random_range(1..=4) {
            if rng.random_bool(0.3) {
                mutate(&mut mutant, &other.case.request, &mut rng);
            } else {
                strike(&mut mutant, &mut rng);
            }
        }
        let label = |what: &str| format!("round {round} of seed {seed} on {}: {what}", one.case.name);
        as_it_is(run, report, one, &mutant, &label);
        if let Some(signed) = run.sign(&mutant) {
            signed_anew(run, report, one, &signed, &label);
        }
    }
}

/// Without the key: refused, or the same.
fn as_it_is(
    run: &Run<'_>,
    report: &mut Report,
    one: &Genuine<'_>,
    mutant: &RawRequest,
    label: &dyn Fn(&str) -> String,
) {
    report.checks += 1;
    let driven = RawRequest { received_at: one.case.now, ..mutant.clone() };
    if catch_unwind(AssertUnwindSafe(|| drive(run.adapter.as_ref(), &driven))).is_err() {
        report.panics.push(label("when driven"));
        return;
    }
    let Verdict::Accepted(seen) = run.judge(mutant, one.case.now) else { return };
    let read = crate::meaning(&seen);
    // A splice may make the mutant another genuine case.
    if !run.genuine.iter().any(|case| case.meaning == read)
        && let Some(harm) = run.harm(one, mutant, &seen)
    {
        report.forged_accepted.push(label(&harm));
    }
    // An unsigned header may name the charset in which the text is shown.
    if mutant.headers != one.case.request.headers {
        return;
    }
    let text = run.adapter.signed_text(mutant);
    let is_signed = |case: &Genuine<'_>| run.adapter.signed_text(&case.case.request) == text;
    if text.is_some() && !run.genuine.iter().any(is_signed) {
        report.forged_accepted.push(label("accepted, but the signed text is another"));
    }
}

/// With the key: refused, or read within the contract.
fn signed_anew(
    run: &Run<'_>,
    report: &mut Report,
    one: &Genuine<'_>,
    signed: &RawRequest,
    label: &dyn Fn(&str) -> String,
) {
    report.checks += 1;
    match run.judge(signed, one.case.now) {
        Verdict::Accepted(seen) => {
            let defect = crate::meaning::defect(&seen);
            report.other.extend(defect.map(|defect| label(&format!("signed anew: {defect}"))));
        }
        Verdict::Refused(_) => {}
        Verdict::Panicked => report.panics.push(label("signed anew")),
    }
}

/// One blow with a word: into the bytes, over a value, or nested.
fn strike(request: &mut RawRequest, rng: &mut StdRng) {
    let mut word = WORDS[rng.random_range(0..WORDS.len())].to_vec();
    if rng.random_bool(0.05) {
        let depth = DEPTHS[rng.random_range(0..DEPTHS.len())];
        let (open, close): (&[u8], &[u8]) =
            [(&b"["[..], &b"]"[..]), (b"{\"a\":", b"}"), (b"9", b""), (b"%25", b"")][rng.random_range(0..4)];
        word = [open.repeat(depth), word, close.repeat(depth)].concat();
    }
    let into_header = !request.headers.is_empty() && rng.random_bool(0.15);
    if into_header {
        let at = rng.random_range(0..request.headers.len());
        request.headers[at].1 = placed(&request.headers[at].1, &word, rng);
    } else if !request.query.is_empty() && rng.random_bool(0.2) {
        let changed = placed(request.query.as_bytes(), &word, rng);
        carrier::Place::Query.put(request, changed);
    } else {
        let changed = placed(carrier::bytes(request), &word, rng);
        *request = carrier::with(request, changed);
    }
}

/// The word somewhere in the bytes: put in, over as many bytes, or instead of a whole value.
fn placed(bytes: &[u8], word: &[u8], rng: &mut StdRng) -> Vec<u8> {
    let at = rng.random_range(0..=bytes.len());
    let ends_value = |byte: &u8| b"\"&=,:{}[]".contains(byte);
    let end = match rng.random_range(0..3) {
        0 => at,
        1 => (at + word.len()).min(bytes.len()),
        _ => bytes[at..].iter().position(ends_value).map_or(bytes.len(), |length| at + length),
    };
    let start = bytes[..at].iter().rposition(ends_value).map_or(0, |before| before + 1);
    let start = if end == at || rng.random_bool(0.5) { at } else { start };
    [&bytes[..start], word, &bytes[end..]].concat()
}
