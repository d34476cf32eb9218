//! What cards would cost at a shop that we buy from: the currency of our wallet, and the price in its catalogue.

use channel::{CallOutcome, ProcureJob, Response};
use serde::Deserialize;
use vocabulary::Money;

use crate::inbound::Whole;

#[derive(Deserialize)]
struct Wallet {
    ok: bool,
    currency: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Product>,
}

#[derive(Deserialize)]
struct Product {
    #[serde(default)]
    skus: Vec<Offered>,
}

#[derive(Deserialize)]
struct Offered {
    id: Whole,
    price_amount: String,
}

/// Reads the answer of a step: 0 is the wallet, the others are pages of the catalogue. An empty page is the end.
pub(crate) fn read(job: &ProcureJob, step: u32, response: Response<'_>) -> CallOutcome<Option<Money>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return outcome;
    }
    let Ok(response) = response else { return unknown("no_answer") };
    let status = response.status;
    if matches!(status, 401 | 403 | 404) {
        return refused(&format!("http_{status}"));
    }
    match (status, step) {
        (200, 0) => match serde_json::from_slice::<Wallet>(&response.body) {
            Ok(Wallet { ok: true, currency: Some(currency) })
                if currency == job.max_price.currency.as_str() =>
            {
                CallOutcome::Done(None)
            }
            Ok(Wallet { ok: true, .. }) => refused("sells_in_another_currency"),
            _ => unknown("unreadable_answer"),
        },
        (200, _) => match serde_json::from_slice::<Page>(&response.body) {
            Ok(page) => of_page(job, &page),
            Err(_) => unknown("unreadable_answer"),
        },
        _ => unknown(&format!("http_{status}")),
    }
}

fn of_page(job: &ProcureJob, page: &Page) -> CallOutcome<Option<Money>> {
    if page.items.is_empty() {
        return refused("item_not_in_the_catalogue");
    }
    let mut offered = page.items.iter().flat_map(|product| &product.skus);
    let Some(sku) = offered.find(|sku| sku.id.0 == job.item) else { return CallOutcome::Done(None) };
    let one = Money::from_major_text(&sku.price_amount, job.max_price.currency).ok();
    match one.and_then(|one| one.checked_mul(job.quantity).ok()) {
        Some(price) => CallOutcome::Done(Some(price)),
        None => refused("unreadable_price"),
    }
}

fn refused<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Refused { code: code.to_owned() }
}

fn unknown<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Unknown { code: code.to_owned() }
}
