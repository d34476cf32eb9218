//! Plausible histories: shops that sell, buyers who pay, cancel and want money back, operators who interfere.

use std::collections::VecDeque;

use events::{
    RecordedEvent, buyer::*, channel::*, journey::*, order::*, pool::*, price::PriceSet, sku::SkuDefined,
};
use vocabulary::{
    Account, BatchId, BuyerId, Currency, DeliveryMethod, KeyKind, KeyRef, MerchantId, Money, OrderId,
    Quantity, Sku, StreamId, Timestamp,
};

use super::{Scribe, rng::Rng};

/// Orders under way at once.
const OPEN_ORDERS: usize = 48;
const ACCOUNTS: [&str; 4] = ["taobao/main", "douyin/live", "wechat/mini", "own-site/web"];
const SKUS: [&str; 3] = ["steam-50", "psn-100", "office-365"];

/// The merchant of the stories.
pub fn merchant() -> MerchantId {
    parsed("demo")
}

/// A history of at least `events` events. The same seed tells the same story.
pub fn plausible_history(seed: u64, events: usize) -> Vec<RecordedEvent> {
    let mut story = Story::new(seed);
    while story.scribe.events.len() < events {
        story.go_on();
    }
    story.scribe.events
}

/// A story being told.
pub struct Story {
    /// What was written down so far. Take events out as you like.
    pub scribe: Scribe,
    rng: Rng,
    accounts: Vec<Account>,
    pools: Vec<Pool>,
    batches: u32,
    orders: Vec<Order>,
    placed: u64,
}

struct Pool {
    sku: Sku,
    kind: KeyKind,
    price: Money,
    stock: VecDeque<KeyRef>,
    quarantined: Vec<(BatchId, KeyRef)>,
}

struct Order {
    id: OrderId,
    account: Account,
    lines: Vec<OrderLine>,
    pools: Vec<usize>,
    total: Money,
    keys: Vec<Vec<KeyRef>>,
    /// How many lines, from the first, have their keys allocated.
    allocated: usize,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Placed,
    Reserved,
    Paid,
    Fulfilled,
    Delivered,
    RefundDue,
    Over,
}

impl Story {
    /// The beginning: accounts, items and buyers.
    pub fn new(seed: u64) -> Self {
        let rng = Rng(seed);
        let scribe = Scribe::new(merchant(), Timestamp::from_secs(1_767_322_800));
        let accounts: Vec<Account> = ACCOUNTS.into_iter().map(parsed).collect();
        let pools = SKUS.into_iter().enumerate().map(|(place, sku)| Pool {
            sku: parsed(sku),
            kind: if place == 2 { KeyKind::Reusable { use_limit: 3 } } else { KeyKind::OneShot },
            price: Money::new(2_888 + 100 * place as i64, Currency::CNY),
            stock: VecDeque::new(),
            quarantined: Vec::new(),
        });
        let pools = pools.collect();
        let mut story = Self { scribe, rng, accounts, pools, batches: 0, orders: Vec::new(), placed: 0 };
        story.set_up();
        story
    }

    /// One more scene.
    pub fn go_on(&mut self) {
        let pause = if self.rng.chance(1) { 3_600_000 } else { 1_500 };
        self.scribe.now = self.scribe.now.plus_millis(self.rng.below(pause) as i64);
        if let Some(short) = self.pools.iter().position(|pool| pool.stock.len() < 30) {
            self.import(short);
        } else if self.rng.chance(2) {
            self.interfere();
        } else if self.orders.len() < OPEN_ORDERS && self.rng.chance(40) || self.orders.is_empty() {
            self.place();
        } else {
            let place = self.rng.place(self.orders.len());
            let mut order = self.orders.swap_remove(place);
            self.advance(&mut order);
            if order.stage != Stage::Over {
                self.orders.push(order);
            }
        }
    }

