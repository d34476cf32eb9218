//! Thousands of random changes, from a fixed seed: none may panic, none may change the meaning.

use channel::RawRequest;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    Report, carrier,
    run::{Run, Verdict},
};

/// Bytes that some parser gives a meaning to.
const DELIMITERS: &[u8] = b"\0&=%+\"{}[],:.0\xff";
/// One mutation in this many is also signed, to reach the parser.
const SIGNED_EVERY: u32 = 10;

/// Tries random mutations of the signed cases.
pub(crate) fn random(run: &Run<'_>, report: &mut Report) {
    let cases: Vec<_> = run.signed().collect();
    if cases.is_empty() {
        return;
    }
    let mut rng = StdRng::seed_from_u64(0x6b61_6d69);
    for round in 0..run.subject.mutations {
        let one = cases[rng.random_range(0..cases.len())];
        let other = cases[rng.random_range(0..cases.len())];
        let mut mutant = one.case.request.clone();
        for _ in 0..rng.random_range(1..=3) {
            mutate(&mut mutant, &other.case.request, &mut rng);
        }
        report.checks += 1;
        match run.judge(&mutant, one.case.now) {
            // A splice may make the mutant another genuine case; then that one's meaning is the right one.
            Verdict::Accepted(seen) => {
                let read = crate::meaning(&seen);
                if !cases.iter().any(|case| case.meaning == read)
                    && let Some(harm) = run.harm(one, &mutant, &seen)
                {
                    report.forged_accepted.push(format!("a mutation of {}: {harm}", one.case.name));
                }
            }
            Verdict::Refused(_) => {}
            Verdict::Panicked => report.panics.push(format!("a mutation of {}", one.case.name)),
        }
        if round % SIGNED_EVERY == 0
            && let Some(signed) = run.sign(&mutant)
        {
            report.checks += 1;
            match run.judge(&signed, one.case.now) {
                Verdict::Accepted(seen) => {
                    let defect = crate::meaning::defect(&seen);
                    report.check(defect.is_none(), || {
                        format!("a signed mutation of {}: {}", one.case.name, defect.unwrap_or_default())
                    });
                }
                Verdict::Refused(_) => {}
                Verdict::Panicked => report.panics.push(format!("a signed mutation of {}", one.case.name)),
            }
        }
    }
}

/// One random change; `other` is what is spliced in.
pub(crate) fn mutate(request: &mut RawRequest, other: &RawRequest, rng: &mut StdRng) {
    match rng.random_range(0..12) {
        0..=5 => {
            let changed = scratch(carrier::bytes(request), rng);
            *request = carrier::with(request, changed);
        }
        6 | 7 if !request.headers.is_empty() => {
            let at = rng.random_range(0..request.headers.len());
            request.headers[at].1 = scratch(&request.headers[at].1, rng);
        }
        8 if !request.query.is_empty() => {
            let changed = scratch(request.query.as_bytes(), rng);
            carrier::Place::Query.put(request, changed);
        }
        9 => {
            // The head of one message and the tail of another.
            let (head, tail) = (carrier::bytes(request), carrier::bytes(other));
            let at = rng.random_range(0..=head.len().min(tail.len()));
            let spliced = [&head[..at], &tail[at..]].concat();
            *request = carrier::with(request, spliced);
        }
        10 if !request.headers.is_empty() => {
            let at = rng.random_range(0..request.headers.len());
            if rng.random_bool(0.5) {
                request.headers.remove(at);
            } else {
                let twice = request.headers[at].clone();
                request.headers.push(twice);
            }
        }
        11 => match rng.random_range(0..3) {
            0 => request.method = ["GET", "POST", "PUT", ""][rng.random_range(0..4)].to_owned(),
            1 => request.topic.push_str(["x", "/", "/../a", "?"][rng.random_range(0..4)]),
            _ => request.headers.clone_from(&other.headers),
        },
        _ => request.headers.push(("x-extra".to_owned(), scratch(b"value", rng))),
    }
}

/// One small change of some bytes.
fn scratch(bytes: &[u8], rng: &mut StdRng) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    if changed.is_empty() {
        return vec![rng.random()];
    }
    let at = rng.random_range(0..changed.len());
    match rng.random_range(0..7) {
        0 => changed[at] ^= 1 << rng.random_range(0..8),
        1 => changed[at] = rng.random(),
        2 => {
            changed.remove(at);
        }
        3 => changed.insert(at, DELIMITERS[rng.random_range(0..DELIMITERS.len())]),
        4 => changed.truncate(at),
        5 => {
            let to = rng.random_range(0..changed.len());
            changed.swap(at, to);
        }
        _ => {
            let end = rng.random_range(at..changed.len());
            let piece = changed[at..=end].to_vec();
            changed.splice(at..at, piece);
        }
    }
    changed
}
