//! Orders, payments and refunds as channels state them: looked up, priced, admitted, executed.

use std::collections::BTreeMap;

use channel::{AmountCheck, OrderAsk, PaymentAsk, RefundAsk, Shortage, Stage};
use domain::{
    Rejection,
    channel::Command as ChannelCommand,
    journal,
    order::{self, Order, Placing},
};
use event_log::NumberKind;
use events::{Fact, channel::WantedLine, journey::JourneyOrdered, order::OrderLine};
use vocabulary::{Account, BuyerId, Money, OrderId, Quantity, Reason, Sku, StreamId, Timestamp};

use super::{NumberKey, Sequencer, answer::Draft, lookup::journey_stream, message::Decided, settle};
use crate::{
    EngineError,
    host::lock,
    hot::{Desk, Entry},
    identity::Met,
    work::Staged,
};

impl Sequencer {
    pub(super) async fn order_ask(
        &mut self,
        account: &Account,
        ask: &OrderAsk,
        buyer: Option<Met>,
        replying: bool,
        staged: &mut Staged,
    ) -> Decided {
        let now = self.now();
        let key = self.order_number(account, &ask.external_no);
        let known = self.find_number(&key);
        let id = known.unwrap_or_else(|| OrderId::from_uuid(self.ids.next(now)));
        let judged = {
            let desk = lock(&self.desk);
            price(&desk, account, ask, id, buyer.as_ref().map(|met| &met.buyer), now)
                .map(|placing| (admit(&desk, account, ask, &placing, now), placing))
        };
        let placing = match judged {
            Ok((Ok(()), placing)) => placing,
            Ok((Err(rejection), placing)) => {
                self.record_refusal(&key, &placing, rejection.reason).await?;
                return Ok(Err(rejection));
            }
            Err(rejection) => return Ok(Err(rejection)),
        };
        let paid = match &ask.stage {
            Stage::Paid { txn } => Some((NumberKind::Txn, account.to_string(), txn.clone())),
            Stage::Placed { .. } => None,
        };
        if let Some(key) = &paid
            && self.find_number(key).is_some_and(|owner| owner != id)
        {
            return Ok(Err(Rejection::new(Reason::TxnReused, "the payment belongs to another order")));
        }
        let total = placing.total;
        let until = match ask.stage {
            Stage::Placed { reserve_secs } => Some(now.plus_secs(i64::from(reserve_secs))),
            Stage::Paid { .. } => None,
        };
        let replying_to = replying.then_some(id);
        if known.is_none() {
            // The log holds nothing of an order that is new: it is not asked, which would cost every order a query.
            lock(&self.desk).put::<Order>(&id.stream(), Entry::default());
        }
        let place = order::Command::Place(Box::new(placing), until);
        if let Err(rejection) = self.order_command(id, place, replying_to).await? {
            return Ok(Err(rejection));
        }
        if let Some((_, _, txn)) = &paid {
            let can_refund = self.account_can_refund(account);
            let pay =
                order::Command::Pay { txn: txn.clone(), through: account.clone(), amount: total, can_refund };
            if let Err(rejection) = self.order_command(id, pay, replying_to).await? {
                if lock(&self.desk).staged.is_empty() {
                    return Ok(Err(rejection));
                }
                return Err(EngineError::Broken(format!("a checked payment was rejected: {rejection}")));
            }
        }
        for key in [Some(key), paid].into_iter().flatten() {
            if self.find_number(&key).is_none() {
                self.claim_number(key, id, staged);
            }
        }
        if let Some(journey) = ask.journey.as_deref().and_then(journey_stream)
            && self.is_placed_now(id)
        {
            self.end_journey(journey, id).await?;
        }
        self.register(account, buyer, staged).await?;
        Ok(Ok(self.order_view(&id).map_or(Draft::Accepted(Some(id)), Draft::Order)))
    }

    /// An order that finds no keys is demand that was not met: told of once, however often it comes while it is
    /// remembered. The memory is bounded (65,536 orders) and is not kept over a restart.
    async fn record_refusal(
        &mut self,
        key: &NumberKey,
        placing: &Placing,
        reason: Reason,
    ) -> Result<(), EngineError> {
        let is_demand = matches!(reason, Reason::OutOfStock | Reason::QuotaExhausted);
        if !is_demand || self.refused_lately.put(key.clone(), ()).is_some() {
            return Ok(());
        }
        let (account, external_no) = (placing.account.clone(), placing.external_no.clone());
        let stream = account.stream();
        let wanted = |line: &OrderLine| WantedLine { sku: line.sku.clone(), quantity: line.quantity };
        let (lines, reason) = (placing.lines.iter().map(wanted).collect(), reason.code().to_owned());
        let command = ChannelCommand::RecordRefusal { account, external_no, lines, reason };
        // It is for a connected account and never turned down.
        let _recorded = settle(self.hosts.channels.execute(&stream, command).await)?;
        Ok(())
    }

