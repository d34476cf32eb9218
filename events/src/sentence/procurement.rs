//! Sentences of purchases from suppliers.

use super::{sentences, words::*};
use crate::procurement::*;

sentences! {
    ProcurementRequested(e):
        format!("{} of {} (item {}) are to be bought from {} for at most {}: {}.",
            units(i64::from(e.quantity).unsigned_abs()), e.sku, e.item, e.account, money(e.max_price), why_en(&e.reason)),
        format!("向 {} 采购 {}（商品 {}）{} 件,总价不超过 {}:{}。",
            e.account, e.sku, e.item, e.quantity.get(), money(e.max_price), why_zh(&e.reason));
    ProcurementAccepted(e):
        match &e.reference {
            Some(reference) => format!("The supplier took the purchase under its number {reference}; the keys come later."),
            None => "The supplier took the purchase; the keys come later.".to_owned(),
        },
        match &e.reference {
            Some(reference) => format!("供货商已接单（对方单号 {reference}）,等待发卡。"),
            None => "供货商已接单,等待发卡。".to_owned(),
        };
    ProcurementSettled(e):
        match &e.end {
            ProcurementEnd::Keys { batch, count, asked, duplicates: 0 } =>
                format!("{count} of {asked} keys came from the supplier and are in stock as batch {batch}."),
            ProcurementEnd::Keys { batch, count, asked, duplicates } =>
                format!("{count} of {asked} keys came from the supplier and are in stock as batch {batch}; {duplicates} more we had before."),
            ProcurementEnd::Failed { code } => format!("The supplier sold nothing ({code})."),
            ProcurementEnd::ForAPerson { code } =>
                format!("What came of the purchase is not certain ({code}): somebody must ask the supplier."),
        },
        match &e.end {
            ProcurementEnd::Keys { batch, count, asked, duplicates: 0 } =>
                format!("采购到货 {count}/{asked} 张,已入库为批次 {batch}。"),
            ProcurementEnd::Keys { batch, count, asked, duplicates } =>
                format!("采购到货 {count}/{asked} 张,已入库为批次 {batch},另有 {duplicates} 张与已有卡密重复。"),
            ProcurementEnd::Failed { code } => format!("采购未成交（{code}）。"),
            ProcurementEnd::ForAPerson { code } => format!("采购结果不明（{code}）,需要人工向供货商核实。"),
        };
}
