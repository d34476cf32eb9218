//! Putting events in order that come late, early or twice.

use std::collections::BTreeMap;

use events::{RecordedEvent, chain};
use vocabulary::Position;

use crate::RelayError;

/// Where somebody who follows a log stands: the last event they contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its position; 0 before the first.
    pub position: Position,
    /// Its hash; that before the first event at position 0.
    pub hash: [u8; 32],
}

impl Place {
    /// Before the first event.
    pub const START: Self = Self { position: Position(0), hash: chain::GENESIS };
}

/// Events behind a place, until all before them are there.
pub(crate) struct Assembly {
    stream: String,
    place: Place,
    waiting: BTreeMap<Position, RecordedEvent>,
}

impl Assembly {
    pub(crate) fn new(stream: &str, place: Place) -> Self {
        Self { stream: stream.to_owned(), place, waiting: BTreeMap::new() }
    }

    /// The last event that was handed over.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Takes an event in; one that was handed over is dropped.
    pub(crate) fn offer(&mut self, event: RecordedEvent) -> Result<(), RelayError> {
        let position = event.position;
        if position == self.place.position && event.hash != self.place.hash {
            return Err(RelayError::AnotherLog { stream: self.stream.clone(), position });
        }
        if position > self.place.position {
            self.waiting.insert(position, event);
        }
        Ok(())
    }

    /// At most `limit` events whose turn it is; each is checked to continue the hash chain.
    pub(crate) fn ready(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, RelayError> {
        let mut ready = Vec::new();
        while ready.len() < limit {
            let Some(first) = self.waiting.first_entry() else { break };
            if first.key().0 != self.place.position.0 + 1 {
                break;
            }
            let event = first.remove();
            if chain::link(&self.place.hash, &event) != event.hash {
                let position = event.position;
                return Err(RelayError::Broken { stream: self.stream.clone(), position });
            }
            self.place = Place { position: event.position, hash: event.hash };
            ready.push(event);
        }
        Ok(ready)
    }

    /// How many events wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The last position of the gap that events wait behind, none where there is no gap.
    pub(crate) fn gap_end(&self) -> Option<Position> {
        let (first, _) = self.waiting.first_key_value()?;
        (first.0 > self.place.position.0 + 1).then(|| Position(first.0 - 1))
    }
}

#[cfg(test)]
mod tests {
    use projection::testkit::plausible_history;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn events_in_any_order_and_any_number_of_times_come_out_once_and_in_order(
            order in proptest::collection::vec(any::<prop::sample::Index>(), 0..400),
            limits in proptest::collection::vec(1..20_usize, 1..8),
        ) {
            let history = plausible_history(11, 120);
            let mut assembly = Assembly::new("s", Place::START);
            let mut out = Vec::new();
            let mut limits = limits.iter().cycle();
            let disorder = order.iter().map(|index| index.get(&history));
            // At the end everything comes once more, so that nothing lacks.
            for event in disorder.chain(history.iter().rev()) {
                assembly.offer(event.clone()).unwrap();
                out.extend(assembly.ready(*limits.next().unwrap()).unwrap());
            }
            out.extend(assembly.ready(usize::MAX).unwrap());
            prop_assert_eq!(&out, &history);
            prop_assert_eq!((assembly.waiting(), assembly.gap_end()), (0, None));
        }
    }

    #[test]
    fn events_behind_a_gap_wait_until_it_is_filled() {
        let history = plausible_history(2, 6);
        let mut assembly = Assembly::new("s", Place::START);
        for at in [3, 4, 0] {
            assembly.offer(history[at].clone()).unwrap();
        }
        assert_eq!(assembly.ready(9).unwrap(), history[..1]);
        assert_eq!((assembly.gap_end(), assembly.waiting()), (Some(Position(3)), 2));
        assembly.offer(history[2].clone()).unwrap();
        assert_eq!(assembly.gap_end(), Some(Position(2)));
        assembly.offer(history[1].clone()).unwrap();
        assert_eq!(assembly.ready(9).unwrap(), history[1..5]);
    }

    #[test]
    fn an_event_that_does_not_continue_the_chain_is_told_by_its_position() {
        let mut history = plausible_history(2, 3);
        history[1].payload = history[1].payload.replace("\":", "\": ");
        let mut assembly = Assembly::new("s", Place::START);
        history.drain(..).for_each(|event| {
            assembly.offer(event).unwrap();
        });
        let error = assembly.ready(1).and_then(|_| assembly.ready(9)).unwrap_err();
        assert!(matches!(error, RelayError::Broken { position: Position(2), .. }), "{error}");
    }

    #[test]
    fn another_event_where_we_stand_means_another_log() {
        let (ours, mut theirs) = (plausible_history(2, 3), plausible_history(2, 3));
        theirs[1].hash = [7; 32];
        let place = Place { position: Position(2), hash: ours[1].hash };
        let mut assembly = Assembly::new("s", place);
        assembly.offer(ours[1].clone()).unwrap();
        assembly.offer(theirs[0].clone()).unwrap();
        assert_eq!(assembly.waiting(), 0);
        let error = assembly.offer(theirs[1].clone()).unwrap_err();
        assert!(matches!(error, RelayError::AnotherLog { position: Position(2), .. }), "{error}");
    }
}
