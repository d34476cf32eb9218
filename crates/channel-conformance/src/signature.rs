//! Corruptions 21 to 35: of the signature.

use channel::RawRequest;

use crate::{
    Report, Slot, borders,
    carrier::{self, Place},
    forgeries::{changed_fact, forgeries},
    run::{Genuine, Run},
};

/// Rows 21 to 35.
pub(crate) fn corrupt(run: &Run<'_>, report: &mut Report) {
    for one in run.signed() {
        let request = &one.case.request;
        let Some(slot) = run.subject.fields.signature else { continue };
        let Some(value) = slot.get(request) else { continue };
        let mut refuse = |row, what: &str, changed: Option<RawRequest>| {
            if let Some(changed) = changed.filter(|changed| changed != request) {
                run.must_refuse(report, row, one, what, &changed);
            }
        };
        refuse(21, "removed", slot.remove(request));
        refuse(22, "empty", slot.set(request, ""));
        refuse(22, "blank", slot.set(request, " "));
        for changed in slot.repeat(request, &value.chars().rev().collect::<String>()).unwrap_or_default() {
            refuse(23, "repeated", Some(changed));
        }
        let shorter: String = value.chars().take(value.chars().count().saturating_sub(1)).collect();
        let half: String = value.chars().take(value.chars().count() / 2).collect();
        refuse(24, "by a character", slot.set(request, &shorter));
        refuse(24, "to half", slot.set(request, &half));
        refuse(25, "by a zero", slot.set(request, &format!("{value}0")));
        refuse(25, "by itself", slot.set(request, &format!("{value}{value}")));
        let foreign = run.subject.keys.foreign;
        for (at, row) in (26..=29).enumerate() {
            let key = foreign.get(at % foreign.len().max(1)).copied().unwrap_or_default();
            refuse(row, "signed", (run.subject.sign)(request, key));
        }
        refuse(31, "as the signature", slot.set(request, "none"));
        refuse(32, "a changed message's", transplant(run, slot, request, changed_fact(run, request)));
        refuse(33, "without the order number", without_a_field(run, slot, request));
        refuse(35, "moved", moved(slot, request, &value));
        algorithm(run, report, one);
        borders::moved(run, report, one);
    }
    forgeries(run, report, 21..=35);
}

/// Rows 30 and 31 where the request names an algorithm.
fn algorithm(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>) {
    let request = &one.case.request;
    let Some(slot) = run.subject.fields.algorithm else { return };
    let Some(current) = slot.get(request) else { return };
    let labels = ["MD5", "md5", "SHA1", "HMAC-MD5", "RSA", "RSA2", "HMAC-SHA256", ""];
    for label in labels.into_iter().filter(|label| *label != current) {
        if let Some(changed) = slot.set(request, label) {
            run.must_refuse(report, 30, one, label, &changed);
            if let Some(signed) =
                run.sign(&changed).filter(|signed| slot.get(signed).as_deref() == Some(label))
            {
                run.must_refuse(report, 30, one, "signed anew", &signed);
            }
        }
    }
    if let Some(changed) = slot.set(request, "none") {
        run.must_refuse(report, 31, one, "as the algorithm", &changed);
    }
}

/// The request with the signature of another message.
fn transplant(
    run: &Run<'_>,
    slot: Slot,
    request: &RawRequest,
    other: Option<RawRequest>,
) -> Option<RawRequest> {
    let signature = slot.get(&run.sign(&other?)?)?;
    slot.set(request, &signature)
}

fn without_a_field(run: &Run<'_>, slot: Slot, request: &RawRequest) -> Option<RawRequest> {
    let fields = &run.subject.fields;
    let field = [fields.order, fields.quantity, fields.kind, fields.merchant].into_iter().flatten();
    let shorter = field.filter(|field| *field != Slot::Topic).find_map(|field| field.remove(request));
    transplant(run, slot, request, shorter)
}

fn moved(slot: Slot, request: &RawRequest, value: &str) -> Option<RawRequest> {
    let bare = slot.remove(request)?;
    let name = slot.name().unwrap_or("sign");
    match slot {
        Slot::Query(_) => Slot::Header(name).set(&bare, value),
        Slot::Param(_) if Place::of(request) == Place::Query => {
            let mut changed = bare;
            changed.body = carrier::join(&[(name.as_bytes().to_vec(), value.as_bytes().to_vec())]);
            Some(changed)
        }
        _ => Slot::Query(name).set(&bare, value),
    }
}
