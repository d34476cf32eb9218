//! What follows from a wish put to the pool.

use events::{
    Fact,
    pool::{BatchOpened, KeysImported, KeysQuarantined, KeysRevoked, KeysVoided, QuarantineLifted, QuotaSet},
};

use super::{Command, State, keeping, lines, lines::Line};
use crate::{Decider, Rejection};

/// The decider of a key pool.
#[derive(Debug, Clone, Copy)]
pub struct Pool;

impl Decider for Pool {
    const KIND: &'static str = "pool";
    type State = State;
    type Command = Command;

    fn decide(state: &State, command: &Command) -> Result<Vec<Fact>, Rejection> {
        match command.clone() {
            Command::OpenBatch { sku, batch, key_kind, supplier, unit_cost, sell_until } => {
                keeping::open(state, BatchOpened { sku, batch, key_kind, supplier, unit_cost, sell_until })
            }
            Command::ImportKeys { sku, batch, first_index, fingerprints, now } => {
                keeping::import(state, KeysImported { sku, batch, first_index, fingerprints }, now)
            }
            Command::SetQuota { sku, account, floor, cap, reason } => {
                keeping::set_quota(state, QuotaSet { sku, account, floor, cap, reason })
            }
            Command::Reserve { order, line, account, quantity, until, now } => {
                lines::reserve(state, &Line { order, line, account }, quantity, until, now)
            }
            Command::Allocate { order, line, account, quantity, shortage, now } => {
                lines::allocate(state, &Line { order, line, account }, quantity, shortage, now)
            }
            Command::AllocateReplacement { order, line, account, now } => {
                lines::replace(state, &Line { order, line, account }, now)
            }
            Command::Release { order, line, account, allocated, reason, now } => {
                lines::release(state, &Line { order, line, account }, &allocated, reason, now)
            }
            Command::Quarantine { sku, batch, keys, reason } => {
                keeping::quarantine(state, KeysQuarantined { sku, batch, keys, reason })
            }
            Command::JudgeBatch { sku, batch, limit } => keeping::judge(state, sku, batch, limit),
            Command::LiftQuarantine { sku, batch, keys, reason, now } => {
                keeping::lift(state, QuarantineLifted { sku, batch, keys, reason }, now)
            }
            Command::Revoke { order, line, keys, reason } => {
                keeping::revoke(state, KeysRevoked { order, line, keys, reason })
            }
            Command::Void { keys, reason } => keeping::void(state, KeysVoided { keys, reason }),
        }
    }

    fn evolve(state: &mut State, fact: &Fact) {
        state.apply(fact);
    }
}
