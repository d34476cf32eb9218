//! I7, numbers: a channel's order or payment number stands for one order, the one whose events name it.
//!
//! A number may stand for an order without events: its first message asked for something that had been done.

use std::collections::{BTreeMap, HashMap};

use events::Fact;
use vocabulary::Account;

use crate::{
    chain,
    report::{At, Findings, Invariant},
    rows::NumberRow,
};

/// The numbers of one merchant.
#[derive(Default)]
pub(crate) struct Numbers {
    /// The order's name (in short) by kind, namespace and number.
    rows: HashMap<u128, u128>,
    /// The account in whose name an account's order numbers are unique.
    orders_of: BTreeMap<Account, Account>,
}

impl Numbers {
    /// Takes in a row, before the events are read.
    pub(crate) fn add(&mut self, row: &NumberRow, findings: &mut Findings) {
        let what = format!("{} number {} of {}", row.kind, row.number, row.namespace);
        if !matches!(row.kind.as_str(), "order" | "txn") {
            findings.violation(Invariant::I7, At::default(), format!("{what} is of an unknown kind"));
        }
        let order = chain::short(&[&row.order_id]);
        if self.rows.insert(chain::short(&[&row.kind, &row.namespace, &row.number]), order).is_some() {
            findings.violation(Invariant::I7, At::default(), format!("{what} is stored twice"));
        }
    }

    /// A fact that uses a number must find it stored, for its own order.
    pub(crate) fn fact(&mut self, fact: &Fact, at: At<'_>, findings: &mut Findings) {
        match fact {
            Fact::ChannelConnected(e) => {
                self.orders_of.insert(e.account.clone(), e.orders_of.clone());
            }
            Fact::OrderPlaced(e) => self.order(&e.account, &e.external_no, at, findings),
            Fact::PastOrderRecorded(e) => self.order(&e.account, &e.external_no, at, findings),
            Fact::PastRefundRecorded(e) => self.order(&e.account, &e.external_no, at, findings),
            Fact::PaymentConfirmed(e) => {
                let found = self.find("txn", &e.through, &e.txn);
                check(found, at, &format!("payment number {} of {}", e.txn, e.through), findings);
            }
            _ => {}
        }
    }

    fn order(&self, account: &Account, number: &str, at: At<'_>, findings: &mut Findings) {
        let shared = self.orders_of.get(account);
        let found = shared
            .and_then(|shared| self.find("order", shared, number))
            .or_else(|| self.find("order", account, number));
        check(found, at, &format!("order number {number} of {account}"), findings);
    }

    fn find(&self, kind: &str, namespace: &Account, number: &str) -> Option<u128> {
        self.rows.get(&chain::short(&[kind, namespace.as_str(), number])).copied()
    }
}

fn check(found: Option<u128>, at: At<'_>, what: &str, findings: &mut Findings) {
    let own = at.stream.map(|stream| chain::short(&[stream]));
    match found {
        None => findings.violation(Invariant::I7, at, format!("{what} is not stored")),
        Some(_) if found != own => {
            findings.violation(Invariant::I7, at, format!("{what} is another order's"))
        }
        Some(_) => {}
    }
}
