//! SKUs, channel accounts, prices and buyers.

use events::{buyer::*, channel::*, price::*, procurement::*, sku::*};
use vocabulary::{BatchId, Currency, KeyKind, Quantity};

use super::{Labelled, at, buyer, cny, full, min, other, shop, sku, text};

pub(super) fn all() -> Vec<Labelled> {
    [skus(), accounts(), intents(), prices(), buyers(), procurements()].concat()
}

fn skus() -> Vec<Labelled> {
    let defined = SkuDefined {
        sku: sku(),
        name: text("Steam 充值卡 50 元"),
        family: text("steam"),
        key_kind: KeyKind::Pair,
        face_value: Some(cny(5000)),
    };
    let shared = SkuDefined {
        sku: "antivirus-1y".parse().unwrap(),
        name: text("杀毒软件 一年授权（五台）"),
        family: text("antivirus"),
        key_kind: KeyKind::Reusable { use_limit: 5 },
        face_value: None,
    };
    let plain = SkuDefined { key_kind: KeyKind::OneShot, face_value: None, ..defined.clone() };
    vec![full(defined), min(plain), other("reusable", shared)]
}

fn accounts() -> Vec<Labelled> {
    let renewed = ChannelAccessRenewed {
        account: shop(),
        settings_digest: text("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"),
        next_at: Some(at("2026-07-17T00:00:00Z")),
    };
    vec![
        full(ChannelConnected {
            account: shop(),
            name: text("京东旗舰店"),
            currency: Currency::CNY,
            orders_of: shop(),
            settings_digest: text("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        }),
        full(ChannelSuspended { account: shop(), reason: text("盘点") }),
        full(ChannelResumed { account: shop(), reason: text("stock was counted") }),
        full(ListingMapped { account: shop(), item: text("100012043978/3311"), sku: sku() }),
        full(ListingRemoved { account: shop(), item: text("100012043978/3311") }),
        full(renewed.clone()),
        min(ChannelAccessRenewed { next_at: None, ..renewed }),
        full(ChannelAccessLost { account: shop(), code: text("refresh_token_expired") }),
    ]
}

fn intents() -> Vec<Labelled> {
    let (external_no, item) = (text("298547631205"), text("100012043978/3311"));
    let unknown = AttemptOutcome::Unknown { code: text("timeout") };
    vec![
        full(ReadBackRequested { account: shop(), external_no: external_no.clone() }),
        full(ReadBackSettled { account: shop(), external_no, outcome: unknown, attempts: 3 }),
        full(StockPushRequested { account: shop(), item: item.clone(), sku: sku(), available: 1200 }),
        full(StockPushSettled {
            account: shop(),
            item,
            available: 1200,
            outcome: AttemptOutcome::Done,
            attempts: 1,
        }),
    ]
}

fn prices() -> Vec<Labelled> {
    let set = PriceSet {
        sku: sku(),
        account: Some(shop()),
        unit_price: cny(4888),
        valid_from: at("2026-06-18T00:00:00Z"),
        valid_until: Some(at("2026-06-19T00:00:00Z")),
        reason: text("618 大促"),
    };
    let general = PriceSet { account: None, valid_until: None, ..set.clone() };
    let withdrawn = PriceWithdrawn { sku: sku(), account: Some(shop()), reason: text("the sale is over") };
    let general_withdrawn = PriceWithdrawn { account: None, ..withdrawn.clone() };
    vec![full(set), min(general), full(withdrawn), min(general_withdrawn)]
}

fn buyers() -> Vec<Labelled> {
    vec![
        full(BuyerRegistered { buyer: buyer(), account: shop() }),
        full(BuyerErased { buyer: buyer(), reason: text("requested by the buyer") }),
    ]
}

fn procurements() -> Vec<Labelled> {
    let our_no = text("0198c1c0a0007000800000000000002b");
    let settled = |end, reference: Option<&str>| ProcurementSettled {
        our_no: our_no.clone(),
        end,
        reference: reference.map(text),
    };
    let keys = ProcurementEnd::Keys { batch: BatchId(4), count: 9, asked: 10, duplicates: 1 };
    let failed = ProcurementEnd::Failed { code: text("sku_unavailable") };
    let for_a_person = ProcurementEnd::ForAPerson { code: text("unknown_outcome") };
    vec![
        full(ProcurementRequested {
            our_no: our_no.clone(),
            sku: sku(),
            account: "dujiao-next/wholesale".parse().unwrap(),
            item: text("7"),
            quantity: Quantity::try_from(10).unwrap(),
            max_price: cny(48_000),
            batch: BatchId(4),
            reason: text("库存不足"),
        }),
        full(ProcurementAccepted { our_no: our_no.clone(), reference: Some(text("100")) }),
        min(ProcurementAccepted { our_no: our_no.clone(), reference: None }),
        full(settled(keys, Some("100"))),
        min(settled(failed, None)),
        other("for_a_person", settled(for_a_person, None)),
    ]
}
