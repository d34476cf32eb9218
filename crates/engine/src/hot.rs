//! The merchant's state in memory: everything that decisions read. Orders at rest are kept in a bounded cache and
//! read from the log again when somebody asks for them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    num::NonZeroUsize,
};

use domain::{
    Decider,
    buyer::Buyer,
    channel::Channel,
    journal::{Journal, is_journal},
    order,
    order::Order,
    pool::Pool,
    price::PriceBook,
    procurement::Procurement,
    sku::SkuDefinition,
};
use events::{Fact, RecordedEvent};
use lru::LruCache;
use serde::{Deserialize, Serialize};
use vocabulary::{Account, BuyerId, OrderId, Sku, StreamId, Timestamp};

/// How many orders and buyers at rest stay in memory.
const RESTING: NonZeroUsize = match NonZeroUsize::new(50_000) {
    Some(n) => n,
    None => NonZeroUsize::MIN,
};

/// The shape of the snapshot below. Change it whenever a state type changes its meaning or serialisation.
pub(crate) const SHAPE: &str = "kami-hot-5";

/// A state with its place in its stream.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Entry<S> {
    pub(crate) state: S,
    /// The version of the stream's next event.
    pub(crate) next_version: u64,
    /// When its first and last event were recorded.
    pub(crate) first_at: Timestamp,
    pub(crate) last_at: Timestamp,
}

pub(crate) type Shelf<S> = HashMap<StreamId, Entry<S>>;

/// A decider whose states the desk keeps.
pub(crate) trait Shelved: Decider + Send + Sync + 'static {
    fn take(desk: &mut Desk, stream: &StreamId) -> Option<Entry<Self::State>>;
    fn put(desk: &mut Desk, stream: &StreamId, entry: Entry<Self::State>);
}

macro_rules! shelved {
    ($decider:ty, $shelf:ident) => {
        impl Shelved for $decider {
            fn take(desk: &mut Desk, stream: &StreamId) -> Option<Entry<Self::State>> {
                desk.$shelf.remove(stream)
            }
            fn put(desk: &mut Desk, stream: &StreamId, entry: Entry<Self::State>) {
                desk.$shelf.insert(stream.clone(), entry);
            }
        }
    };
}
shelved!(SkuDefinition, skus);
shelved!(Pool, pools);
shelved!(PriceBook, prices);
shelved!(Channel, channels);
shelved!(Procurement, procurements);

impl Shelved for Buyer {
    fn take(desk: &mut Desk, stream: &StreamId) -> Option<Entry<Self::State>> {
        desk.buyers.pop(stream)
    }
    fn put(desk: &mut Desk, stream: &StreamId, entry: Entry<Self::State>) {
        desk.buyers.put(stream.clone(), entry);
    }
}

impl Shelved for Journal {
    fn take(desk: &mut Desk, stream: &StreamId) -> Option<Entry<Self::State>> {
        desk.journals.pop(stream)
    }
    fn put(desk: &mut Desk, stream: &StreamId, entry: Entry<Self::State>) {
        desk.journals.put(stream.clone(), entry);
    }
}

impl Shelved for Order {
    fn take(desk: &mut Desk, stream: &StreamId) -> Option<Entry<Self::State>> {
        desk.open_orders.remove(stream).or_else(|| desk.resting_orders.pop(stream))
    }
    fn put(desk: &mut Desk, stream: &StreamId, entry: Entry<Self::State>) {
        desk.reschedule(stream, &entry.state);
        if entry.state.is_at_rest() {
            desk.resting_orders.put(stream.clone(), entry);
        } else {
            desk.open_orders.insert(stream.clone(), entry);
        }
    }
}

/// Where and when something happened that is told of in a unit, but follows from nothing in it.
pub(crate) struct Elsewhere {
    pub(crate) account: Option<Account>,
    pub(crate) occurred_at: Timestamp,
}

