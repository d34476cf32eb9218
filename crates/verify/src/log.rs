//! I1, I2, I3, I5, I6: the log is whole, in order, linked and readable.

use std::collections::HashMap;

use events::{Fact, Metadata};

use crate::{
    chain,
    report::{At, Findings, Invariant},
    rows::{EventRow, HeadRow},
};

/// What the events so far say of the log.
pub(crate) struct LogCheck {
    merchant: String,
    events: u64,
    next_position: u64,
    /// The stored hash of the event before, so that one bad event does not blame all that follow.
    previous: [u8; 32],
    recorded_at: i64,
    epoch: u64,
    unit: u64,
    versions: HashMap<Box<str>, u64>,
}

/// One event, as far as it could be read.
pub(crate) struct Read {
    pub(crate) meta: Option<Metadata>,
    pub(crate) fact: Option<Fact>,
    /// Whether an atomic unit begins here, for certain.
    pub(crate) begins_unit: bool,
}

impl LogCheck {
    pub(crate) fn new(merchant: &str) -> Self {
        Self {
            merchant: merchant.to_owned(),
            events: 0,
            next_position: 1,
            previous: chain::START,
            recorded_at: i64::MIN,
            epoch: 0,
            unit: 0,
            versions: HashMap::new(),
        }
    }

    /// How many events there were.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }
    /// The position of the last event.
    pub(crate) fn last_position(&self) -> u64 {
        self.next_position - 1
    }
    /// The hash of the last event.
    pub(crate) fn hash(&self) -> [u8; 32] {
        self.previous
    }

    pub(crate) fn event(&mut self, row: &EventRow<'_>, findings: &mut Findings) -> Read {
        let at = At::event(row.position, row.stream);
        self.position(row.position, findings);
        let linked = self.link(row, at, findings);
        self.version(row, at, findings);
        if row.recorded_at < self.recorded_at {
            findings.violation(Invariant::I2, at, "recorded before the event in front of it");
        }
        self.recorded_at = row.recorded_at;
        let meta = match serde_json::from_str::<Metadata>(row.metadata) {
            Ok(meta) => Some(meta),
            Err(error) => {
                findings.violation(Invariant::I6, at, format!("the metadata is malformed: {error}"));
                None
            }
        };
        let begins_unit = match &meta {
            Some(meta) => self.metadata(row, meta, at, findings),
            None => false,
        };
        // An event that was tampered with cannot be trusted to say that the unit before it is whole.
        Read { fact: decode(row, at, findings), meta, begins_unit: begins_unit && linked }
    }

    /// A row of which at most the position could be read.
    pub(crate) fn unreadable(&mut self, position: Option<u64>, why: &str, findings: &mut Findings) {
        let position = position.unwrap_or(self.next_position);
        self.position(position, findings);
        findings.violation(Invariant::I3, At::position(position), format!("the row cannot be read: {why}"));
    }

    /// The log is over: does it end where its merchant's row says?
    pub(crate) fn finish(&self, head: Option<&HeadRow>, findings: &mut Findings) {
        let last = self.last_position();
        let Some(head) = head else {
            let message = "there is no row of the merchant to say where the log ends";
            return findings.violation(Invariant::I1, At::position(last), message);
        };
        if head.position != last {
            let message = format!("the log ends at {last}, the merchant's row says {}", head.position);
            let first_bad = last.min(head.position) + 1;
            findings.violation(Invariant::I1, At::position(first_bad), message);
        } else if head.hash != self.previous {
            findings.violation(Invariant::I3, At::position(last), "the merchant's row has another hash");
        }
        if last > 0 && head.position == last && head.recorded_at != self.recorded_at {
            findings.violation(
                Invariant::I2,
                At::position(last),
                "the merchant's row has another recorded time",
            );
        }
        if head.epoch < self.epoch {
            let message = format!("the merchant's row is in epoch {}, the log in {}", head.epoch, self.epoch);
            findings.violation(Invariant::I5, At::position(last), message);
        }
    }

    fn position(&mut self, position: u64, findings: &mut Findings) {
        self.events += 1;
        let wanted = self.next_position;
        if position > wanted {
            let message = format!("positions {wanted} to {} are missing", position - 1);
            findings.violation(Invariant::I1, At::position(wanted), message);
        } else if position < wanted {
            let message = format!("position {position} follows {}", wanted - 1);
            findings.violation(Invariant::I1, At::position(position), message);
        }
        self.next_position = position.saturating_add(1);
    }

