//! A Checkout session: the one object that knows our order number.

use channel::{PaymentAsk, Refusal, Step};
use serde::Deserialize;
use vocabulary::{Currency, Money};

use crate::settings::is_id;

/// A Checkout session, as events and answers show it.
#[derive(Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    client_reference_id: Option<String>,
    mode: String,
    payment_status: String,
    amount_total: Option<i64>,
    currency: Option<String>,
    pub(crate) payment_intent: Option<Intent>,
}

/// A payment intent, by its id or whole.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Intent {
    Id(String),
    Whole { id: String, latest_charge: Option<Charge> },
}

/// A charge, by its id or whole.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Charge {
    #[expect(dead_code, reason = "that it is not shown whole is all there is to know")]
    Id(String),
    Whole {
        refunds: Option<List<Refunded>>,
    },
}

/// A list, as Stripe writes all of them.
#[derive(Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    pub(crate) has_more: bool,
}

/// A refund.
#[derive(Deserialize)]
pub(crate) struct Refunded {
    pub(crate) id: String,
    amount: i64,
    currency: String,
    pub(crate) status: Option<String>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    refund: Option<String>,
}

/// How a session stands.
pub(crate) enum Standing {
    Paid(PaymentAsk),
    /// The money is on its way, or never comes.
    Unpaid,
    /// No sale of ours, or a status that no document lists.
    Unclear(&'static str),
}

impl Intent {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Id(id) | Self::Whole { id, .. } => id,
        }
    }
    /// The refunds of the payment; `None` where they are not all shown.
    pub(crate) fn refunds(&self) -> Option<&[Refunded]> {
        match self {
            Self::Whole { latest_charge: None, .. } => Some(&[]),
            Self::Whole { latest_charge: Some(Charge::Whole { refunds }), .. } => {
                refunds.as_ref().filter(|list| !list.has_more).map(|list| list.data.as_slice())
            }
            _ => None,
        }
    }
}

impl Refunded {
    /// The number that we gave it; Stripe's own where it was made without us.
    pub(crate) fn number(&self) -> &str {
        self.metadata.as_ref().and_then(|own| own.refund.as_deref()).unwrap_or(&self.id)
    }
    pub(crate) fn amount(&self) -> Result<Money, Refusal> {
        money(Some(self.amount), Some(&self.currency))
    }
}

impl Session {
    /// Our order number.
    pub(crate) fn order(&self) -> Result<Option<&str>, Refusal> {
        match self.client_reference_id.as_deref() {
            Some(text) if (1..=200).contains(&text.len()) && !text.chars().any(char::is_control) => {
                Ok(Some(text))
            }
            Some(_) => Err(Refusal::new(Step::Meaning, "invalid_field", "client_reference_id")),
            None => Ok(None),
        }
    }

    /// The number of the payment: the intent's, which refunds need; the session's where nothing was to be paid.
    pub(crate) fn txn(&self) -> Result<&str, Refusal> {
        let txn = self.payment_intent.as_ref().map_or(self.id.as_str(), Intent::id);
        if is_id(txn) { Ok(txn) } else { Err(Refusal::new(Step::Meaning, "invalid_field", "payment_intent")) }
    }

    /// What the session costs, in the currency's smallest unit.
    pub(crate) fn amount(&self) -> Result<Money, Refusal> {
        money(self.amount_total, self.currency.as_deref())
    }

    /// How the session stands. Only a status that says so counts as paid.
    pub(crate) fn standing(&self, check_first: bool) -> Result<Standing, Refusal> {
        if self.mode != "payment" {
            return Ok(Standing::Unclear("checkout of another mode"));
        }
        let Some(order) = self.order()? else {
            return Ok(Standing::Unclear("checkout without client_reference_id"));
        };
        match self.payment_status.as_str() {
            "paid" | "no_payment_required" => Ok(Standing::Paid(PaymentAsk {
                external_no: order.to_owned(),
                txn: self.txn()?.to_owned(),
                amount: self.amount()?,
                check_first,
            })),
            "unpaid" => Ok(Standing::Unpaid),
            _ => Ok(Standing::Unclear("checkout of an unknown status")),
        }
    }
}

/// The currencies in whose smallest unit Stripe and we agree. For some others (ISK, UGX) Stripe counts digits that
/// the currency does not have.
const CURRENCIES: [Currency; 5] = [Currency::CNY, Currency::USD, Currency::EUR, Currency::HKD, Currency::JPY];

/// An amount in the smallest unit of a currency that we know; Stripe writes codes in lower case.
pub(crate) fn money(minor: Option<i64>, currency: Option<&str>) -> Result<Money, Refusal> {
    let code = currency.filter(|code| code.bytes().all(|byte| byte.is_ascii_lowercase()));
    let known = |currency: &Currency| CURRENCIES.contains(currency);
    let currency = code.and_then(|code| code.to_ascii_uppercase().parse().ok()).filter(known);
    let currency = currency.ok_or(Refusal::new(Step::Meaning, "unknown_currency", "currency"))?;
    match minor {
        Some(minor) if minor >= 0 => Ok(Money::new(minor, currency)),
        _ => Err(Refusal::new(Step::Meaning, "invalid_field", "amount")),
    }
}