/// The merchant's state, and the unit being staged.
pub(crate) struct Desk {
    pub(crate) skus: Shelf<<SkuDefinition as Decider>::State>,
    pub(crate) pools: Shelf<<Pool as Decider>::State>,
    pub(crate) prices: Shelf<<PriceBook as Decider>::State>,
    pub(crate) channels: Shelf<<Channel as Decider>::State>,
    pub(crate) procurements: Shelf<<Procurement as Decider>::State>,
    pub(crate) buyers: LruCache<StreamId, Entry<<Buyer as Decider>::State>>,
    pub(crate) journals: LruCache<StreamId, Entry<<Journal as Decider>::State>>,
    pub(crate) open_orders: Shelf<order::State>,
    pub(crate) resting_orders: LruCache<StreamId, Entry<order::State>>,
    /// Reservations and waits by the instant they run out.
    due: BTreeSet<(Timestamp, StreamId)>,
    due_of: HashMap<StreamId, Timestamp>,
    /// The greatest batch number so far.
    pub(crate) last_batch: u32,
    /// Facts of the unit being staged, in order.
    pub(crate) staged: Vec<(StreamId, Fact)>,
    /// For each staged fact, whether a process manager asked for it.
    pub(crate) by_process: Vec<bool>,
    /// Staged facts, by their place, that have a time and an account of their own.
    pub(crate) elsewhere: HashMap<usize, Elsewhere>,
    /// Whether what is executed now was asked for by a process manager.
    pub(crate) following: bool,
    /// Streams of old orders and buyers that the log has but memory has not (while replaying).
    cold: HashSet<StreamId>,
}

/// What a snapshot holds.
#[derive(Serialize)]
struct SavedRef<'a> {
    skus: &'a Shelf<<SkuDefinition as Decider>::State>,
    pools: &'a Shelf<<Pool as Decider>::State>,
    prices: &'a Shelf<<PriceBook as Decider>::State>,
    channels: &'a Shelf<<Channel as Decider>::State>,
    procurements: &'a Shelf<<Procurement as Decider>::State>,
    orders: &'a Shelf<order::State>,
    last_batch: u32,
}

#[derive(Deserialize)]
struct Saved {
    skus: Shelf<<SkuDefinition as Decider>::State>,
    pools: Shelf<<Pool as Decider>::State>,
    prices: Shelf<<PriceBook as Decider>::State>,
    channels: Shelf<<Channel as Decider>::State>,
    procurements: Shelf<<Procurement as Decider>::State>,
    orders: Shelf<order::State>,
    last_batch: u32,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            skus: HashMap::new(),
            pools: HashMap::new(),
            prices: HashMap::new(),
            channels: HashMap::new(),
            procurements: HashMap::new(),
            buyers: LruCache::new(RESTING),
            journals: LruCache::new(RESTING),
            open_orders: HashMap::new(),
            resting_orders: LruCache::new(RESTING),
            due: BTreeSet::new(),
            due_of: HashMap::new(),
            last_batch: 0,
            staged: Vec::new(),
            by_process: Vec::new(),
            elsewhere: HashMap::new(),
            following: false,
            cold: HashSet::new(),
        }
    }
}

impl Desk {
    pub(crate) fn take<D: Shelved>(&mut self, stream: &StreamId) -> Entry<D::State> {
        D::take(self, stream).unwrap_or_default()
    }
    pub(crate) fn put<D: Shelved>(&mut self, stream: &StreamId, entry: Entry<D::State>) {
        D::put(self, stream, entry);
    }

    pub(crate) fn order(&self, order: &OrderId) -> Option<&Entry<order::State>> {
        let stream = order.stream();
        self.open_orders.get(&stream).or_else(|| self.resting_orders.peek(&stream))
    }
    pub(crate) fn pool(&self, sku: &Sku) -> Option<&domain::pool::State> {
        self.pools.get(&sku.pool_stream()).map(|entry| &entry.state)
    }
    pub(crate) fn sku(&self, sku: &Sku) -> Option<&domain::sku::State> {
        self.skus.get(&sku.stream()).map(|entry| &entry.state).filter(|state| state.defined().is_some())
    }
    pub(crate) fn channel(&self, account: &Account) -> Option<&domain::channel::State> {
        let entry = self.channels.get(&account.stream())?;
        entry.state.connected().is_some().then_some(&entry.state)
    }
    pub(crate) fn buyer(&self, buyer: &BuyerId) -> Option<&domain::buyer::State> {
        self.buyers.peek(&buyer.stream()).map(|entry| &entry.state)
    }
    pub(crate) fn price(&self, sku: &Sku, account: &Account, now: Timestamp) -> Option<vocabulary::Money> {
        self.prices.get(&sku.price_stream())?.state.price_for(account, now)
    }
    /// Whether memory holds the state of an order's, buyer's or journal's stream.
    pub(crate) fn holds(&self, stream: &StreamId) -> bool {
        match stream.kind() {
            "buyer" => self.buyers.contains(stream),
            "order" => self.open_orders.contains_key(stream) || self.resting_orders.contains(stream),
            _ if is_journal(stream) => self.journals.contains(stream),
            _ => true,
        }
    }

