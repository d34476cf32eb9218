//! Outward calls: built the same way every time, and read without wishful thinking.

use channel::{Ask, CallOutcome, OutboundRequest, OutboundResponse, Response, TransportFailure, Unable};
use rand::{Rng, SeedableRng, rngs::StdRng};
use vocabulary::Timestamp;

use crate::{Report, jobs::Stated, run::Run};

/// All checks of outward calls.
pub(crate) fn calls(run: &Run<'_>, report: &mut Report) {
    capabilities(run, report);
    let now = run.subject.cases.first().map_or(Timestamp::from_secs(1_767_322_800), |case| case.now);
    let (jobs, stated) = (run.subject.jobs, Stated::by(run));
    let number = stated.number.as_str();
    if let Some(deliver) = run.adapter.deliver() {
        let job = jobs.delivery(&stated);
        call(report, "deliver", || deliver.request(&job, now));
        responses(run, report, "deliver", |response| deliver.interpret(&job, response));
        if let Some(asked) = deliver.ask(&job, now) {
            call(report, "ask of a delivery", || asked.clone());
            responses(run, report, "ask of a delivery", |response| deliver.interpret_ask(&job, response));
        }
    }
    if let Some(push) = run.adapter.push_stock() {
        let job = jobs.stock();
        call(report, "push stock", || push.request(&job, now));
        responses(run, report, "push stock", |response| push.interpret(&job, response));
    }
    if let Some(read) = run.adapter.read_back() {
        call(report, "read back", || read.request(number, now));
        responses(run, report, "read back", |response| read.interpret(number, response));
    }
    if let Some(check) = run.adapter.check_payment() {
        let job = jobs.payment(&stated);
        call(report, "check payment", || check.request(&job, now));
        responses(run, report, "check payment", |response| check.interpret(&job, response));
    }
    if let Some(refund) = run.adapter.refund() {
        let job = jobs.refund(&stated);
        call(report, "refund", || refund.request(&job, now));
        responses(run, report, "refund", |response| refund.interpret(&job, response));
        if let Some(asked) = refund.ask(&job, now) {
            call(report, "ask of a refund", || asked.clone());
            responses(run, report, "ask of a refund", |response| refund.interpret_ask(&job, response));
        }
    }
}

/// What the manifest declares is what the adapter has, with settings that enable everything.
fn capabilities(run: &Run<'_>, report: &mut Report) {
    let adapter = &run.adapter;
    let declared = run.subject.protocol.manifest.capabilities;
    let has = channel::Capabilities {
        deliver: adapter.deliver().is_some(),
        push_stock: adapter.push_stock().is_some(),
        read_back: adapter.read_back().is_some(),
        check_payment: adapter.check_payment().is_some(),
        refund: adapter.refund().is_some(),
        poll: !adapter.polls().is_empty(),
        renew: adapter.renew().is_some(),
        procure: adapter.procure().is_some(),
        // What the channel does by itself cannot be seen on the adapter.
        refunds_cancelled_orders: declared.refunds_cancelled_orders,
    };
    report.check(declared == has, || format!("the manifest declares {declared:?}, the adapter has {has:?}"));
    let known: Vec<&str> = run.subject.protocol.manifest.confidence.iter().map(|(part, _)| *part).collect();
    for part in std::iter::once("inbound").chain(declared.names()) {
        report.check(known.contains(&part), || format!("the manifest does not say how well {part} is known"));
    }
    for one in &run.genuine {
        let name = one.case.name;
        let (needs_read_back, needs_check) = match &one.inbound.ask {
            Ask::ReadBack { .. } => (true, false),
            Ask::Payment(payment) => (false, payment.check_first),
            _ => (false, false),
        };
        report
            .check(!needs_read_back || has.read_back, || format!("{name}: asks to read back what cannot be"));
        report.check(!needs_check || has.check_payment, || format!("{name}: asks to check what cannot be"));
    }
}

/// The same job gives the same call, to a proper address, and no card key stands in its address or headers.
fn call(report: &mut Report, name: &str, build: impl Fn() -> Result<OutboundRequest, Unable>) {
    let (first, second) = match (build(), build()) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(why), _) | (_, Err(why)) => {
            report.check(false, || format!("{name}: {why}"));
            return;
        }
    };
    report.check(first == second, || format!("{name}: two calls for one job differ"));
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    let safe = first.url.starts_with("https://") || local.iter().any(|host| first.url.starts_with(host));
    report.check(safe, || format!("{name}: the address is not https"));
    report.check(["GET", "POST", "PUT"].contains(&first.method), || {
        format!("{name}: the method is {}", first.method)
    });
    let open = |text: &[u8]| String::from_utf8_lossy(text).contains("CLEAR-");
    let shown = open(first.url.as_bytes()) || first.headers.iter().any(|(_, value)| open(value.as_bytes()));
    report.check(!shown, || format!("{name}: a card key stands in the address or a header"));
}

fn responses<T>(
    run: &Run<'_>,
    report: &mut Report,
    name: &str,
    read: impl Fn(Response<'_>) -> CallOutcome<T>,
) {
    let with = |status: u16, retry_after: Option<u32>, body: &[u8]| OutboundResponse {
        status,
        headers: Vec::new(),
        retry_after,
        body: body.to_vec(),
    };
    let lost = read(Err(TransportFailure::NoAnswer));
    report
        .check(matches!(lost, CallOutcome::Unknown { .. }), || format!("{name}: a time-out is not Unknown"));
    let unsent = read(Err(TransportFailure::NotSent));
    report.check(matches!(unsent, CallOutcome::RetryAfter { .. }), || {
        format!("{name}: a call that never left is not RetryAfter")
    });
    let limited = read(Ok(&with(429, Some(7), b"{}")));
    report.check(matches!(limited, CallOutcome::RetryAfter { secs: 7, .. }), || {
        format!("{name}: 429 with 7 seconds is not RetryAfter of 7 seconds")
    });
    for status in [500, 502, 504] {
        let broken = read(Ok(&with(status, None, b"<html>oops</html>")));
        report.check(matches!(broken, CallOutcome::Unknown { .. } | CallOutcome::RetryAfter { .. }), || {
            format!("{name}: status {status} is taken for an answer")
        });
    }
    let bodies: [&[u8]; 8] = [b"", b"{}", b"[]", b"null", b"<html>", b"success?", b"\xff\xfe", b"{\"code\":"];
    for body in bodies.iter().filter(|_| run.subject.body_decides) {
        let vague = read(Ok(&with(200, None, body)));
        report.check(!matches!(vague, CallOutcome::Done(_)), || {
            format!("{name}: {:?} is taken for success", String::from_utf8_lossy(body))
        });
    }
    for status in [301, 400, 401, 403, 404] {
        let refused = read(Ok(&with(status, None, b"")));
        report.check(!matches!(refused, CallOutcome::Done(_)), || {
            format!("{name}: status {status} is success")
        });
    }
    let mut rng = StdRng::seed_from_u64(7);
    for _ in 0..500 {
        let body: Vec<u8> = (0..rng.random_range(0..64)).map(|_| rng.random_range(0x20..0x7f)).collect();
        // It must not panic; what it makes of noise is the protocol's own affair.
        let _ = read(Ok(&with(200, None, &body)));
        report.checks += 1;
    }
}
