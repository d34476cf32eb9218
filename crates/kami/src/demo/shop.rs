//! The people and platforms around the shop: what they have planned, and how they act on Kami. One thing happens at
//! a time, each drawn from the same row of random numbers, so that a seed always gives the same history.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::Context;
use engine::{EngineError, ImportBatch, OperatorAnswer, OperatorCommand, OrderRef};
use events::Actor;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use vault::KeyVerdict;
use vocabulary::{CardKey, KeyKind, Secret, Timestamp};

use super::{
    Profile,
    catalogue::{self, DAY, ITEMS, Item, KEEPER, LATE_ITEM, Place, account, connections, yuan},
    line::{Answer, Line},
    stage::World,
    story::Beat,
    truth::{OrderNo, SharedTruth},
    wire::{self, Wire},
};

/// Something planned.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Somebody comes, and buys something somewhere.
    Visit,
    /// The same again and again, for ever.
    Bustle,
    /// Somebody buys this here.
    Buy(Place, usize, u32),
    /// The own site's order is paid at the gateway: so much, in fen.
    Pay(String, i64),
    /// The keys of a paid order are fetched; how often that was tried before.
    Fetch(OrderNo, u32),
    /// An unpaid order is called off.
    Cancel(String),
    /// The buyer asks for the money back.
    AskBack(OrderNo),
    /// Staff answer: yes or no.
    AnswerBack(OrderNo, bool),
    /// The platform reports that the money went back.
    PaidBack(OrderNo),
    /// JD asks how an order stands.
    AskState(String, u32),
    /// Goofish reports that an order changed.
    Changed(String),
    /// Keys arrive.
    Restock(usize),
    /// A part of the story.
    Beat(Beat),
}

/// The shop and its surroundings.
pub(crate) struct Shop {
    pub(super) world: Arc<dyn World>,
    pub(super) line: Line,
    pub(super) truth: SharedTruth,
    pub(super) rng: StdRng,
    pub(super) profile: Profile,
    plan: BTreeMap<(Timestamp, u64), Step>,
    planned: u64,
    /// The last number given to an order, payment or message.
    last_number: u32,
    /// Messages come twice, late, in the wrong order, and from people who have no business to send them.
    pub(super) storm: bool,
    /// The late item is on sale.
    pub(super) launched: bool,
    /// What each item costs now, in fen.
    pub(super) list: [i64; ITEMS.len()],
    /// How many keys are left, about.
    pub(super) left: [i64; ITEMS.len()],
    /// Items whose next delivery is under way.
    pub(super) restocking: BTreeSet<usize>,
    /// When everything that was due was last let happen.
    calmed: Timestamp,
    /// Messages that were sent, and those of them that were repeats.
    pub(crate) sent: u64,
    pub(crate) repeated: u64,
    pub(crate) forged: u64,
}

impl Shop {
    /// A shop that has not opened.
    pub(crate) fn new(
        world: Arc<dyn World>,
        line: Line,
        truth: SharedTruth,
        profile: Profile,
        seed: u64,
    ) -> Self {
        Self {
            world,
            line,
            truth,
            rng: StdRng::seed_from_u64(seed),
            profile,
            plan: BTreeMap::new(),
            planned: 0,
            last_number: 0,
            storm: false,
            launched: false,
            list: std::array::from_fn(|item| ITEMS[item].price),
            left: [0; ITEMS.len()],
            restocking: BTreeSet::new(),
            calmed: Timestamp::default(),
            sent: 0,
            repeated: 0,
            forged: 0,
        }
    }