    /// Checks the hash; returns whether it is right.
    fn link(&mut self, row: &EventRow<'_>, at: At<'_>, findings: &mut Findings) -> bool {
        let linked = row.hash == Some(chain::hash(&self.previous, &self.merchant, row));
        if !linked {
            let message = "the hash does not follow from the event and the hash before it";
            findings.violation(Invariant::I3, at, message);
        }
        self.previous = row.hash.unwrap_or(chain::START);
        linked
    }

    fn version(&mut self, row: &EventRow<'_>, at: At<'_>, findings: &mut Findings) {
        let next = match self.versions.get_mut(row.stream) {
            Some(next) => next,
            None => self.versions.entry(row.stream.into()).or_default(),
        };
        if row.version != *next {
            let message = format!("the stream's version is {}, it should be {next}", row.version);
            findings.violation(Invariant::I2, at, message);
        }
        *next = row.version.saturating_add(1);
    }

    /// Checks id, epoch and unit; returns whether a unit begins here.
    fn metadata(&mut self, row: &EventRow<'_>, meta: &Metadata, at: At<'_>, findings: &mut Findings) -> bool {
        if meta.event_id != chain::event_id(&self.merchant, row.position) {
            findings.violation(Invariant::I3, at, "the event id does not follow from merchant and position");
        }
        if meta.epoch.0 < self.epoch {
            let message = format!("epoch {} follows epoch {}", meta.epoch.0, self.epoch);
            findings.violation(Invariant::I5, at, message);
        }
        self.epoch = self.epoch.max(meta.epoch.0);
        let begins = meta.unit.0 == row.position;
        if !begins && meta.unit.0 != self.unit {
            let message = format!("the event of unit {} stands in unit {}", meta.unit.0, self.unit);
            findings.violation(Invariant::I2, at, message);
        }
        self.unit = meta.unit.0;
        begins
    }
}

fn decode(row: &EventRow<'_>, at: At<'_>, findings: &mut Findings) -> Option<Fact> {
    match Fact::decode(row.type_name, row.schema_version, row.payload) {
        Ok(fact) => {
            let kind = row.stream.split('-').next().unwrap_or_default();
            if kind != stream_kind(&fact) {
                let message = format!("a {} does not belong in a {kind} stream", row.type_name);
                findings.violation(Invariant::I6, at, message);
            }
            Some(fact)
        }
        Err(error) => {
            findings.violation(Invariant::I6, at, error.to_string());
            None
        }
    }
}

/// The kind of stream that a fact belongs in.
fn stream_kind(fact: &Fact) -> &'static str {
    match fact {
        Fact::SkuDefined(_) => "sku",
        Fact::ChannelConnected(_)
        | Fact::ChannelSuspended(_)
        | Fact::ChannelResumed(_)
        | Fact::ListingMapped(_)
        | Fact::ListingRemoved(_)
        | Fact::ReadBackRequested(_)
        | Fact::ReadBackSettled(_)
        | Fact::StockPushRequested(_)
        | Fact::StockPushSettled(_)
        | Fact::ChannelAccessRenewed(_)
        | Fact::ChannelAccessLost(_)
        | Fact::ChannelTermsSet(_)
        | Fact::AttemptRefused(_) => "channel",
        Fact::PriceSet(_) | Fact::PriceWithdrawn(_) => "price",
        Fact::BatchOpened(_)
        | Fact::KeysImported(_)
        | Fact::QuotaSet(_)
        | Fact::KeysReserved(_)
        | Fact::KeysAllocated(_)
        | Fact::KeysReleased(_)
        | Fact::AllocationWaitlisted(_)
        | Fact::WaitlistLeft(_)
        | Fact::KeysQuarantined(_)
        | Fact::QuarantineLifted(_)
        | Fact::KeysRevoked(_)
        | Fact::KeysVoided(_) => "pool",
        Fact::BuyerRegistered(_)
        | Fact::BuyerErased(_)
        | Fact::IdentityLinked(_)
        | Fact::IdentityUnlinked(_) => "buyer",
        Fact::TouchRecorded(_) | Fact::JourneyOrdered(_) => "journey",
        Fact::QueryRun(_) | Fact::SearchRun(_) | Fact::ExportMade(_) => "staff",
        Fact::SubscriptionSet(_)
        | Fact::SubscriptionEnded(_)
        | Fact::ModelFitted(_)
        | Fact::ForecastIssued(_)
        | Fact::ForecastScored(_)
        | Fact::SalesLost(_) => "policy",
        Fact::ProcurementRequested(_) | Fact::ProcurementAccepted(_) | Fact::ProcurementSettled(_) => {
            "procurement"
        }
        _ => "order",
    }
}