    /// Whether the unit being staged places the order: it may have been heard of before.
    fn is_placed_now(&self, order: OrderId) -> bool {
        let desk = lock(&self.desk);
        desk.staged.iter().any(|(_, fact)| matches!(fact, Fact::OrderPlaced(e) if e.order == order))
    }

    /// An order that is placed says which journey led to it.
    async fn end_journey(&mut self, journey: StreamId, order: OrderId) -> Result<(), EngineError> {
        let fact = Box::new(JourneyOrdered { journey: journey.clone(), order }.into());
        let record = journal::Command::Record { stream: journey.clone(), fact };
        match settle(self.hosts.journals.execute(&journey, record).await)? {
            Ok(()) => Ok(()),
            Err(rejection) => Err(EngineError::Broken(format!("a journey was rejected: {rejection}"))),
        }
    }

    /// A buyer who is new to us gets a stream; what is known of them goes to the subjects store.
    async fn register(
        &mut self,
        account: &Account,
        met: Option<Met>,
        staged: &mut Staged,
    ) -> Result<(), EngineError> {
        let Some(Met { buyer, subject, links }) = met else { return Ok(()) };
        let command = domain::buyer::Command::Register { buyer: buyer.clone(), account: account.clone() };
        let before = lock(&self.desk).staged.len();
        // A buyer who was erased stays erased: nothing is kept of them again.
        let _rejected = settle(self.hosts.buyers.execute(&buyer.stream(), command).await)?;
        if lock(&self.desk).staged.len() > before {
            staged.subjects.push(subject);
        }
        for link in links {
            let command = domain::buyer::Command::Link { buyer: buyer.clone(), link };
            // The buyer is registered and the identifier is none of our buyers: nothing can be said against it.
            let _never = settle(self.hosts.buyers.execute(&buyer.stream(), command).await)?;
        }
        Ok(())
    }

    pub(super) async fn payment_ask(
        &mut self,
        account: &Account,
        ask: &PaymentAsk,
        staged: &mut Staged,
    ) -> Decided {
        let order_key = self.order_number(account, &ask.external_no);
        let Some(id) = self.find_number(&order_key) else {
            return Ok(Err(Rejection::new(Reason::UnknownOrder, "no order has this number")));
        };
        let txn_key = (NumberKind::Txn, account.to_string(), ask.txn.clone());
        let owner = self.find_number(&txn_key);
        if owner.is_some_and(|owner| owner != id) {
            return Ok(Err(Rejection::new(Reason::TxnReused, "the payment belongs to another order")));
        }
        let (txn, through, amount) = (ask.txn.clone(), account.clone(), ask.amount);
        let can_check = self.adapters.get(account).is_some_and(|a| a.check_payment().is_some());
        let command = if ask.check_first && can_check {
            order::Command::CheckPayment { txn, through, amount }
        } else if ask.check_first {
            return Ok(Err(Rejection::new(
                Reason::WrongState,
                "the gateway cannot be asked about the payment",
            )));
        } else {
            let can_refund = self.account_can_refund(account);
            order::Command::Pay { txn, through, amount, can_refund }
        };
        if let Err(rejection) = self.order_command(id, command, None).await? {
            return Ok(Err(rejection));
        }
        if owner.is_none() {
            self.claim_number(txn_key, id, staged);
        }
        Ok(Ok(Draft::Accepted(Some(id))))
    }

    /// Before anything was handed over, a request for money back is agreed to at once; a platform that wants to hear
    /// of the agreement is told, and pays. Later it waits for a person.
    pub(super) async fn refund_requested(
        &mut self,
        account: &Account,
        ask: &RefundAsk,
        staged: &mut Staged,
    ) -> Decided {
        let id = self.order_or_new(account, &ask.external_no, staged);
        let untouched = lock(&self.desk)
            .order(&id)
            .is_some_and(|e| e.state.paid.is_some() && e.state.deliveries == 0 && !e.state.held);
        // What another account asks back is not paid from this one unasked.
        let through_it = lock(&self.desk)
            .order(&id)
            .is_some_and(|e| e.state.paid.as_ref().is_some_and(|paid| paid.through == *account));
        let can_refund = through_it && self.account_can_refund(account);
        let (refund, reason) = (ask.refund.clone(), ask.reason.clone());
        let (amount, memo) = (ask.amount, ask.memo.clone());
        let request = order::Command::RequestRefund { refund: refund.clone(), amount, reason, memo };
        if let Err(rejection) = self.order_command(id, request, None).await? {
            return Ok(Err(rejection));
        }
        if untouched {
            let agree = order::Command::AgreeRefund {
                refund,
                amount: None,
                reason: "refund_agreed".to_owned(),
                can_refund,
            };
            if let Err(rejection) = self.order_command(id, agree, None).await? {
                return Ok(Err(rejection));
            }
        }
        Ok(Ok(self.order_view(&id).map_or(Draft::Accepted(Some(id)), Draft::Order)))
    }

