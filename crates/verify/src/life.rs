//! The life of one unit: which step may follow which.

use vocabulary::OrderId;

/// An order and its line.
pub(crate) type Holder = (OrderId, u16);

/// Where a unit is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Stock,
    Reserved,
    Allocated,
    Delivered,
    Revoked,
    Voided,
}

/// What can be done with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Reserve,
    /// `reserved`: it is said to have been reserved for the line before.
    Allocate {
        reserved: bool,
    },
    Release,
    Deliver,
    /// `order_delivered`: its order was handed keys before, so that a replacement on its way may be revoked
    /// too.
    Revoke {
        order_delivered: bool,
    },
    Void,
}

impl Step {
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Reserve => "reserved",
            Self::Allocate { .. } => "allocated",
            Self::Release => "released",
            Self::Deliver => "delivered",
            Self::Revoke { .. } => "revoked",
            Self::Void => "voided",
        }
    }
}

/// One unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    pub(crate) status: Status,
    pub(crate) quarantined: bool,
    /// Somebody outside may have seen it before it counted as delivered.
    pub(crate) exposed: bool,
    pub(crate) holder: Option<Holder>,
}

impl Unit {
    pub(crate) fn in_stock(quarantined: bool) -> Self {
        Self { status: Status::Stock, quarantined, exposed: false, holder: None }
    }

    /// Whether it is allocated or delivered to this line.
    pub(crate) fn is_bound_to(&self, holder: Holder) -> bool {
        matches!(self.status, Status::Allocated | Status::Delivered) && self.holder == Some(holder)
    }

    /// The status after a step for `holder`, or why the step is not allowed.
    pub(crate) fn next(&self, step: Step, holder: Option<Holder>) -> Result<Status, String> {
        let own = self.holder.is_some() && self.holder == holder;
        match (step, self.status) {
            (Step::Reserve | Step::Allocate { .. }, Status::Stock) if self.quarantined => {
                Err("it is in quarantine".to_owned())
            }
            (Step::Reserve, Status::Stock) => Ok(Status::Reserved),
            (Step::Allocate { reserved: false }, Status::Stock) => Ok(Status::Allocated),
            (Step::Allocate { reserved: true }, Status::Reserved) if own => Ok(Status::Allocated),
            (Step::Release, Status::Reserved | Status::Allocated) if own && self.exposed => {
                Err("somebody may have seen it".to_owned())
            }
            (Step::Release, Status::Reserved | Status::Allocated) if own => Ok(Status::Stock),
            (Step::Deliver, Status::Allocated | Status::Delivered) if own => Ok(Status::Delivered),
            (Step::Revoke { .. }, Status::Delivered) if own => Ok(Status::Revoked),
            (Step::Revoke { order_delivered }, Status::Allocated)
                if own && (order_delivered || self.exposed) =>
            {
                Ok(Status::Revoked)
            }
            (Step::Void, Status::Stock) => Ok(Status::Voided),
            _ => Err(self.describe()),
        }
    }

    /// Takes up a status that [`Self::next`] allowed. A unit that returns to stock is quarantined with its
    /// batch.
    pub(crate) fn enter(&mut self, status: Status, holder: Option<Holder>, batch_quarantined: bool) {
        self.status = status;
        if status == Status::Stock {
            self.holder = None;
            self.quarantined |= batch_quarantined;
        } else if holder.is_some() {
            self.holder = holder;
        }
    }

    fn describe(&self) -> String {
        let status = match self.status {
            Status::Stock => "in stock",
            Status::Reserved => "reserved",
            Status::Allocated => "allocated",
            Status::Delivered => "delivered",
            Status::Revoked => "revoked",
            Status::Voided => "voided",
        };
        match self.holder {
            Some((order, line)) => format!("it is {status}, by line {line} of {order}"),
            None => format!("it is {status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(n: u128) -> Holder {
        (OrderId::from_uuid(uuid::Uuid::from_u128(n)), 0)
    }

    fn walk(steps: &[(Step, Option<Holder>)]) -> Result<Status, String> {
        let mut unit = Unit::in_stock(false);
        for (step, holder) in steps {
            let status = unit.next(*step, *holder)?;
            unit.enter(status, *holder, false);
        }
        Ok(unit.status)
    }

    const FROM_STOCK: Step = Step::Allocate { reserved: false };
    const FROM_HOLD: Step = Step::Allocate { reserved: true };
    const REVOKE: Step = Step::Revoke { order_delivered: false };

    #[test]
    fn words_of_the_grammar_are_accepted() {
        let (a, b) = (Some(order(1)), Some(order(2)));
        let sold = [(Step::Reserve, a), (FROM_HOLD, a), (Step::Deliver, a), (Step::Deliver, a), (REVOKE, a)];
        assert_eq!(walk(&sold), Ok(Status::Revoked));
        let again =
            [(FROM_STOCK, a), (Step::Release, a), (Step::Reserve, b), (Step::Release, b), (Step::Void, None)];
        assert_eq!(walk(&again), Ok(Status::Voided));
    }

    #[test]
    fn everything_else_is_refused() {
        let (a, b) = (Some(order(1)), Some(order(2)));
        for word in [
            vec![(FROM_STOCK, a), (FROM_STOCK, b)],
            vec![(Step::Reserve, a), (FROM_HOLD, b)],
            vec![(Step::Reserve, a), (FROM_STOCK, a)],
            vec![(Step::Reserve, a), (Step::Release, b)],
            vec![(Step::Reserve, a), (Step::Deliver, a)],
            vec![(FROM_HOLD, a)],
            vec![(FROM_STOCK, a), (Step::Deliver, b)],
            vec![(FROM_STOCK, a), (Step::Deliver, a), (Step::Release, a)],
            vec![(FROM_STOCK, a), (Step::Deliver, a), (FROM_STOCK, b)],
            vec![(FROM_STOCK, a), (REVOKE, a)],
            vec![(FROM_STOCK, a), (Step::Deliver, a), (REVOKE, a), (Step::Deliver, a)],
            vec![(Step::Reserve, a), (Step::Void, None)],
            vec![(Step::Void, None), (FROM_STOCK, a)],
            vec![(Step::Void, None), (Step::Void, None)],
        ] {
            assert!(walk(&word).is_err(), "{word:?}");
        }
    }
}
