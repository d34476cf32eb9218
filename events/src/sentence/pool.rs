//! Sentences of key pools.

use super::{sentences, words::*};
use crate::pool::*;

sentences! {
    BatchOpened(e):
        match &e.supplier {
            Some(supplier) => format!("Batch {} of {} was begun: {} from {supplier}.",
                e.batch, e.sku, key_kind(e.key_kind).0),
            None => format!("Batch {} of {} was begun: {}.", e.batch, e.sku, key_kind(e.key_kind).0),
        },
        match &e.supplier {
            Some(supplier) => format!("新建 {} 的批次 {}:{},供应商 {supplier}。",
                e.sku, e.batch, key_kind(e.key_kind).1),
            None => format!("新建 {} 的批次 {}:{}。", e.sku, e.batch, key_kind(e.key_kind).1),
        };
    KeysImported(e):
        format!("{} key{} of {} came in (batch {}).",
            e.fingerprints.len(), plural(e.fingerprints.len() as u64), e.sku, e.batch),
        format!("{} 入库 {} 张卡密（批次 {}）。", e.sku, e.fingerprints.len(), e.batch);
    QuotaSet(e):
        match e.cap {
            Some(cap) => format!("{} may sell at most {} of {}, {} of them set aside: {}.",
                e.account, units(cap), e.sku, e.floor, why_en(&e.reason)),
            None => format!("{} has {} of {} set aside and no upper limit: {}.",
                e.account, units(e.floor), e.sku, why_en(&e.reason)),
        },
        match e.cap {
            Some(cap) => format!("{} 的 {} 配额设为上限 {cap} 件、保底 {} 件:{}。",
                e.account, e.sku, e.floor, why_zh(&e.reason)),
            None => format!("{} 的 {} 配额设为保底 {} 件、不设上限:{}。",
                e.account, e.sku, e.floor, why_zh(&e.reason)),
        };
    KeysReserved(e):
        format!("{} held for line {} until {}.", keys_en_start(&e.keys), human(e.line), instant(e.until)),
        format!("为第 {} 行预留{},至 {}。", human(e.line), keys_zh(&e.keys), instant(e.until));
    KeysAllocated(e):
        format!("{} bound to line {} ({}).", keys_en_start(&e.keys), human(e.line), chosen(e.chosen).0),
        format!("为第 {} 行分配{}（{}）。", human(e.line), keys_zh(&e.keys), chosen(e.chosen).1);
    KeysReleased(e):
        format!("{} given back to stock by line {}: {}.", keys_en_start(&e.keys), human(e.line), why_en(&e.reason)),
        format!("第 {} 行释放{}回库存:{}。", human(e.line), keys_zh(&e.keys), why_zh(&e.reason));
    AllocationWaitlisted(e):
        format!("Line {} found no keys and waits for {}.", human(e.line), units(e.quantity.into())),
        format!("第 {} 行缺货,排队等待 {} 件。", human(e.line), e.quantity);
    WaitlistLeft(e):
        format!("Line {} waits for keys no more.", human(e.line)),
        format!("第 {} 行不再排队等货。", human(e.line));
    KeysQuarantined(e):
        if e.keys.is_empty() {
            format!("Batch {} of {} is kept from sale: {}.", e.batch, e.sku, why_en(&e.reason))
        } else {
            format!("{} kept from sale: {}.", keys_en_start(&e.keys), why_en(&e.reason))
        },
        if e.keys.is_empty() {
            format!("隔离 {} 的整个批次 {}:{}。", e.sku, e.batch, why_zh(&e.reason))
        } else {
            format!("隔离{}:{}。", keys_zh(&e.keys), why_zh(&e.reason))
        };
    QuarantineLifted(e):
        if e.keys.is_empty() {
            format!("Batch {} of {} may be sold again: {}.", e.batch, e.sku, why_en(&e.reason))
        } else {
            format!("{} put on sale again: {}.", keys_en_start(&e.keys), why_en(&e.reason))
        },
        if e.keys.is_empty() {
            format!("解除 {} 批次 {} 的隔离:{}。", e.sku, e.batch, why_zh(&e.reason))
        } else {
            format!("解除{}的隔离:{}。", keys_zh(&e.keys), why_zh(&e.reason))
        };
    KeysRevoked(e):
        format!("{} declared void for the buyer: {}.", keys_en_start(&e.keys), why_en(&e.reason)),
        format!("{}对买家作废:{}。", keys_zh(&e.keys), why_zh(&e.reason));
    KeysVoided(e):
        format!("{} taken out of stock for good: {}.", keys_en_start(&e.keys), why_en(&e.reason)),
        format!("{}永久下架:{}。", keys_zh(&e.keys), why_zh(&e.reason));
}

fn chosen(reason: AllocationReason) -> (&'static str, &'static str) {
    match reason {
        AllocationReason::Reserved => ("from its own reservation", "来自本单预留"),
        AllocationReason::Stock => ("oldest in stock", "库存中最早入库"),
        AllocationReason::Waitlist => ("after waiting", "排队到货"),
        AllocationReason::Replacement => ("in place of a bad key", "换货"),
    }
}
