//! What follows from a wish put to a shop account.

use events::{
    Fact,
    channel::{
        AttemptOutcome, AttemptRefused, ChannelAccessLost, ChannelAccessRenewed, ChannelConnected,
        ChannelResumed, ChannelSuspended, ChannelTermsSet, ListingMapped, ListingRemoved, ReadBackRequested,
        ReadBackSettled, StockPushRequested, StockPushSettled,
    },
};
use vocabulary::Reason;

use super::{Command, State};
use crate::{Decider, Rejection};

/// The decider of a shop account.
#[derive(Debug, Clone, Copy)]
pub struct Channel;

impl Decider for Channel {
    const KIND: &'static str = "channel";
    type State = State;
    type Command = Command;

    fn decide(state: &State, command: &Command) -> Result<Vec<Fact>, Rejection> {
        if let Command::Connect { account, name, currency, orders_of, settings_digest } = command.clone() {
            return connect(state, ChannelConnected { account, name, currency, orders_of, settings_digest });
        }
        if state.connected().is_none() {
            return Err(Rejection::new(Reason::UnknownChannel, "the account was never connected"));
        }
        let fact = change(state, command.clone())?;
        Ok(fact.into_iter().collect())
    }

    fn evolve(state: &mut State, fact: &Fact) {
        match fact {
            Fact::ChannelConnected(connected) => {
                state.connected = Some(connected.clone());
                state.access_lost = None;
            }
            Fact::ChannelAccessRenewed(renewed) => state.renew(renewed),
            Fact::ChannelAccessLost(lost) => state.access_lost = Some(lost.code.clone()),
            Fact::ChannelTermsSet(terms) => state.terms = Some(terms.clone()),
            Fact::ChannelSuspended(_) => state.suspended = true,
            Fact::ChannelResumed(_) => state.suspended = false,
            Fact::ListingMapped(mapped) => state.map(&mapped.item, &mapped.sku),
            Fact::ListingRemoved(removed) => state.unmap(&removed.item),
            Fact::ReadBackRequested(requested) => {
                state.read_backs.insert(requested.external_no.clone());
            }
            Fact::ReadBackSettled(settled) => {
                state.read_backs.remove(&settled.external_no);
            }
            Fact::StockPushRequested(requested) => state.request_push(&requested.item, requested.available),
            Fact::StockPushSettled(settled) => state.settle_push(settled),
            _ => {}
        }
    }
}

fn connect(state: &State, wanted: ChannelConnected) -> Result<Vec<Fact>, Rejection> {
    check_text(&wanted.name, "the name")?;
    let stands = state.connected() == Some(&wanted) && state.access_lost().is_none();
    Ok(if stands { Vec::new() } else { vec![wanted.into()] })
}

/// The one fact that follows for a connected account, if any.
fn change(state: &State, command: Command) -> Result<Option<Fact>, Rejection> {
    Ok(match command {
        Command::Connect { .. } => None,
        Command::RecordRenewal { account, replaces, settings_digest, next_at } => {
            if state.connected().is_none_or(|connected| connected.settings_digest != replaces) {
                return Err(Rejection::new(Reason::WrongState, "the account was set up anew meanwhile"));
            }
            Some(ChannelAccessRenewed { account, settings_digest, next_at }.into())
        }
        Command::RecordAccessLost { account, code } => {
            state.access_lost().is_none().then(|| ChannelAccessLost { account, code }.into())
        }
        Command::Suspend { account, reason } => {
            (!state.suspended()).then(|| ChannelSuspended { account, reason }.into())
        }
        Command::Resume { account, reason } => {
            state.suspended().then(|| ChannelResumed { account, reason }.into())
        }
        Command::SetTerms(terms) => {
            check_terms(&terms)?;
            (state.terms() != Some(&terms)).then(|| terms.into())
        }
        Command::RecordRefusal { account, external_no, lines, reason } => {
            Some(AttemptRefused { account, external_no, lines, reason }.into())
        }
        Command::MapListing { account, item, sku } => {
            check_text(&item, "the item")?;
            let stands = state.sku_of(&item) == Some(&sku);
            (!stands).then(|| ListingMapped { account, item, sku }.into())
        }
        Command::RemoveListing { account, item } => {
            let listed = state.sku_of(&item).is_some();
            listed.then(|| ListingRemoved { account, item }.into())
        }
        Command::RequestReadBack { account, external_no } => {
            check_text(&external_no, "the order number")?;
            let pending = state.read_backs.contains(&external_no);
            (!pending).then(|| ReadBackRequested { account, external_no }.into())
        }
        Command::SettleReadBack { account, external_no, outcome, attempts } => {
            check_end(&outcome)?;
            let pending = state.read_backs.contains(&external_no);
            pending.then(|| ReadBackSettled { account, external_no, outcome, attempts }.into())
        }
        Command::RequestStockPush { account, item, sku, available } => {
            request_push(state, StockPushRequested { account, item, sku, available })?
        }
        Command::SettleStockPush { account, item, available, outcome, attempts } => {
            check_end(&outcome)?;
            let pending = state.figures(&item).is_some_and(|figures| figures.pending.is_some());
            pending.then(|| StockPushSettled { account, item, available, outcome, attempts }.into())
        }
    })
}

fn request_push(state: &State, wanted: StockPushRequested) -> Result<Option<Fact>, Rejection> {
    if state.sku_of(&wanted.item) != Some(&wanted.sku) {
        return Err(Rejection::new(Reason::UnknownItem, "the item does not stand for the SKU"));
    }
    let newest = state.figures(&wanted.item).and_then(|figures| figures.pending.or(figures.taken));
    Ok((newest != Some(wanted.available)).then(|| wanted.into()))
}

fn check_text(text: &str, what: &str) -> Result<(), Rejection> {
    if (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let detail = format!("{what} has 1 to 200 characters, none of them a control character");
    Err(Rejection::new(Reason::InvalidValue, detail))
}

fn check_terms(terms: &ChannelTermsSet) -> Result<(), Rejection> {
    let tags = &terms.value_tags;
    let fits = |tag: &String| (1..=50).contains(&tag.chars().count()) && !tag.chars().any(char::is_control);
    let wrong = match () {
        () if terms.commission_bp > 10_000 || terms.pay_fee_bp > 10_000 => "a rate is more than 100 %",
        () if terms.sync_delay_s > 7 * 24 * 3_600 => "stock is shown within a week",
        () if tags.len() > 20 || !tags.iter().all(fits) => "there are at most 20 tags, of 1 to 50 characters",
        () if (1..tags.len()).any(|n| tags[..n].contains(&tags[n])) => "a tag comes twice",
        () => return Ok(()),
    };
    Err(Rejection::new(Reason::InvalidValue, wrong))
}

fn check_end(outcome: &AttemptOutcome) -> Result<(), Rejection> {
    match outcome {
        AttemptOutcome::RetryAfter { .. } => {
            Err(Rejection::new(Reason::InvalidValue, "an attempt that is to be repeated is no end"))
        }
        AttemptOutcome::Done
        | AttemptOutcome::Refused { .. }
        | AttemptOutcome::Unknown { .. }
        | AttemptOutcome::Abandoned { .. } => Ok(()),
    }
}