    fn set_up(&mut self) {
        for account in self.accounts.clone() {
            let fact = ChannelConnected {
                name: account.channel().to_owned(),
                currency: Currency::CNY,
                orders_of: account.clone(),
                settings_digest: "00".repeat(32),
                account: account.clone(),
            };
            self.scribe.record(account.stream(), Some(&account), fact);
        }
        for pool in &self.pools {
            let fact = SkuDefined {
                sku: pool.sku.clone(),
                name: format!("Card {}", pool.sku),
                family: "games".into(),
                key_kind: pool.kind,
                face_value: None,
            };
            self.scribe.record(pool.sku.stream(), None, fact);
        }
    }

    fn import(&mut self, place: usize) {
        self.batches += 1;
        let (batch, count) = (BatchId(self.batches), 50 + self.rng.below(150) as u32);
        let pool = &mut self.pools[place];
        let (sku, key_kind) = (pool.sku.clone(), pool.kind);
        let opened = BatchOpened {
            sku: sku.clone(),
            batch,
            key_kind,
            supplier: (batch.0 % 2 == 0).then(|| "wholesale".into()),
            // Of some batches nobody says what they cost.
            unit_cost: (batch.0 % 5 > 0)
                .then(|| Money::new(1_900 + i64::from(batch.0 % 7) * 10, Currency::CNY)),
            sell_until: (batch.0 % 6 == 1).then(|| self.scribe.now.plus_secs(7_200)),
        };
        self.scribe.record(sku.pool_stream(), None, opened);
        let fingerprints =
            (0..count).map(|index| format!("{:032x}", u64::from(batch.0) << 32 | u64::from(index)));
        let fact =
            KeysImported { sku: sku.clone(), batch, first_index: 0, fingerprints: fingerprints.collect() };
        self.scribe.record(sku.pool_stream(), None, fact);
        let units = (0..count)
            .flat_map(|index| (0..key_kind.uses()).map(move |use_no| KeyRef { batch, index, use_no }));
        pool.stock.extend(units);
    }

    /// An operator does something.
    fn interfere(&mut self) {
        let account = self.accounts[self.rng.place(self.accounts.len())].clone();
        let place = self.rng.place(self.pools.len());
        let sku = self.pools[place].sku.clone();
        let reason = "by the operator".to_owned();
        match self.rng.below(9) {
            0 | 1 => {
                let (floor, cap) =
                    (self.rng.below(20), self.rng.chance(70).then(|| 20 + self.rng.below(100)));
                self.scribe.record(sku.pool_stream(), None, QuotaSet { sku, account, floor, cap, reason });
            }
            2 => {
                let unit_price = self.pools[place].price;
                let (valid_from, stream) = (self.scribe.now, sku.price_stream());
                let account = Some(account);
                self.scribe.record(
                    stream,
                    None,
                    PriceSet { sku, account, unit_price, valid_from, valid_until: None, reason },
                );
            }
            3 => self.quarantine(place),
            4 => {
                let Some(key) = self.pools[place].stock.pop_back() else { return };
                self.scribe.record(
                    sku.pool_stream(),
                    None,
                    KeysVoided { keys: vec![key], reason: "withdrawn".into() },
                );
            }
            5 => self.take_over(&account),
            6 => self.refuse(&account, sku),
            7 => self.travel(&account),
            _ => {
                let available = self.pools[place].stock.len() as u64;
                let stream = account.stream();
                let item = format!("item-{sku}");
                let fact =
                    StockPushRequested { account: account.clone(), item: item.clone(), sku, available };
                self.scribe.record(stream.clone(), Some(&account), fact);
                let outcome = AttemptOutcome::Done;
                let fact =
                    StockPushSettled { account: account.clone(), item, available, outcome, attempts: 1 };
                self.scribe.record(stream, Some(&account), fact);
            }
        }
    }

