//! What a decision will be answered with, before keys are opened.

use channel::{LineView, Offer, OrderState, OrderView, Outcome, Rejected};
use domain::{Rejection, order::Status};
use events::Fact;
use vocabulary::{Account, CardKey, KeyRef, OrderId};

use super::{Sequencer, message::SealedView};
use crate::{host::lock, hot::Desk};

pub(super) enum Draft {
    Accepted(Option<OrderId>),
    Parked,
    Order(Box<SealedView>),
    Offers(Vec<Offer>),
    Rejected(Rejection),
}

impl Draft {
    /// The keys the answer shows.
    pub(super) fn keys(&self) -> Vec<KeyRef> {
        match self {
            Self::Order(sealed) => sealed.keys.iter().flatten().copied().collect(),
            _ => Vec::new(),
        }
    }

    /// The outcome, with the keys in clear in the order of [`Draft::keys`].
    pub(super) fn into_outcome(self, keys: Vec<CardKey>) -> Outcome {
        match self {
            Self::Accepted(order) => Outcome::Accepted { order },
            Self::Parked => Outcome::Parked,
            Self::Order(sealed) => {
                let SealedView { mut view, keys: refs } = *sealed;
                let mut keys = keys.into_iter();
                for (line, refs) in view.lines.iter_mut().zip(&refs) {
                    line.keys = keys.by_ref().take(refs.len()).collect();
                }
                Outcome::Order(Box::new(view))
            }
            Self::Offers(offers) => Outcome::Offers(offers),
            Self::Rejected(rejection) => {
                Outcome::Rejected(Rejected { reason: rejection.reason, detail: rejection.detail })
            }
        }
    }
}

fn shown(status: Status) -> OrderState {
    match status {
        Status::Unknown | Status::AwaitingPayment | Status::Expired => OrderState::AwaitingPayment,
        Status::CheckingPayment | Status::Paid | Status::Backordered => OrderState::Processing,
        Status::Fulfilled => OrderState::Fulfilled,
        Status::Delivered | Status::Past => OrderState::Delivered,
        Status::Refunded => OrderState::Refunded,
        Status::RefundDue | Status::Cancelled => OrderState::Cancelled,
    }
}

impl Sequencer {
    /// The order as its channel sees it. Keys are shown only where the unit being staged records that they are.
    pub(super) fn order_view(&self, order: &OrderId) -> Option<Box<SealedView>> {
        let desk = lock(&self.desk);
        let entry = desk.order(order)?;
        let placed = entry.state.placed.as_ref()?;
        let recorded = desk.staged.iter().any(|(stream, fact)| {
            matches!(fact, Fact::OrderDelivered(_) | Fact::KeysRevealed(_)) && *stream == order.stream()
        });
        let state = shown(entry.state.status());
        let mut keys = Vec::new();
        let mut lines = Vec::new();
        for (number, line) in placed.lines.iter().enumerate() {
            let number = u16::try_from(number).unwrap_or(u16::MAX);
            let live = entry.state.keys.get(&number).filter(|_| recorded).cloned();
            keys.push(live.unwrap_or_default());
            lines.push(LineView {
                item: line.item().to_owned(),
                sku: line.sku.clone(),
                name: name_of(&desk, &line.sku),
                quantity: line.quantity,
                amount: line.amount,
                keys: Vec::new(),
            });
        }
        let now = self.now();
        let ended = matches!(state, OrderState::Delivered | OrderState::Refunded | OrderState::Cancelled);
        // The unit being staged has no time yet: it gets the present one.
        let fresh = desk.staged.iter().any(|(stream, _)| *stream == order.stream());
        let last_at = if fresh { now } else { entry.last_at };
        let view = OrderView {
            order: *order,
            external_no: placed.external_no.clone(),
            memo: placed.memo.clone(),
            state,
            total: placed.total,
            lines,
            placed_at: if entry.next_version == 0 { now } else { entry.first_at },
            ended_at: ended.then_some(last_at),
        };
        Some(Box::new(SealedView { view, keys }))
    }

    /// What an account can sell now: one item, or all its listings.
    pub(super) fn offers(&self, account: &Account, item: Option<&str>) -> Vec<Offer> {
        let desk = lock(&self.desk);
        let Some(channel) = desk.channel(account) else { return Vec::new() };
        let now = self.now();
        let offer = |item: &str, sku: &vocabulary::Sku| {
            let price = desk.price(sku, account, now);
            Offer {
                item: item.to_owned(),
                sku: sku.clone(),
                name: name_of(&desk, sku),
                price,
                available: desk.pool(sku).map_or(0, |pool| pool.available_to(account, now)),
                on_sale: !channel.suspended() && price.is_some(),
            }
        };
        match item {
            None => channel.listings().map(|(item, sku)| offer(item, sku)).collect(),
            Some(item) => match channel.sku_of(item).cloned().or_else(|| item.parse().ok()) {
                Some(sku) if desk.sku(&sku).is_some() => vec![offer(item, &sku)],
                _ => Vec::new(),
            },
        }
    }
}

pub(super) fn name_of(desk: &Desk, sku: &vocabulary::Sku) -> String {
    desk.sku(sku).and_then(|state| state.defined()).map_or_else(|| sku.to_string(), |d| d.name.clone())
}