    pub(super) async fn read_back_ask(&mut self, account: &Account, external_no: &str) -> Decided {
        let (account, external_no) = (account.clone(), external_no.to_owned());
        let stream = account.stream();
        let command = ChannelCommand::RequestReadBack { account, external_no };
        let executed = settle(self.hosts.channels.execute(&stream, command).await)?;
        Ok(executed.map(|()| Draft::Accepted(None)))
    }

    pub(super) async fn order_query(
        &mut self,
        account: &Account,
        external_no: Option<&str>,
        order: Option<OrderId>,
        with_keys: bool,
    ) -> Decided {
        let by_number = external_no.and_then(|number| {
            let key = self.order_number(account, number);
            self.find_number(&key)
        });
        let unknown = || Rejection::new(Reason::UnknownOrder, "no order of this account has this number");
        let Some(id) = by_number.or(order) else { return Ok(Err(unknown())) };
        let namespace = self.order_number(account, "").1;
        let shows = {
            let desk = lock(&self.desk);
            let placed = desk.order(&id).and_then(|e| e.state.placed.as_ref());
            let Some(placed) = placed else { return Ok(Err(unknown())) };
            if placed.account != *account && placed.account.as_str() != namespace {
                return Ok(Err(unknown()));
            }
            desk.order(&id).is_some_and(|e| e.state.fulfilled)
        };
        if with_keys && shows {
            let show = order::Command::ShowKeys { reason: order::CHANNEL_QUERY.to_owned() };
            // A held or refunded order is shown without its keys.
            let _without_keys = self.order_command(id, show, None).await?;
        }
        Ok(self.order_view(&id).map(Draft::Order).ok_or_else(unknown))
    }
}

/// The order as we would place it: items resolved, lines priced, the channel's amount held against ours.
fn price(
    desk: &Desk,
    account: &Account,
    ask: &OrderAsk,
    order: OrderId,
    buyer: Option<&BuyerId>,
    now: Timestamp,
) -> Result<Placing, Rejection> {
    let channel = desk.channel(account);
    let currency = channel
        .and_then(|c| c.connected())
        .map(|c| c.currency)
        .ok_or_else(|| Rejection::new(Reason::UnknownChannel, "the account is not connected"))?;
    let mut lines = Vec::with_capacity(ask.lines.len());
    for line in &ask.lines {
        let listed = channel.and_then(|c| c.sku_of(&line.item)).cloned();
        let sku: Sku = listed
            .or_else(|| line.item.parse().ok().filter(|sku| desk.sku(sku).is_some()))
            .ok_or_else(|| Rejection::new(Reason::UnknownItem, "an item stands for nothing of ours"))?;
        let item = Some(line.item.clone()).filter(|item| item != sku.as_str());
        lines.push(Wanted { sku, item, quantity: line.quantity });
    }
    let placed = desk.order(&order).and_then(|entry| entry.state.placed.as_ref());
    let (lines, ours) = match placed {
        // What was agreed when the order was placed holds, whatever prices are now.
        Some(placed) => {
            let agreed = placed.lines.iter().map(|line| (&line.sku, line.quantity));
            let same = agreed.eq(lines.iter().map(|line| (&line.sku, line.quantity)));
            if !same {
                return Err(Rejection::new(
                    Reason::OrderNumberReused,
                    "the order was placed with other lines",
                ));
            }
            (placed.lines.clone(), placed.total)
        }
        None => priced(desk, account, lines, ask.amount, currency, now)?,
    };
    let total = agree(ask.amount, ours, placed.is_some())?;
    Ok(Placing {
        order,
        account: account.clone(),
        external_no: ask.external_no.clone(),
        lines,
        total,
        buyer: buyer.cloned(),
        delivery: ask.delivery,
        memo: ask.memo.clone(),
    })
}

/// A line whose item was resolved.
struct Wanted {
    sku: Sku,
    item: Option<String>,
    quantity: Quantity,
}