    /// An account's terms, or an order that finds no keys there.
    fn refuse(&mut self, account: &Account, sku: Sku) {
        let account = account.clone();
        if self.rng.chance(30) {
            let (commission_bp, sync_delay_s) = (self.rng.below(1_000) as u32, self.rng.below(60) as u32);
            let (kind, value_tags) = (ChannelKind::Marketplace, vec!["trust".to_owned()]);
            let fact = ChannelTermsSet {
                account: account.clone(),
                kind,
                commission_bp,
                pay_fee_bp: 60,
                sync_delay_s,
                value_tags,
            };
            self.scribe.record(account.stream(), None, fact);
            return;
        }
        let lines = vec![WantedLine { sku, quantity: quantity(1 + self.rng.below(3) as u32) }];
        let (external_no, reason) = (format!("R{:08}", self.rng.below(1_000_000)), "out_of_stock".to_owned());
        let fact = AttemptRefused { account: account.clone(), external_no, lines, reason };
        self.scribe.record_late(account.stream(), Some(&account), fact, self.rng.below(900) as i64);
    }

    /// A touch of a journey, which may lead to an order that is under way.
    fn travel(&mut self, account: &Account) {
        let journey: StreamId = parsed(&format!("journey-j{}", self.rng.below(20)));
        if let Some(order) = self.orders.last().map(|order| order.id).filter(|_| self.rng.chance(40)) {
            let fact = JourneyOrdered { journey: journey.clone(), order };
            self.scribe.record(journey, Some(account), fact);
            return;
        }
        let is_content = self.rng.chance(60);
        let fact = TouchRecorded {
            journey: journey.clone(),
            kind: if is_content { TouchKind::View } else { TouchKind::Chat },
            account: account.clone(),
            source: if is_content { "short-video".into() } else { "search".into() },
            content: is_content.then(|| format!("v-{}", self.rng.below(9))),
            format: is_content.then(|| "video".into()),
            campaign: None,
            buyer: self.buyer(account),
        };
        self.scribe.record_late(journey, Some(account), fact, self.rng.below(900_000) as i64);
    }

    /// An order of the past, now and then one that came back, and a note on it.
    fn take_over(&mut self, account: &Account) {
        self.placed += 1;
        let (id, external_no) = (self.order_id(), format!("H{:08}", self.placed));
        let (is_back, buyer) = (self.rng.chance(30), self.buyer(account));
        let sign = if is_back { -1 } else { 1 };
        let lines = (0..1 + self.rng.below(4)).map(|_| {
            let (quantity, minor) = (1 + self.rng.below(12) as i64, self.rng.below(9_000) as i64);
            let item =
                format!("{} {}", SKUS[self.rng.place(SKUS.len())], if minor > 4_500 { "A" } else { "b" });
            let amount = Money::new(sign * quantity * (minor - 200), Currency::GBM);
            PastLine { item, quantity: sign * quantity, amount }
        });
        let lines: Vec<PastLine> = lines.collect();
        let total = Money::new(sign * lines.iter().map(|line| line.amount.minor).sum::<i64>(), Currency::GBM);
        let (order, account) = (id, account.clone());
        let late = 86_400_000 * (1 + self.rng.below(400) as i64);
        if is_back {
            let fact =
                PastRefundRecorded { order, account: account.clone(), external_no, lines, total, buyer };
            self.scribe.record_late(id.stream(), Some(&account), fact, late);
        } else {
            let fact =
                PastOrderRecorded { order, account: account.clone(), external_no, lines, total, buyer };
            self.scribe.record_late(id.stream(), Some(&account), fact, late);
        }
        if self.rng.chance(30) {
            self.scribe.record(id.stream(), None, OrderNoted { text: "looked at".into() });
        }
    }

