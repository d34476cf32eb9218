//! The people and platforms around the shop: what they have planned, and how they act on Kami. One thing
//! happens at a time, each drawn from the same row of random numbers, so that a seed always gives the same
//! history.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::Context;
use engine::{EngineError, OperatorAnswer, OperatorCommand, OrderRef};
use events::Actor;
use rand::{Rng, SeedableRng, rngs::StdRng};
use vocabulary::Timestamp;

use super::{
    Profile,
    catalogue::{self, DAY, ITEMS, Item, LATE_ITEM, Place, account},
    line::Line,
    stage::World,
    story::Beat,
    truth::{OrderNo, SharedTruth},
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
    /// The buyer looks whether an order that waited has its keys now.
    Wonder(OrderNo),
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
    /// Messages that a platform meant to send, and that never came.
    pub(crate) lost: u64,
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
            lost: 0,
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
            Step::Wonder(order) => self.wonder(order).await,
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
