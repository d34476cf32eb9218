//! Corruptions 44 to 48: correctly signed, but not true; and kinds and states that nobody knows.

use channel::{Ask, Inbound, RawRequest, Step};
use vocabulary::{Currency, Money};

use crate::{
    AmountUnit, Report, Slot, forgeries,
    meaning::{amount, ask, asks, external_no, is_kept, says_paid},
    run::{Genuine, Run, Verdict},
};

/// Rows 44 to 48.
pub(crate) fn signed(run: &Run<'_>, report: &mut Report) {
    let fields = &run.subject.fields;
    for one in run.signed() {
        if let Some((slot, unit)) = fields.amount {
            amounts(run, report, one, slot, unit);
        }
        currencies(run, report, one);
        let request = &one.case.request;
        for other in ["9999999", "zz-other"] {
            if let Some(changed) = run.with(fields.merchant, request, other) {
                run.must_refuse(report, 46, one, "merchant", &changed);
            }
        }
        for bad in ["0", "-1", "2147483648", "9223372036854775808", "1.5", "", "one"] {
            if let Some(changed) = run.with(fields.quantity, request, bad) {
                run.must_refuse(report, 47, one, bad, &changed);
            }
        }
        other_order(run, report, one);
    }
    forgeries::forgeries(run, report, 44..=48);
}

/// A changed amount is read as the changed amount; one that is no amount is refused.
fn amounts(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>, slot: Slot, unit: AmountUnit) {
    let request = &one.case.request;
    let Some(stated) = amount(&one.inbound.ask) else { return };
    let text = |minor: i64| match unit {
        AmountUnit::Minor => minor.to_string(),
        AmountUnit::Major => Money::new(minor, stated.currency).to_major_text(),
    };
    for minor in [stated.minor + 1, stated.minor - 1, stated.minor * 100] {
        let Some(changed) = run.with(Some(slot), request, &text(minor)) else { continue };
        if let Some(seen) = run.read_changed(report, 44, one, &changed) {
            let read = amount(&seen.ask);
            report.check(read == Some(Money::new(minor, stated.currency)), || {
                format!("row 44 on {}: {minor} minor units were read as {read:?}", one.case.name)
            });
        }
    }
    for bad in ["-1", "99999999999999999999", "1e3", "abc", "2888.555", "٣"] {
        // As a JSON number it is written out, and is an amount then.
        let written_out = |changed: &RawRequest| bad == "1e3" && slot.get(changed).as_deref() != Some(bad);
        if let Some(changed) = run.with(Some(slot), request, bad).filter(|it| !written_out(it)) {
            run.must_refuse(report, 44, one, bad, &changed);
        }
    }
}

fn currencies(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>) {
    let Some(stated) = amount(&one.inbound.ask) else { return };
    let request = &one.case.request;
    let currency = run.subject.fields.currency;
    let other = if stated.currency == Currency::USD { Currency::EUR } else { Currency::USD };
    if let Some(changed) = run.with(currency, request, other.as_str())
        && let Some(seen) = run.read_changed(report, 45, one, &changed)
    {
        let read = amount(&seen.ask).map(|money| money.currency);
        report.check(read == Some(other), || {
            format!("row 45 on {}: {other} was read as {read:?}", one.case.name)
        });
    }
    for bad in ["XXX", "", "CN", "¥"] {
        if let Some(changed) = run.with(currency, request, bad) {
            run.must_refuse(report, 45, one, bad, &changed);
        }
    }
}

/// The same payment on another order is read as that, so that the engine can see that it was used.
fn other_order(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>) {
    let Some(slot) = run.subject.fields.order else { return };
    let Some(stated) = slot.get(&one.case.request) else { return };
    let other: String = stated.chars().rev().collect();
    let other = if other == stated { format!("{stated}1") } else { other };
    if let Some(changed) = run.with(Some(slot), &one.case.request, &other)
        && let Some(seen) = run.read_changed(report, 48, one, &changed)
        && external_no(&one.inbound.ask) == Some(stated.as_str())
    {
        report.check(external_no(&seen.ask) == Some(other.as_str()), || {
            format!("row 48 on {}: order {other:?} was read as {}", one.case.name, ask(&seen.ask))
        });
    }
}

/// Kinds and states that nobody knows: kept or ignored, never money.
pub(crate) fn unknown(run: &Run<'_>, report: &mut Report) {
    let fields = &run.subject.fields;
    for one in run.signed() {
        for unknown in ["zz_unknown", "99"] {
            let request = &one.case.request;
            if let Some(changed) = run.with(fields.kind, request, unknown) {
                kind(run, report, one, &changed);
            }
            if let Some(changed) = run.with(fields.status, request, unknown) {
                status(run, report, one, &changed);
            }
        }
    }
}

fn kind(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>, changed: &RawRequest) {
    let name = one.case.name;
    let by_path = run.subject.fields.kind == Some(Slot::Topic);
    match run.judge(changed, one.case.now) {
        Verdict::Accepted(seen) => {
            report.check(kept(&seen.ask, &one.inbound.ask), || {
                format!("{name}: an unknown kind was read as {}", ask(&seen.ask))
            });
        }
        // A path that does not exist may be refused: there is nothing genuine behind it to lose.
        Verdict::Refused(why) => report.check(by_path && why.step != Step::Signature, || {
            format!("{name}: an unknown kind was refused, not kept: {why}")
        }),
        Verdict::Panicked => report.panics.push(format!("{name}: unknown kind")),
    }
}

/// Whether a message is only kept. Of several in one request, one is, and the others say what they said.
fn kept(seen: &Ask, genuine: &Ask) -> bool {
    let Ask::Batch(seen) = seen else { return is_kept(seen) };
    let known = asks(genuine);
    let same = |message: &&Inbound| known.contains(&ask(&message.ask));
    let (others, unknown): (Vec<&Inbound>, Vec<&Inbound>) = seen.iter().partition(same);
    others.len() + 1 == known.len() && unknown.iter().all(|message| is_kept(&message.ask))
}

fn status(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>, changed: &RawRequest) {
    match run.judge(changed, one.case.now) {
        Verdict::Accepted(seen) => report.check(!says_paid(&seen.ask), || {
            format!("{}: an unknown status was read as {}", one.case.name, ask(&seen.ask))
        }),
        Verdict::Refused(_) => report.check(true, String::new),
        Verdict::Panicked => report.panics.push(format!("{}: unknown status", one.case.name)),
    }
}