fn priced(
    desk: &Desk,
    account: &Account,
    wanted: Vec<Wanted>,
    check: AmountCheck,
    currency: vocabulary::Currency,
    now: Timestamp,
) -> Result<(Vec<OrderLine>, Money), Rejection> {
    let too_large = |_| Rejection::new(Reason::InvalidQuantity, "the order's amount is out of range");
    let platform = match check {
        AmountCheck::PlatformPrice(total) if total.currency != currency => {
            return Err(Rejection::new(Reason::CurrencyMismatch, format!("the account is in {currency}")));
        }
        AmountCheck::PlatformPrice(total) => Some(total),
        _ => None,
    };
    let mut lines = Vec::with_capacity(wanted.len());
    let mut total = Money::zero(currency);
    for Wanted { sku, item, quantity } in wanted {
        let unit = desk.price(&sku, account, now).filter(|unit| unit.currency == currency);
        let unit = match (unit, platform) {
            (Some(unit), _) => unit,
            // The platform's price needs none of ours; lines then share it evenly.
            (None, Some(_)) => Money::new(1, currency),
            (None, None) => {
                return Err(Rejection::new(Reason::NoPrice, format!("{sku} has no price on this account")));
            }
        };
        let amount = unit.checked_mul(quantity.get()).map_err(too_large)?;
        total = total.checked_add(amount).map_err(too_large)?;
        lines.push(OrderLine { sku, item, quantity, amount });
    }
    if let Some(platform) = platform {
        share(&mut lines, total, platform);
        total = platform;
    }
    Ok((lines, total))
}

/// Shares the platform's total among the lines in proportion to our prices; the first line takes what is left over.
fn share(lines: &mut [OrderLine], ours: Money, total: Money) {
    let mut left = total.minor;
    for line in lines.iter_mut() {
        let part = i128::from(line.amount.minor) * i128::from(total.minor) / i128::from(ours.minor.max(1));
        line.amount = Money::new(i64::try_from(part).unwrap_or(0), total.currency);
        left -= line.amount.minor;
    }
    if let Some(first) = lines.first_mut() {
        first.amount.minor += left;
    }
}

fn agree(check: AmountCheck, ours: Money, placed: bool) -> Result<Money, Rejection> {
    let theirs = match check {
        AmountCheck::OurPrice => return Ok(ours),
        AmountCheck::PlatformPrice(_) if !placed => return Ok(ours),
        AmountCheck::PlatformPrice(theirs) | AmountCheck::Exactly(theirs) | AmountCheck::AtMost(theirs) => {
            theirs
        }
    };
    if theirs.currency != ours.currency {
        return Err(Rejection::new(Reason::CurrencyMismatch, format!("the order is in {}", ours.currency)));
    }
    let fits = match check {
        AmountCheck::AtMost(_) => ours.minor <= theirs.minor,
        _ => ours == theirs,
    };
    if fits {
        Ok(ours)
    } else {
        Err(Rejection::new(Reason::AmountMismatch, format!("the order costs {ours}")))
    }
}

/// Whether the account may sell this now. Money that is taken is never refused for want of keys.
fn admit(
    desk: &Desk,
    account: &Account,
    ask: &OrderAsk,
    placing: &Placing,
    now: Timestamp,
) -> Result<(), Rejection> {
    let entry = desk.order(&placing.order);
    let open = entry.is_some_and(|e| {
        let s = &e.state;
        s.paid.is_some() || s.cancelled || (s.reserved_until.is_some() && !s.expired)
    });
    let taken = matches!(ask.stage, Stage::Paid { .. }) && ask.shortage == Shortage::Backorder;
    if open || taken {
        return Ok(());
    }
    if desk.channel(account).is_some_and(|channel| channel.suspended()) {
        return Err(Rejection::new(Reason::ChannelSuspended, "sales on the account are stopped"));
    }
    let mut wanted: BTreeMap<&Sku, u64> = BTreeMap::new();
    for line in &placing.lines {
        *wanted.entry(&line.sku).or_default() += u64::from(line.quantity.get());
    }
    for (sku, count) in wanted {
        let (sellable, available) =
            desk.pool(sku).map_or((0, 0), |pool| (pool.sellable(now), pool.available_to(account, now)));
        if sellable < count {
            return Err(Rejection::new(Reason::OutOfStock, format!("{sku}: {sellable} left")));
        }
        if available < count {
            return Err(Rejection::new(
                Reason::QuotaExhausted,
                format!("{sku}: {available} left for the account"),
            ));
        }
    }
    Ok(())
}
