//! History that is taken over: orders that were sold, or given back, elsewhere.

use std::collections::{HashMap, HashSet};

use domain::{
    Decider, Rejection, buyer,
    order::{self, Order, Past},
};
use vault::SubjectPut;
use vocabulary::{BuyerId, OrderId, Reason};

use super::{NumberKey, Sequencer, operate::Operated, settle};
use crate::{
    EngineError, OperatorAnswer,
    host::lock,
    hot::{Elsewhere, Entry},
    operator::{PAST_ORDERS_MAX, PastOrder, TakenOver},
    work::Staged,
};

impl Sequencer {
    /// Takes a page of orders over, in one unit: all of them, or none where one is turned down.
    pub(super) async fn take_over(
        &mut self,
        page: Vec<PastOrder>,
        people: Vec<SubjectPut>,
        staged: &mut Staged,
    ) -> Operated {
        if page.len() > PAST_ORDERS_MAX {
            let detail = format!("at most {PAST_ORDERS_MAX} orders are taken over at once");
            return Ok(Err(Rejection::new(Reason::InvalidValue, detail)));
        }
        let mut keys = HashSet::with_capacity(page.len());
        for PastOrder { past, .. } in &page {
            if let Err(rejection) = self.may_take_over(past, &mut keys) {
                return Ok(Err(rejection));
            }
        }
        let mut people: HashMap<BuyerId, SubjectPut> =
            people.into_iter().map(|put| (put.buyer.clone(), put)).collect();
        let mut taken_over = TakenOver::default();
        for PastOrder { past, occurred_at } in page {
            let elsewhere = Elsewhere { account: Some(past.account.clone()), occurred_at };
            let buyer = past.buyer.clone();
            if self.take_one_over(past, elsewhere, staged).await? {
                taken_over.recorded += 1;
            } else {
                taken_over.known += 1;
            }
            if let Some(put) = buyer.and_then(|buyer| people.remove(&buyer)) {
                taken_over.buyers += u64::from(self.register_past(put, staged).await?);
            }
        }
        Ok(Ok(OperatorAnswer { taken_over, ..OperatorAnswer::default() }))
    }

    /// Whether the order's stream would take it, and the page names it once.
    fn may_take_over(&mut self, past: &Past, keys: &mut HashSet<NumberKey>) -> Result<(), Rejection> {
        let key = self.order_number(&past.account, &past.external_no);
        let known = self.find_number(&key);
        let command = order::Command::RecordPast(
            known.unwrap_or(OrderId::from_uuid(uuid::Uuid::nil())),
            Box::new(past.clone()),
        );
        let desk = lock(&self.desk);
        let currency = desk.channel(&past.account).and_then(|c| c.connected()).map(|c| c.currency);
        let total = past.total()?;
        if currency.is_some_and(|currency| currency != total.currency) {
            let detail = format!("{} of {} is in {}", past.external_no, past.account, total.currency);
            return Err(Rejection::new(Reason::CurrencyMismatch, detail));
        }
        let state = known.and_then(|id| desk.order(&id)).map(|entry| entry.state.clone()).unwrap_or_default();
        drop(desk);
        Order::decide(&state, &command)?;
        if keys.insert(key) {
            return Ok(());
        }
        let detail = format!("{} of {} comes twice in one page", past.external_no, past.account);
        Err(Rejection::new(Reason::InvalidValue, detail))
    }

    /// Whether the order is new.
    async fn take_one_over(
        &mut self,
        past: Past,
        elsewhere: Elsewhere,
        staged: &mut Staged,
    ) -> Result<bool, EngineError> {
        let key = self.order_number(&past.account, &past.external_no);
        let known = self.find_number(&key);
        let id = known.unwrap_or_else(|| OrderId::from_uuid(self.ids.next(self.now())));
        if known.is_none() {
            lock(&self.desk).put::<Order>(&id.stream(), Entry::default());
        }
        let place = lock(&self.desk).staged.len();
        let command = order::Command::RecordPast(id, Box::new(past));
        if let Err(rejection) = settle(self.hosts.orders.execute(&id.stream(), command).await)? {
            return Err(EngineError::Broken(format!("a checked past order was rejected: {rejection}")));
        }
        let mut desk = lock(&self.desk);
        let is_new = desk.staged.len() > place;
        if is_new {
            desk.elsewhere.insert(place, elsewhere);
        }
        drop(desk);
        if known.is_none() {
            self.claim_number(key, id, staged);
        }
        Ok(is_new)
    }

    /// Whether the buyer is new. What is known of one who was erased is not kept again.
    async fn register_past(&mut self, put: SubjectPut, staged: &mut Staged) -> Result<bool, EngineError> {
        let command = buyer::Command::Register { buyer: put.buyer.clone(), account: put.account.clone() };
        let before = lock(&self.desk).staged.len();
        // Nothing but an earlier registration keeps a buyer from being registered, and that is no error.
        let _known = settle(self.hosts.buyers.execute(&put.buyer.stream(), command).await)?;
        let is_new = lock(&self.desk).staged.len() > before;
        if is_new {
            staged.subjects.push(put);
        }
        Ok(is_new)
    }
}