    fn quarantine(&mut self, place: usize) {
        let pool = &mut self.pools[place];
        let (sku, reason) = (pool.sku.clone(), "complaints".to_owned());
        if let Some(key) = pool.stock.front().copied().filter(|_| self.rng.chance(30)) {
            // A whole batch, for as long as it takes to look.
            let (batch, stream) = (key.batch, sku.pool_stream());
            let fact = KeysQuarantined { sku: sku.clone(), batch, keys: Vec::new(), reason: reason.clone() };
            self.scribe.record(stream.clone(), None, fact);
            self.scribe.record(stream, None, QuarantineLifted { sku, batch, keys: Vec::new(), reason });
            let (back, still): (Vec<_>, Vec<_>) =
                pool.quarantined.drain(..).partition(|(of, _)| *of == batch);
            pool.quarantined = still;
            pool.stock.extend(back.into_iter().map(|(_, key)| key));
            return;
        }
        if let Some((batch, key)) = pool.quarantined.pop() {
            let fact = QuarantineLifted { sku: sku.clone(), batch, keys: vec![key], reason };
            self.scribe.record(sku.pool_stream(), None, fact);
            pool.stock.push_back(key);
        } else if let Some(key) = pool.stock.pop_back() {
            let fact = KeysQuarantined { sku: sku.clone(), batch: key.batch, keys: vec![key], reason };
            self.scribe.record(sku.pool_stream(), None, fact);
            pool.quarantined.push((key.batch, key));
        }
    }

    fn place(&mut self) {
        self.placed += 1;
        let id = self.order_id();
        let account = self.accounts[self.rng.place(self.accounts.len())].clone();
        let count = if self.rng.chance(15) { 2 } else { 1 };
        let first = self.rng.place(self.pools.len());
        let pools: Vec<usize> = (0..count).map(|more| (first + more) % self.pools.len()).collect();
        let mut total = Money::zero(Currency::CNY);
        let lines: Vec<OrderLine> = pools
            .iter()
            .map(|place| {
                let (units, pool) = (1 + self.rng.below(2) as u32, &self.pools[*place]);
                let amount = Money::new(pool.price.minor * i64::from(units), pool.price.currency);
                total.minor += amount.minor;
                OrderLine { sku: pool.sku.clone(), item: None, quantity: quantity(units), amount }
            })
            .collect();
        let buyer = self.buyer(&account);
        let fact = OrderPlaced {
            order: id,
            account: account.clone(),
            external_no: format!("T{:08}", self.placed),
            lines: lines.clone(),
            total,
            buyer,
            delivery: if self.rng.chance(50) { DeliveryMethod::Api } else { DeliveryMethod::Reply },
            memo: None,
        };
        self.scribe.record_late(id.stream(), Some(&account), fact, self.rng.below(900) as i64);
        let mut order = Order {
            id,
            account,
            keys: vec![Vec::new(); pools.len()],
            lines,
            pools,
            total,
            allocated: 0,
            stage: Stage::Placed,
        };
        if self.rng.chance(50) {
            self.reserve(&mut order);
        }
        self.orders.push(order);
    }

