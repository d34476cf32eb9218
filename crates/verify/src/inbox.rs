//! I7, messages: each has one row, and its row says exactly which positions it caused. A message that was rejected caused
//! nothing but the note that somebody wanted to buy in vain.

use std::collections::{HashMap, HashSet};

use events::{Fact, Metadata};

use crate::{
    chain,
    report::{At, Findings, Invariant},
    rows::InboxRow,
};

/// What may follow from a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Anything.
    Accepted,
    /// That it was turned down for want of keys, and nothing else.
    Rejected,
    /// Nothing.
    Other,
}

/// A stored message, in short.
#[derive(Debug, Clone, Copy)]
struct Message {
    verdict: Verdict,
    /// First and last position it caused.
    caused: Option<(u64, u64)>,
}

/// The messages of one merchant.
#[derive(Default)]
pub(crate) struct Inbox {
    messages: HashMap<u128, Message>,
    dedupe_keys: HashSet<u128>,
    /// What messages caused, by first position: first, last, message.
    caused: Vec<(u64, u64, u128)>,
    /// The first entry of `caused` that does not end before the event at hand.
    current: usize,
}

impl Inbox {
    /// Takes in a row, before the events are read.
    pub(crate) fn add(&mut self, row: &InboxRow, findings: &mut Findings) {
        let id = chain::short(&[&row.message]);
        let wrong = |findings: &mut Findings, at: At<'_>, what: &str| {
            findings.violation(Invariant::I7, at, format!("message {}: {what}", row.message));
        };
        let at = At { position: row.first_position.and_then(|p| u64::try_from(p).ok()), stream: None };
        if let Some(key) = &row.dedupe_key {
            if row.verdict == "conflict" {
                wrong(findings, at, "a conflict must leave the de-duplication key to the first message");
            }
            if !self.dedupe_keys.insert(chain::short(&[key])) {
                wrong(findings, at, "its de-duplication key is taken by another message");
            }
        }
        let bounds = |p: i64| u64::try_from(p).ok();
        let caused = match (row.first_position.map(bounds), row.last_position.map(bounds)) {
            (None, None) => None,
            (Some(Some(first)), Some(Some(last))) if 0 < first && first <= last => Some((first, last)),
            _ => {
                wrong(findings, at, "the positions it caused are not a range");
                None
            }
        };
        let verdict = match row.verdict.as_str() {
            "accepted" => Verdict::Accepted,
            "rejected" => Verdict::Rejected,
            _ => Verdict::Other,
        };
        if caused.is_some() && verdict == Verdict::Other {
            wrong(findings, at, &format!("it was {}, yet caused positions", row.verdict));
        }
        let message = Message { verdict, caused };
        if self.messages.insert(id, message).is_some() {
            wrong(findings, at, "it is stored twice");
        }
        self.caused.extend(caused.map(|(first, last)| (first, last, id)));
    }

    /// All rows are in.
    pub(crate) fn ready(&mut self, findings: &mut Findings) {
        self.caused.sort_unstable();
        for pair in self.caused.windows(2) {
            if pair[1].0 <= pair[0].1 {
                let at = At::position(pair[1].0);
                findings.violation(Invariant::I7, at, "two messages claim to have caused this position");
            }
        }
    }

    /// An event must be claimed by the message that caused it, and by no other.
    pub(crate) fn event(
        &mut self,
        position: u64,
        meta: &Metadata,
        fact: Option<&Fact>,
        at: At<'_>,
        findings: &mut Findings,
    ) {
        if let Some(cause) = meta.causation
            && (cause.0 == 0 || cause.0 >= position)
        {
            findings.violation(
                Invariant::I7,
                at,
                format!("caused by position {}, which is not before it", cause.0),
            );
        }
        let id = meta.correlation.as_ref().map(|message| chain::short(&[message.as_str()]));
        self.claimed(position, id, at, findings);
        let (Some(id), Some(name)) = (id, &meta.correlation) else { return };
        let Some(message) = self.messages.get(&id) else {
            return findings.violation(
                Invariant::I7,
                at,
                format!("message {name} that caused it is not stored"),
            );
        };
        let is_refusal = matches!(fact, Some(Fact::AttemptRefused(_)));
        let may_follow = match message.verdict {
            Verdict::Accepted => true,
            Verdict::Rejected => is_refusal,
            Verdict::Other => false,
        };
        if !may_follow {
            findings.violation(Invariant::I7, at, format!("message {name} that caused it was not accepted"));
        }
        let direct = meta.causation.is_none();
        if direct && !message.caused.is_some_and(|(first, last)| (first..=last).contains(&position)) {
            let what = format!("message {name} caused it, but its row does not say so");
            findings.violation(Invariant::I7, at, what);
        }
    }

    /// The log is over.
    pub(crate) fn finish(&self, last: u64, findings: &mut Findings) {
        for (first, end, _) in &self.caused {
            if *end > last {
                let at = At::position((*first).max(last + 1));
                findings.violation(
                    Invariant::I7,
                    at,
                    "a message claims to have caused positions beyond the log",
                );
            }
        }
    }

    fn claimed(&mut self, position: u64, id: Option<u128>, at: At<'_>, findings: &mut Findings) {
        while self.caused.get(self.current).is_some_and(|(_, last, _)| *last < position) {
            self.current += 1;
        }
        if let Some((first, _, claimant)) = self.caused.get(self.current)
            && *first <= position
            && id != Some(*claimant)
        {
            findings.violation(
                Invariant::I7,
                at,
                "a message claims to have caused it, but the event does not say so",
            );
        }
    }
}
