//! Forgeries: the author's own, and the other message that several rows need.

use std::ops::RangeInclusive;

use channel::RawRequest;

use crate::{Report, run::Run};

/// The author's own forgeries of some rows.
pub(crate) fn forgeries(run: &Run<'_>, report: &mut Report, rows: RangeInclusive<u8>) {
    for forgery in run.subject.forgeries.iter().filter(|forgery| rows.contains(&forgery.row)) {
        for one in run.signed() {
            if let Some(forged) = (forgery.make)(&one.case.request) {
                run.must_refuse(report, forgery.row, one, forgery.name, &forged);
            }
        }
    }
}

/// A genuine message that says something else: another order number, amount or text.
pub(crate) fn changed_fact(run: &Run<'_>, request: &RawRequest) -> Option<RawRequest> {
    let fields = &run.subject.fields;
    let other =
        [fields.order, fields.amount.map(|(slot, _)| slot), fields.quantity, fields.text, fields.kind];
    other.into_iter().flatten().find_map(|slot| {
        let value = slot.get(request)?;
        let longer =
            if value.bytes().all(|b| b.is_ascii_digit()) { format!("{value}1") } else { format!("{value}x") };
        let changed = slot.set(request, &longer)?;
        (changed != *request).then_some(changed)
    })
}
