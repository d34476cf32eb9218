//! Batches, quotas and the life of keys.

use events::pool::*;
use vocabulary::{BatchId, KeyKind};

use super::{Labelled, at, cny, full, keys, min, order, other, shop, sku, text};

pub(super) fn all() -> Vec<Labelled> {
    [stock(), holds(), waiting(), care()].concat()
}

fn stock() -> Vec<Labelled> {
    let opened = BatchOpened {
        sku: sku(),
        batch: BatchId(3),
        key_kind: KeyKind::Pair,
        supplier: Some(text("north-cards")),
        unit_cost: Some(cny(4650)),
        sell_until: Some(at("2027-01-01T00:00:00Z")),
    };
    let plain = BatchOpened {
        key_kind: KeyKind::OneShot,
        supplier: None,
        unit_cost: None,
        sell_until: None,
        ..opened.clone()
    };
    let quota =
        QuotaSet { sku: sku(), account: shop(), floor: 100, cap: Some(500), reason: text("618 大促") };
    let unlimited = QuotaSet { cap: None, ..quota.clone() };
    vec![
        full(opened),
        min(plain),
        full(KeysImported {
            sku: sku(),
            batch: BatchId(3),
            first_index: 16,
            fingerprints: vec![
                text("0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
                text("a1b2c3d4e5f60718293a4b5c6d7e8f90"),
            ],
        }),
        full(quota),
        min(unlimited),
    ]
}

fn holds() -> Vec<Labelled> {
    let allocated = |chosen| KeysAllocated {
        order: order(),
        line: 0,
        account: shop(),
        keys: keys(&["b3-16", "b3-17"]),
        chosen,
    };
    vec![
        full(KeysReserved {
            order: order(),
            line: 0,
            account: shop(),
            keys: keys(&["b3-16", "b3-17"]),
            until: at("2026-06-18T00:15:00Z"),
        }),
        full(allocated(AllocationReason::Reserved)),
        other("stock", allocated(AllocationReason::Stock)),
        other("waitlist", allocated(AllocationReason::Waitlist)),
        other(
            "replacement",
            KeysAllocated { keys: keys(&["b7-4.2"]), ..allocated(AllocationReason::Replacement) },
        ),
        full(KeysReleased {
            order: order(),
            line: 0,
            account: shop(),
            keys: keys(&["b3-16", "b3-17"]),
            reason: text("expired"),
        }),
    ]
}

fn waiting() -> Vec<Labelled> {
    vec![
        full(AllocationWaitlisted { order: order(), line: 1, account: shop(), quantity: 2 }),
        full(WaitlistLeft { order: order(), line: 1 }),
    ]
}

fn care() -> Vec<Labelled> {
    let (sku, batch) = (sku(), BatchId(3));
    let quarantined = KeysQuarantined { sku, batch, keys: keys(&["b3-17"]), reason: text("complaints") };
    let whole_batch = KeysQuarantined { keys: Vec::new(), ..quarantined.clone() };
    let lifted = QuarantineLifted {
        sku: quarantined.sku.clone(),
        batch,
        keys: keys(&["b3-17"]),
        reason: text("the supplier checked them"),
    };
    vec![
        full(quarantined),
        other("whole_batch", whole_batch),
        full(lifted),
        full(KeysRevoked { order: order(), line: 0, keys: keys(&["b3-17"]), reason: text("bad_key") }),
        full(KeysVoided { keys: keys(&["b3-40", "b3-41"]), reason: text("withdrawn") }),
    ]
}