    /// Goes on in another world with what people have planned.
    pub(crate) fn move_to(&mut self, world: Arc<dyn World>, line: Line) {
        self.world = world;
        self.line = line;
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        self.world.now()
    }
    /// Plans something for an instant. What is planned for the same instant happens in the order of planning.
    pub(crate) fn plan_at(&mut self, at: Timestamp, step: Step) {
        self.planned += 1;
        self.plan.insert((at, self.planned), step);
    }
    /// Plans something for a time between two numbers of seconds from now.
    pub(crate) fn plan_in(&mut self, secs: std::ops::Range<i64>, step: Step) {
        let millis = self.rng.random_range(secs.start * 1_000..secs.end * 1_000);
        self.plan_at(self.now().plus_millis(millis), step);
    }
    /// One in so many.
    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.rng.random_bool(share)
    }
    /// A number that was not used before.
    pub(super) fn number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    /// Lets all that is planned happen, in order, until an instant. `passed` is told the time now and then.
    pub(crate) async fn run_until(
        &mut self,
        end: Timestamp,
        passed: impl Fn(Timestamp),
    ) -> anyhow::Result<()> {
        while let Some(((at, n), step)) = self.plan.pop_first() {
            if at > end {
                self.plan.insert((at, n), step);
                break;
            }
            self.world.reach(at).await?;
            if at >= self.calmed.plus_secs(self.profile.calm_every_secs()) {
                self.calm().await?;
            }
            passed(at);
            self.take(step).await?;
        }
        self.world.reach(end).await?;
        self.calm().await
    }

    /// Lets everything happen that is due.
    pub(super) async fn calm(&mut self) -> anyhow::Result<()> {
        self.calmed = self.now();
        self.world.calm().await
    }

    async fn take(&mut self, step: Step) -> anyhow::Result<()> {
        match step {
            Step::Visit => {
                let (place, item) = (self.some_place(), self.some_item());
                let quantity = if self.chance(0.06) { 2 } else { 1 };
                self.buy(place, item, quantity).await
            }
            Step::Bustle => {
                self.plan_in(20..130, Step::Bustle);
                let (place, item) = (self.some_place(), self.some_item());
                self.buy(place, item, 1).await
            }
            Step::Buy(place, item, quantity) => self.buy(place, item, quantity).await,
            Step::Pay(number, amount) => self.pay(&number, amount).await,
            Step::Fetch((place, number), tries) => self.fetch(place, number, tries).await,
            Step::Cancel(number) => self.cancel(&number).await,
            Step::AskBack(order) => self.ask_back(order).await,
            Step::AnswerBack(order, agree) => self.answer_back(order, agree).await,
            Step::PaidBack(order) => self.paid_back(order).await,
            Step::AskState(number, tries) => self.ask_state(number, tries).await,
            Step::Changed(number) => self.changed(&number).await,
            Step::Restock(item) => self.restock(item).await,
            Step::Beat(beat) => self.beat(beat).await,
        }
    }

    pub(super) fn some_place(&mut self) -> Place {
        let mut draw = self.rng.random_range(0..100);
        for (place, share) in Place::SHARES {
            if draw < share {
                return place;
            }
            draw -= share;
        }
        Place::Own
    }

    fn some_item(&mut self) -> usize {
        let weight = |item: usize| if item == LATE_ITEM && !self.launched { 0 } else { ITEMS[item].weight };
        let weights: Vec<u32> = (0..ITEMS.len()).map(weight).collect();
        let mut draw = self.rng.random_range(0..weights.iter().sum());
        for (item, weight) in weights.into_iter().enumerate() {
            if draw < weight {
                return item;
            }
            draw -= weight;
        }
        0
    }

    /// A buyer: a few come often, most seldom.
    pub(super) fn some_buyer(&mut self) -> u32 {
        let draw: f64 = self.rng.random();
        (draw.powf(2.5) * f64::from(self.profile.buyers())) as u32
    }

    /// What a number of an item costs at a place now, in fen.
    pub(super) fn price(&self, place: Place, item: usize, quantity: u32) -> i64 {
        Item::price_at(self.list[item], place) * i64::from(quantity)
    }

    /// Sends a message. `calls` says that Kami may call a platform because of it: then that comes first, before
    /// anything else happens. In a storm the message comes several times, and forged ones before it.
    pub(super) async fn tell(&mut self, wire: Wire, calls: bool) -> anyhow::Result<Answer> {
        if self.storm && self.forged < 120 && self.rng.random_bool(0.08) {
            self.forge(wire.clone().forged()).await?;
        }
        self.sent += 1;
        let answer = self.line.send(&wire).await?;
        if calls {
            self.calm().await?;
        }
        if self.storm && answer.status == 200 && self.rng.random_bool(0.3) {
            let times = self.rng.random_range(1..=3);
            let repeats = self.line.burst(&wire, times).await?;
            self.repeated += repeats.len() as u64;
            self.sent += repeats.len() as u64;
            if repeats.iter().any(|repeat| *repeat != answer) {
                self.truth
                    .fault(format!("a repeat was answered otherwise than the first: {}", answer.excerpt()));
            }
        }
        Ok(answer)
    }

    /// Sends a message that must not be believed.
    pub(super) async fn forge(&mut self, wire: Wire) -> anyhow::Result<()> {
        self.forged += 1;
        self.sent += 1;
        let answer = self.line.send(&wire).await?;
        let body = answer.json();
        let refused = answer.status >= 400
            || [401, 408].contains(&body["code"].as_i64().unwrap_or_default())
            || body["retCode"] == "106";
        if !refused {
            self.truth.fault(format!("a forged message was believed: {}", answer.excerpt()));
        }
        Ok(())
    }

    /// Sends a question, which is never repeated: each look is recorded.
    pub(super) async fn ask(&mut self, wire: Wire) -> anyhow::Result<Answer> {
        self.sent += 1;
        self.line.send(&wire).await
    }

    /// Sends a message of the own site or the counter.
    pub(super) async fn tell_generic(
        &mut self,
        place: Place,
        id: &str,
        message: &Value,
    ) -> anyhow::Result<Answer> {
        if self.storm && self.forged < 120 && self.rng.random_bool(0.08) {
            let stale = self.now().plus_secs(-3_600);
            self.forge(wire::generic(place, id, stale, message)).await?;
        }
        let wire = wire::generic(place, id, self.now(), message);
        let calls =
            message["type"].as_str().is_some_and(|kind| kind != "order.created" && kind != "order.paid");
        self.tell(wire, calls).await
    }

    /// Has a member of staff do something. A business "no" is given back.
    pub(super) async fn staff(
        &mut self,
        who: &str,
        command: OperatorCommand,
    ) -> anyhow::Result<Result<OperatorAnswer, domain::Rejection>> {
        let done = self.world.engine().operate(Actor::staff(who), command).await;
        let done = match done {
            Ok(answer) => Ok(answer),
            Err(EngineError::Rejected(rejection)) => Err(rejection),
            Err(error) => return Err(error).context("the engine"),
        };
        self.calm().await?;
        Ok(done)
    }

    /// The same, where a "no" is a fault.
    pub(super) async fn must(
        &mut self,
        who: &str,
        command: OperatorCommand,
    ) -> anyhow::Result<OperatorAnswer> {
        let what = format!("{command:?}");
        Ok(self.staff(who, command).await?.unwrap_or_else(|rejection| {
            self.truth.fault(format!("staff were refused {what}: {rejection}"));
            OperatorAnswer::default()
        }))
    }

    /// How staff name an order.
    pub(super) fn order(place: Place, number: &str) -> anyhow::Result<OrderRef> {
        Ok(OrderRef::Number(account(place.account())?, number.to_owned()))
    }

    /// Sets the shop up: items, accounts, listings, prices, first keys.
    pub(crate) async fn open(&mut self) -> anyhow::Result<()> {
        for item in &ITEMS {
            self.must(KEEPER, OperatorCommand::DefineSku(item.definition()?)).await?;
        }
        for (name, title, orders_of, settings) in connections(self.profile != Profile::Flash) {
            let connection = engine::Connection {
                account: account(name)?,
                name: title.to_owned(),
                currency: vocabulary::Currency::CNY,
                orders_of: orders_of.map(account).transpose()?,
                settings: Secret::new(settings.to_string()),
            };
            self.world.engine().connect(Actor::staff(KEEPER), connection).await.context("an account")?;
        }
        for (n, item) in ITEMS.iter().enumerate() {
            for place in [Place::Xianyu, Place::Jd] {
                self.list_item(place.account(), &item.listed(place), item).await?;
            }
            self.list_item(catalogue::XIANYU_ERP, &item.product.to_string(), item).await?;
            self.set_price(n, item.price, "list").await?;
            if n != LATE_ITEM {
                self.restock(n).await?;
            }
        }
        Ok(())
    }

    async fn list_item(&mut self, name: &str, listed: &str, item: &Item) -> anyhow::Result<()> {
        let (account, sku) = (account(name)?, item.sku.parse().context("a SKU")?);
        self.must(KEEPER, OperatorCommand::MapListing { account, item: listed.to_owned(), sku }).await?;
        Ok(())
    }

    /// Sets an item's list price, and what follows from it on the platforms.
    pub(super) async fn set_price(&mut self, item: usize, fen: i64, reason: &str) -> anyhow::Result<()> {
        self.list[item] = fen;
        for place in [None, Some(Place::Xianyu), Some(Place::Jd)] {
            let command = OperatorCommand::SetPrice {
                sku: ITEMS[item].sku.parse().context("a SKU")?,
                account: place.map(|place| account(place.account())).transpose()?,
                unit_price: yuan(Item::price_at(fen, place.unwrap_or(Place::Own))),
                valid_from: None,
                valid_until: None,
                reason: reason.to_owned(),
            };
            self.must(KEEPER, command).await?;
        }
        Ok(())
    }

    /// About what is sold of an item in eight days.
    pub(super) fn lot(&self, item: usize) -> u32 {
        let weights: u32 = ITEMS.iter().map(|item| item.weight).sum();
        let share = self.profile.visits_a_day() * 8 * ITEMS[item].weight / weights;
        share.max(20).div_ceil(ITEMS[item].kind.uses())
    }

    async fn restock(&mut self, item: usize) -> anyhow::Result<()> {
        self.restocking.remove(&item);
        let suppliers = ["keys-and-more", "north-wind", "card-house"];
        let supplier = suppliers[self.rng.random_range(0..suppliers.len())];
        self.import(item, self.lot(item), supplier).await?;
        Ok(())
    }

    /// Puts keys on stock; returns the batch.
    pub(super) async fn import(
        &mut self,
        item: usize,
        count: u32,
        supplier: &str,
    ) -> anyhow::Result<vocabulary::BatchId> {
        let goods = &ITEMS[item];
        let codes: Vec<(String, Option<String>)> = (0..count)
            .map(|_| (self.code(goods), (goods.kind == KeyKind::Pair).then(|| self.digits(6))))
            .collect();
        let batch = ImportBatch {
            sku: goods.sku.parse().context("a SKU")?,
            supplier: Some(supplier.to_owned()),
            unit_cost: Some(yuan(goods.cost)),
            sell_until: None,
        };
        let world = self.world.clone();
        let engine = world.engine();
        let mut import = engine
            .begin_import(Actor::staff(KEEPER), batch, goods.family.to_owned())
            .await
            .context("an import")?;
        let keys: Vec<CardKey> = codes
            .iter()
            .map(|(code, pin)| {
                let pin = pin.clone().map(Secret::new);
                CardKey { code: Secret::new(code.clone()), pin, expires_on: None }
            })
            .collect();
        // The truth must know the keys before waiting orders are given them.
        for (index, (code, _)) in (0..).zip(&codes) {
            self.truth.lock().imported(code, (import.batch, index));
        }
        let mut verdicts = Vec::new();
        for chunk in keys.chunks(2_000) {
            verdicts.extend(engine.import_chunk(&mut import, chunk).await.context("an import")?);
        }
        if verdicts.iter().any(|verdict| matches!(verdict, KeyVerdict::Duplicate { .. })) {
            self.truth.fault("a fresh key was taken for a duplicate".to_owned());
        }
        self.left[item] += i64::from(count * goods.kind.uses());
        self.calm().await?;
        Ok(import.batch)
    }

    fn code(&mut self, item: &Item) -> String {
        const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
        let mut part = || -> String {
            (0..5).map(|_| char::from(ALPHABET[self.rng.random_range(0..ALPHABET.len())])).collect()
        };
        let parts = [part(), part(), part()];
        format!("{}-{}", item.family[..2].to_uppercase(), parts.join("-"))
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.rng.random_range(0..10))).collect()
    }

    /// Something was sold: when little is left, more is ordered.
    pub(super) fn sold(&mut self, item: usize, quantity: u32) {
        self.left[item] -= i64::from(quantity);
        if self.left[item] * 6 < i64::from(self.lot(item) * ITEMS[item].kind.uses()) {
            self.reorder(item, 4 * 3_600..8 * 3_600);
        }
    }

    /// More of an item is ordered, unless it is already.
    pub(super) fn reorder(&mut self, item: usize, secs: std::ops::Range<i64>) {
        if self.profile != Profile::Flash && self.restocking.insert(item) {
            self.plan_in(secs, Step::Restock(item));
        }
    }

    /// Plans the visits of a day by the hour: most come in the evening.
    pub(crate) fn plan_day(&mut self, day: i64) {
        const HOURS: [u32; 24] = [3, 2, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 7, 6, 5, 5, 5, 6, 8, 10, 12, 12, 9, 6];
        let total: u32 = HOURS.iter().sum();
        let visits = self.profile.visits_a_day();
        let visits = self.rng.random_range(visits * 8 / 10..=visits * 12 / 10);
        for _ in 0..visits {
            let mut draw = self.rng.random_range(0..total);
            let mut hour = 0;
            while draw >= HOURS[hour] {
                draw -= HOURS[hour];
                hour += 1;
            }
            let millis = self.rng.random_range(0..3_600_000);
            let at = catalogue::START.plus_secs(day * DAY + hour as i64 * 3_600).plus_millis(millis);
            self.plan_at(at, Step::Visit);
        }
    }
}
