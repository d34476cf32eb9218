//! Corruptions 36 to 43: of the time stamp and the message's identity.

use crate::{
    Report, Slot,
    forgeries::{changed_fact, forgeries},
    run::{Genuine, Run},
};

/// Rows 36 to 43.
pub(crate) fn corrupt(run: &Run<'_>, report: &mut Report) {
    let declared = run.adapter.manifest().clock_tolerance_secs;
    report.check(declared.is_some() == run.subject.fields.time.is_some(), || {
        "the manifest declares a clock tolerance and the subject no time field, or the reverse".to_owned()
    });
    for one in run.signed() {
        if let (Some(slot), Some(tolerance)) = (run.subject.fields.time, declared) {
            clock(run, report, one, slot, tolerance);
        }
        identity(run, report, one);
    }
    forgeries(run, report, 36..=43);
}

fn clock(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>, slot: Slot, tolerance: i64) {
    let request = &one.case.request;
    if slot.get(request).is_none() {
        return;
    }
    if let Some(bare) = slot.remove(request) {
        run.must_refuse(report, 36, one, "removed", &bare);
        if let Some(signed) = run.sign(&bare).filter(|signed| slot.get(signed).is_none()) {
            run.must_refuse(report, 36, one, "removed and signed", &signed);
        }
    }
    let text = |secs: i64| (run.subject.time_text)(one.case.now.plus_secs(secs));
    for bad in ["0", "-1", "", "abc", "1.5", "99999999999999999999", "0x6957d0f0", "９"] {
        if let Some(changed) = run.with(Some(slot), request, bad) {
            run.must_refuse(report, 37, one, bad, &changed);
        }
    }
    if let Some(changed) = run.with(Some(slot), request, &format!("{}000", text(0))) {
        run.must_refuse(report, 38, one, "signed", &changed);
    }
    for (row, secs) in [(39, -tolerance - 1), (40, tolerance + 1)] {
        if let Some(changed) = run.with(Some(slot), request, &text(secs)) {
            run.must_refuse(report, row, one, "signed", &changed);
        }
        if let Some(now_signed) = run.with(Some(slot), request, &text(0)) {
            let now = one.case.now.plus_secs(-secs);
            run.must_refuse_at(report, row, one, "received", &now_signed, now);
        }
    }
}

/// Rows 41 and 42: what the engine needs to see a repeat as a repeat and a conflict as a conflict.
fn identity(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>) {
    if let Some(again) = run.must_accept(report, 41, one, &one.case.request, one.case.now) {
        report.check(crate::meaning(&again) == one.meaning, || {
            format!("row 41 on {}: the same request was read differently", one.case.name)
        });
    }
    let changed = changed_fact(run, &one.case.request).and_then(|changed| run.sign(&changed));
    if let Some(changed) = changed {
        run.read_changed(report, 42, one, &changed);
    }
}
