//! One pass over one merchant's log: every check sees every event once, in order.

use std::collections::BTreeMap;

use events::Fact;
use vocabulary::OrderId;

use crate::{
    fingerprints::Fingerprints,
    history::History,
    inbox::Inbox,
    keys::{Keys, Move, Scene},
    lines::{self, Lines},
    log::LogCheck,
    money::{self, Books},
    numbers::Numbers,
    orders::Orders,
    payment,
    procurements::Procurements,
    report::{At, Findings, MerchantReport},
    rows::{EventRow, HeadRow, Unreadable},
    stock::Stock,
};

/// Everything known of a merchant so far.
pub(crate) struct Pass<'f> {
    merchant: String,
    findings: &'f mut Findings,
    log: LogCheck,
    inbox: Inbox,
    numbers: Numbers,
    fingerprints: Fingerprints,
    keys: Keys,
    orders: Orders,
    lines: Lines,
    books: Books,
    stock: Stock,
    procurements: Procurements,
    history: History,
    /// The units that the event at hand moved.
    moves: Vec<Move>,
}

/// What is left of a merchant for the checks of the other databases.
pub(crate) struct Checked {
    pub(crate) report: MerchantReport,
    pub(crate) last_position: u64,
    /// How many keys the log says each batch has.
    pub(crate) batch_sizes: BTreeMap<u32, u64>,
}

impl<'f> Pass<'f> {
    pub(crate) fn new(merchant: &str, inbox: Inbox, numbers: Numbers, findings: &'f mut Findings) -> Self {
        Self {
            merchant: merchant.to_owned(),
            findings,
            log: LogCheck::new(merchant),
            inbox,
            numbers,
            fingerprints: Fingerprints::default(),
            keys: Keys::default(),
            orders: Orders::default(),
            lines: Lines::default(),
            books: Books::default(),
            stock: Stock::default(),
            procurements: Procurements::default(),
            history: History::default(),
            moves: Vec::new(),
        }
    }

    pub(crate) fn event(&mut self, row: &EventRow<'_>) {
        let at = At::event(row.position, row.stream);
        let read = self.log.event(row, self.findings);
        if read.begins_unit && row.position > 1 {
            self.end_unit(row.position - 1);
        }
        if let Some(meta) = &read.meta {
            self.inbox.event(row.position, meta, read.fact.as_ref(), at, self.findings);
        }
        let order: Option<OrderId> = row.stream.parse().ok();
        if let Some(fact) = &read.fact {
            self.history.fact(fact, order, row.version == 0, at, self.findings);
            self.fact(fact, order, at);
        }
    }

    /// A row that could not be read as an event.
    pub(crate) fn unreadable(&mut self, row: &Unreadable) {
        self.log.unreadable(row.position, &row.why, self.findings);
    }

    pub(crate) fn finish(mut self, head: Option<&HeadRow>) -> Checked {
        let last_position = self.log.last_position();
        // A log that was cut short is wrong from the cut on, not before.
        self.end_unit(head.map_or(last_position, |head| head.position.max(last_position)));
        self.log.finish(head, self.findings);
        self.inbox.finish(last_position, self.findings);
        money::finish(&self.orders, self.findings);
        let report = MerchantReport {
            merchant: self.merchant,
            events: self.log.events(),
            head_hash: hex::encode(self.log.hash()),
        };
        Checked { report, last_position, batch_sizes: self.keys.batch_sizes() }
    }

    /// Shows a fact to every check. Keys come first, then the orders they belong to, then what reads both.
    fn fact(&mut self, fact: &Fact, own: Option<OrderId>, at: At<'_>) {
        let findings = &mut *self.findings;
        self.numbers.fact(fact, at, findings);
        self.fingerprints.fact(fact, &self.keys, at, findings);
        if let Some(order) = own {
            self.orders.fact(order, fact);
        }
        self.moves.clear();
        let mut scene = Scene { at, order: own, moves: &mut self.moves, findings };
        self.keys.fact(fact, &self.orders, &mut scene);
        self.orders.moved(&self.moves);
        self.procurements.fact(fact, &self.keys, at, findings);
        self.stock.fact(fact, &self.moves, &self.keys, at, findings);
        payment::fact(fact, own, &mut self.orders, at, findings);
        self.books.fact(fact, own, &mut self.orders, at, findings);
        self.lines.fact(fact, own, &self.keys, &mut self.orders, at, findings);
    }

    /// The unit whose last position this is, is over.
    fn end_unit(&mut self, position: u64) {
        let findings = &mut *self.findings;
        self.lines.end_unit(&self.keys, position, findings);
        self.books.end_unit(&self.orders, position, findings);
        self.stock.end_unit(position, findings);
        for id in self.orders.take_touched() {
            let Some(order) = self.orders.get(id) else { continue };
            payment::end_unit(id, order, position, findings);
            lines::end_unit(id, order, position, findings);
            money::end_unit(id, order, position, findings);
        }
    }
}