    fn order_id(&mut self) -> OrderId {
        let mut noise = [0; 10];
        noise[2..].copy_from_slice(&self.rng.next().to_be_bytes());
        let millis = u64::try_from(self.scribe.now.micros() / 1_000).unwrap_or(0);
        OrderId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &noise).into_uuid())
    }

    /// A buyer who may be new; some channels do not say who buys.
    fn buyer(&mut self, account: &Account) -> Option<BuyerId> {
        if self.rng.chance(15) {
            return None;
        }
        let number = self.rng.below(self.placed.min(5_000));
        let buyer: BuyerId = parsed(&format!("buyer-{number:08x}"));
        if self.rng.chance(10) {
            let fact = BuyerRegistered { buyer: buyer.clone(), account: account.clone() };
            self.scribe.record(buyer.stream(), Some(account), fact);
        }
        Some(buyer)
    }

    fn reserve(&mut self, order: &mut Order) {
        let until = self.scribe.now.plus_secs(900);
        for line in 0..order.lines.len() {
            let Some(keys) = self.take(order.pools[line], order.lines[line].quantity) else { return };
            let fact = KeysReserved {
                order: order.id,
                line: line as u16,
                account: order.account.clone(),
                keys: keys.clone(),
                until,
            };
            self.scribe.record(order.lines[line].sku.pool_stream(), Some(&order.account), fact);
            order.keys[line] = keys;
        }
        self.scribe.record(order.id.stream(), Some(&order.account), OrderReserved { until });
        order.stage = Stage::Reserved;
    }

    fn take(&mut self, pool: usize, quantity: Quantity) -> Option<Vec<KeyRef>> {
        let (stock, count) = (&mut self.pools[pool].stock, quantity.get() as usize);
        (stock.len() >= count).then(|| stock.drain(..count).collect())
    }

    fn advance(&mut self, order: &mut Order) {
        match order.stage {
            Stage::Placed | Stage::Reserved if self.rng.chance(12) => self.cancel(order),
            Stage::Placed | Stage::Reserved => {
                let txn = format!("pay-{}", order.id.uuid().simple());
                let fact = PaymentConfirmed { txn, through: order.account.clone(), amount: order.total };
                self.scribe.record(order.id.stream(), Some(&order.account), fact);
                self.allocate(order);
            }
            Stage::Paid => self.allocate(order),
            Stage::Fulfilled => self.deliver(order),
            Stage::Delivered if self.rng.chance(8) => self.ask_refund(order),
            Stage::Delivered if self.rng.chance(4) => self.replace(order),
            Stage::Delivered => {
                self.scribe.record(order.id.stream(), None, OrderClosed { reason: "completed".into() });
                order.stage = Stage::Over;
            }
            Stage::RefundDue => self.settle_refund(order),
            Stage::Over => {}
        }
    }

    fn cancel(&mut self, order: &mut Order) {
        let reason = if self.rng.chance(50) { "expired" } else { "cancelled" };
        if reason == "expired" && order.stage == Stage::Reserved {
            self.scribe.record(order.id.stream(), None, ReservationExpired {});
        } else {
            let fact = OrderCancelled { reason: "changed their mind".into(), channel_refunds: false };
            self.scribe.record(order.id.stream(), Some(&order.account), fact);
        }
        for line in 0..order.lines.len() {
            let keys = std::mem::take(&mut order.keys[line]);
            if keys.is_empty() {
                continue;
            }
            self.pools[order.pools[line]].stock.extend(&keys);
            let account = order.account.clone();
            let fact =
                KeysReleased { order: order.id, line: line as u16, account, keys, reason: reason.into() };
            self.scribe.record(order.lines[line].sku.pool_stream(), Some(&order.account), fact);
        }
        order.stage = Stage::Over;
    }

    fn allocate(&mut self, order: &mut Order) {
        for line in order.allocated..order.lines.len() {
            let reserved = !order.keys[line].is_empty();
            if !reserved {
                match self.take(order.pools[line], order.lines[line].quantity) {
                    Some(keys) => order.keys[line] = keys,
                    None => return self.backorder(order, line as u16),
                }
            }
            let fact = KeysAllocated {
                order: order.id,
                line: line as u16,
                account: order.account.clone(),
                keys: order.keys[line].clone(),
                chosen: if reserved { AllocationReason::Reserved } else { AllocationReason::Stock },
            };
            self.scribe.record(order.lines[line].sku.pool_stream(), Some(&order.account), fact);
            order.allocated += 1;
        }
        let lines = line_keys(order);
        self.scribe.record(order.id.stream(), None, OrderFulfilled { lines });
        order.stage = Stage::Fulfilled;
    }

    fn backorder(&mut self, order: &mut Order, line: u16) {
        if order.stage != Stage::Paid {
            let until = self.scribe.now.plus_secs(86_400);
            self.scribe.record(order.id.stream(), None, OrderBackordered { lines: vec![line], until });
        }
        order.stage = Stage::Paid;
    }

    fn deliver(&mut self, order: &mut Order) {
        let (stream, lines) = (order.id.stream(), line_keys(order));
        let mut method = DeliveryMethod::Reply;
        if self.rng.chance(40) {
            method = DeliveryMethod::Api;
            let fact = DeliveryRequested {
                delivery: 1,
                account: order.account.clone(),
                lines: lines.clone(),
                reason: None,
            };
            self.scribe.record(stream.clone(), None, fact);
            if self.rng.chance(10) {
                let outcome = AttemptOutcome::RetryAfter { secs: 5, code: "busy".into() };
                self.scribe.record(
                    stream.clone(),
                    None,
                    DeliveryAttempted { delivery: 1, attempt: 1, outcome },
                );
            }
            let outcome = AttemptOutcome::Done;
            self.scribe.record(stream.clone(), None, DeliveryAttempted { delivery: 1, attempt: 2, outcome });
        }
        self.scribe.record(stream, Some(&order.account), OrderDelivered { delivery: 1, method, lines });
        order.stage = Stage::Delivered;
    }

    fn replace(&mut self, order: &mut Order) {
        let Some(new) = self.take(order.pools[0], Quantity::ONE) else { return };
        let (old, line, pool) = (order.keys[0][0], 0, order.lines[0].sku.pool_stream());
        let fact = KeysAllocated {
            order: order.id,
            line,
            account: order.account.clone(),
            keys: new.clone(),
            chosen: AllocationReason::Replacement,
        };
        self.scribe.record(pool.clone(), None, fact);
        let fact = KeysRevoked { order: order.id, line, keys: vec![old], reason: "bad_key".into() };
        self.scribe.record(pool, None, fact);
        order.keys[0][0] = new[0];
        let (reason, cost_owner) = ("bad_key".to_owned(), "supplier".to_owned());
        self.scribe.record(
            order.id.stream(),
            None,
            KeyReplaced { line, old, new: new[0], reason, cost_owner },
        );
        self.deliver(order);
    }

    fn ask_refund(&mut self, order: &mut Order) {
        let refund = format!("refund-{}", order.id.uuid().simple());
        let fact = RefundRequested {
            refund: refund.clone(),
            amount: None,
            reason: "does not work".into(),
            settled_early: false,
            memo: None,
        };
        self.scribe.record(order.id.stream(), Some(&order.account), fact);
        if self.rng.chance(20) {
            self.scribe.record(order.id.stream(), None, RefundRefused { refund, reason: "used".into() });
            return;
        }
        let (amount, through) = (order.total, Some(order.account.clone()));
        let fact = RefundDue { refund, amount, reason: "refund_agreed".into(), through };
        self.scribe.record(order.id.stream(), None, fact);
        order.stage = Stage::RefundDue;
    }

    fn settle_refund(&mut self, order: &mut Order) {
        let refund = format!("refund-{}", order.id.uuid().simple());
        self.scribe.record(
            order.id.stream(),
            Some(&order.account),
            RefundSettled { refund, amount: order.total },
        );
        for line in 0..order.lines.len() {
            let keys = std::mem::take(&mut order.keys[line]);
            let fact = KeysRevoked { order: order.id, line: line as u16, keys, reason: "refunded".into() };
            self.scribe.record(order.lines[line].sku.pool_stream(), None, fact);
        }
        self.scribe.record(order.id.stream(), None, OrderClosed { reason: "refunded".into() });
        order.stage = Stage::Over;
    }
}

fn line_keys(order: &Order) -> Vec<LineKeys> {
    let line = |(number, line): (usize, &OrderLine)| LineKeys {
        line: number as u16,
        sku: line.sku.clone(),
        keys: order.keys[number].clone(),
    };
    order.lines.iter().enumerate().map(line).collect()
}

fn quantity(units: u32) -> Quantity {
    Quantity::try_from(i64::from(units)).unwrap_or(Quantity::ONE)
}

/// Reads a literal of this file.
fn parsed<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap_or_else(|error| panic!("{text} is well formed: {error:?}"))
}