    /// The orders whose time ran out at or before `now`.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<StreamId> {
        self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, stream)| stream.clone()).collect()
    }
    /// When the next order's time runs out.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }
    fn reschedule(&mut self, stream: &StreamId, state: &order::State) {
        let wanted = state.due_at();
        if self.due_of.get(stream).copied() == wanted {
            return;
        }
        if let Some(old) = self.due_of.remove(stream) {
            self.due.remove(&(old, stream.clone()));
        }
        if let Some(at) = wanted {
            self.due_of.insert(stream.clone(), at);
            self.due.insert((at, stream.clone()));
        }
    }

    /// Moves an entry's version and times along after its events were numbered.
    pub(crate) fn advance(&mut self, stream: &StreamId, count: u64, at: Timestamp) -> u64 {
        let (version, first_at, last_at) = match self.place_of(stream) {
            Some(place) => place,
            None => return 0,
        };
        let start = *version;
        if start == 0 {
            *first_at = at;
        }
        *version += count;
        *last_at = at;
        start
    }

    fn place_of(&mut self, stream: &StreamId) -> Option<(&mut u64, &mut Timestamp, &mut Timestamp)> {
        fn place<S>(entry: &mut Entry<S>) -> (&mut u64, &mut Timestamp, &mut Timestamp) {
            (&mut entry.next_version, &mut entry.first_at, &mut entry.last_at)
        }
        match stream.kind() {
            "sku" => self.skus.get_mut(stream).map(place),
            "pool" => self.pools.get_mut(stream).map(place),
            "price" => self.prices.get_mut(stream).map(place),
            "channel" => self.channels.get_mut(stream).map(place),
            "procurement" => self.procurements.get_mut(stream).map(place),
            "buyer" => self.buyers.get_mut(stream).map(place),
            _ if is_journal(stream) => self.journals.get_mut(stream).map(place),
            _ => match self.open_orders.get_mut(stream) {
                Some(entry) => Some(place(entry)),
                None => self.resting_orders.get_mut(stream).map(place),
            },
        }
    }

    /// Applies a stored event. Old orders and buyers that memory no longer holds are noted as cold.
    pub(crate) fn replay(&mut self, event: &RecordedEvent, fact: &Fact) {
        match fact {
            Fact::BatchOpened(opened) => self.last_batch = self.last_batch.max(opened.batch.0),
            // Its number is kept free, whether keys ever come or not.
            Fact::ProcurementRequested(asked) => self.last_batch = self.last_batch.max(asked.batch.0),
            _ => {}
        }
        let unknown = event.version.0 > 0 && !self.holds(&event.stream);
        if unknown || self.cold.contains(&event.stream) {
            self.cold.insert(event.stream.clone());
            return;
        }
        self.apply(event, fact);
    }

    /// Applies one event of a stream that is in memory or begins with it.
    pub(crate) fn apply(&mut self, event: &RecordedEvent, fact: &Fact) {
        match event.stream.kind() {
            "sku" => self.apply_to::<SkuDefinition>(event, fact),
            "pool" => self.apply_to::<Pool>(event, fact),
            "price" => self.apply_to::<PriceBook>(event, fact),
            "channel" => self.apply_to::<Channel>(event, fact),
            "buyer" => self.apply_to::<Buyer>(event, fact),
            "order" => self.apply_to::<Order>(event, fact),
            "procurement" => self.apply_to::<Procurement>(event, fact),
            _ if is_journal(&event.stream) => self.apply_to::<Journal>(event, fact),
            _ => {}
        }
    }

    fn apply_to<D: Shelved>(&mut self, event: &RecordedEvent, fact: &Fact) {
        let mut entry = self.take::<D>(&event.stream);
        D::evolve(&mut entry.state, fact);
        if event.version.0 == 0 {
            entry.first_at = event.recorded_at;
        }
        entry.next_version = event.version.0 + 1;
        entry.last_at = event.recorded_at;
        self.put::<D>(&event.stream, entry);
    }

    /// The streams to read again from their beginning after a replay.
    pub(crate) fn take_cold(&mut self) -> Vec<StreamId> {
        self.cold.drain().collect()
    }

    pub(crate) fn save(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&SavedRef {
            skus: &self.skus,
            pools: &self.pools,
            prices: &self.prices,
            channels: &self.channels,
            procurements: &self.procurements,
            orders: &self.open_orders,
            last_batch: self.last_batch,
        })
    }

    pub(crate) fn load(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let saved: Saved = serde_json::from_slice(bytes)?;
        let mut desk = Self {
            skus: saved.skus,
            pools: saved.pools,
            prices: saved.prices,
            channels: saved.channels,
            procurements: saved.procurements,
            last_batch: saved.last_batch,
            ..Self::default()
        };
        for (stream, entry) in saved.orders {
            desk.put::<Order>(&stream, entry);
        }
        Ok(desk)
    }
}
