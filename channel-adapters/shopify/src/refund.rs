//! A refund in two calls: the order's payments and refunds are read, then money goes back against one payment.
//! Our number stands at the end of the refund's note, so that a refund of ours is known again, here and when
//! Shopify tells of it.

use channel::{CallOutcome, OutboundRequest, Refund, RefundJob, Response, Unable};
use serde::Deserialize;
use serde_json::json;
use vocabulary::{Money, Timestamp};

use crate::{
    graphql::{UserError, data, idempotency_key, order_gid, refused, unknown, user_error},
    order::marked,
    read::ShopMoney,
    settings::Settings,
};

const PAYMENTS: &str = "query($id: ID!) { order(id: $id) { id refunds { note } \
    transactions(first: 50) { id kind status gateway \
    amountSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } } } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    order: Option<Payments>,
    refund_create: Option<Created>,
}

#[derive(Deserialize)]
struct Payments {
    id: String,
    refunds: Vec<Noted>,
    transactions: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Noted {
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    id: String,
    kind: String,
    status: String,
    gateway: Option<String>,
    amount_set: Amounts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Amounts {
    shop_money: ShopMoney,
    presentment_money: ShopMoney,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    refund: Option<Named>,
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "id")]
    _id: String,
}

/// The payment that the money goes back against, as the second call needs it.
fn payment(job: &RefundJob, payments: &Payments) -> CallOutcome<()> {
    if order_gid(&job.external_no).ok().as_ref() != Some(&payments.id) {
        return refused("foreign_order");
    }
    let ours = marked(&job.refund);
    let is_ours =
        |refund: &Noted| refund.note.as_deref().is_some_and(|note| note.trim_end().ends_with(&ours));
    if payments.refunds.iter().any(is_ours) {
        return CallOutcome::Done(());
    }
    let fits = |one: &&Transaction| {
        let amount =
            one.amount_set.shop_money.currency_code.parse().ok().and_then(|currency| {
                Money::from_major_text(&one.amount_set.shop_money.amount, currency).ok()
            });
        let enough = amount
            .is_some_and(|amount| amount.currency == job.amount.currency && amount.minor >= job.amount.minor);
        matches!(one.kind.as_str(), "SALE" | "CAPTURE") && one.status == "SUCCESS" && enough
    };
    let Some(found) = payments.transactions.iter().find(fits) else { return refused("no_payment_fits") };
    // Such a refund must be stated in the buyer's currency, which we do not know.
    if found.amount_set.presentment_money.currency_code != found.amount_set.shop_money.currency_code {
        return refused("paid_in_another_currency");
    }
    match &found.gateway {
        Some(gateway) => CallOutcome::Next { state: format!("{} {gateway}", found.id) },
        None => refused("payment_without_gateway"),
    }
}

impl Refund for Settings {
    fn request(&self, job: &RefundJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        Ok(self.call(PAYMENTS, &json!({ "id": order_gid(&job.external_no)? })))
    }

    fn interpret(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        match data::<Answer, _>(response) {
            Ok(Answer { order: Some(payments), .. }) => payment(job, &payments),
            Ok(Answer { refund_create: Some(created), .. }) => match user_error(&created.user_errors) {
                Some(outcome) => outcome,
                None if created.refund.is_some() => CallOutcome::Done(()),
                None => unknown("no_refund_in_answer"),
            },
            Ok(_) => unknown("unreadable_answer"),
            Err(outcome) => outcome,
        }
    }

    fn next(&self, job: &RefundJob, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let (parent, gateway) = state.split_once(' ').ok_or(Unable("no_next_call"))?;
        let order = order_gid(&job.external_no)?;
        let transaction = json!({
            "orderId": order,
            "parentId": parent,
            "gateway": gateway,
            "kind": "REFUND",
            "amount": job.amount.to_major_text(),
        });
        let note = format!("{} {}", job.reason, marked(&job.refund));
        let input = json!({ "orderId": order, "note": note, "notify": true, "transactions": [transaction] });
        let key = idempotency_key(&format!("refund|{}|{}", job.external_no, job.refund));
        let refund = format!(
            "mutation($input: RefundInput!) {{ refundCreate(input: $input) @idempotent(key: \"{key}\") \
             {{ refund {{ id }} userErrors {{ field message }} }} }}"
        );
        Ok(self.call(&refund, &json!({ "input": input })))
    }

    /// The first call finds a refund that was made, and Shopify knows the second by its key.
    fn repeat_is_safe(&self) -> bool {
        true
    }
}
