//! What we can sell, as the protocol lists it: one product with one SKU for each listing whose id is a number.

use channel::Offer;
use serde_json::{Value, json};

use crate::{inbound::Page, settings::Sell, topic::is_id};

/// The offers that the protocol can name, in the order of their numbers.
fn listed<'a>(sell: &Sell, offers: &'a [Offer]) -> Vec<(u64, &'a Offer)> {
    let money = |offer: &Offer| offer.price.is_none_or(|price| price.currency == sell.currency);
    let numbered = offers.iter().filter(|offer| is_id(&offer.item) && money(offer));
    let mut listed: Vec<_> = numbered.filter_map(|offer| Some((offer.item.parse().ok()?, offer))).collect();
    listed.sort_unstable_by_key(|(id, _)| *id);
    listed
}

/// `GET /products`.
pub(crate) fn page(sell: &Sell, offers: &[Offer], page: Page, now: &str) -> Value {
    let mut listed = listed(sell, offers);
    listed.retain(|(_, offer)| page.with_inactive || offer.on_sale);
    let skipped = (page.page - 1).saturating_mul(page.page_size);
    let shown = listed.iter().skip(skipped).take(page.page_size);
    let items: Vec<Value> = shown.map(|(id, offer)| product(*id, offer, now)).collect();
    json!({
        "ok": true, "items": items, "total": listed.len(), "page": page.page, "page_size": page.page_size,
        "includes_inactive": page.with_inactive,
    })
}

/// One product, and whether it is on sale; `None` where there is none of this number.
pub(crate) fn one(sell: &Sell, offers: &[Offer], id: &str, now: &str) -> Option<(Value, bool)> {
    let (id, offer) = listed(sell, offers).into_iter().find(|(listed, _)| listed.to_string() == id)?;
    Some((json!({ "ok": true, "product": product(id, offer, now) }), offer.on_sale))
}

fn product(id: u64, offer: &Offer, now: &str) -> Value {
    let price = offer.price.map_or_else(|| "0.00".to_owned(), |price| price.to_major_text());
    let title = json!({ "zh-CN": offer.name, "en": offer.name });
    json!({
        "id": id,
        "slug": offer.sku.as_str(),
        "title": title,
        "description": {},
        "content": {},
        "seo_meta": {},
        "images": [],
        "tags": [],
        "price_amount": price,
        "fulfillment_type": "auto",
        "manual_form_schema": null,
        "is_active": offer.on_sale,
        "category_id": 0,
        "skus": [{
            "id": id,
            "sku_code": offer.sku.as_str(),
            "spec_values": {},
            "price_amount": price,
            "stock_status": stock_status(offer.available),
            "stock_quantity": offer.available,
            "is_active": offer.on_sale,
        }],
        // Stock and price change without a date of their own: a reader that fetches what changed gets everything.
        "created_at": now,
        "updated_at": now,
    })
}

/// The document's bounds.
fn stock_status(available: u64) -> &'static str {
    match available {
        0 => "out_of_stock",
        1..=20 => "low_stock",
        _ => "in_stock",
    }
}
