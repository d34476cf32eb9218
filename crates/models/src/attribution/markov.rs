//! What would be lost without a channel, if people went on from channel to channel as they do.
//!
//! The chain is of the second order: where somebody goes next depends on the channel they are on and the one before.
//! With the last channel alone, those who came straight to a channel would be mixed with those led there by another,
//! and the other would be credited with orders it had no part in.

use std::collections::BTreeMap;

use super::Path;

/// The channel before, where there was one, and the channel.
type State = (Option<usize>, usize);

/// Sweeps at most: each path is finite, so the probabilities settle long before.
const SWEEPS_MAX: usize = 10_000;

/// What those in a state did next, as shares.
#[derive(Debug, Default)]
struct Next {
    visits: f64,
    to_order: f64,
    to: BTreeMap<State, f64>,
}

/// How people go on, from the start and from each state.
#[derive(Debug, Default)]
struct Chain {
    start: Next,
    states: BTreeMap<State, Next>,
}

/// The orders of the paths, divided by each channel's removal effect: the share of orders that would not come if
/// whoever reaches the channel were lost.
pub(super) fn orders(paths: &[&Path], place: &BTreeMap<&str, usize>) -> Vec<f64> {
    let count = paths.iter().filter(|path| path.ordered.is_some()).count() as f64;
    let chain = Chain::learn(paths, place);
    let with_all = chain.reach(None);
    let effects: Vec<f64> =
        (0..place.len()).map(|channel| (with_all - chain.reach(Some(channel))).max(0.0)).collect();
    let whole: f64 = effects.iter().sum();
    effects.iter().map(|effect| if whole > 0.0 { count * effect / whole } else { 0.0 }).collect()
}

impl Chain {
    fn learn(paths: &[&Path], place: &BTreeMap<&str, usize>) -> Self {
        let mut chain = Self::default();
        for path in paths {
            let mut at: Option<State> = None;
            for touch in &path.touches {
                let channel = place[touch.channel.as_str()];
                // Staying on a channel is no step.
                if at.is_none_or(|(_, here)| here != channel) {
                    let to = (at.map(|(_, here)| here), channel);
                    *chain.leave(at).to.entry(to).or_default() += 1.0;
                    at = Some(to);
                }
            }
            chain.leave(at).to_order += f64::from(u8::from(path.ordered.is_some()));
        }
        for next in chain.states.values_mut().chain([&mut chain.start]) {
            next.to_order /= next.visits;
            next.to.values_mut().for_each(|weight| *weight /= next.visits);
        }
        chain
    }

    fn leave(&mut self, from: Option<State>) -> &mut Next {
        let next = match from {
            Some(state) => self.states.entry(state).or_default(),
            None => &mut self.start,
        };
        next.visits += 1.0;
        next
    }

    /// The probability that somebody who starts ends with an order, if nobody who reaches `without` does.
    fn reach(&self, without: Option<usize>) -> f64 {
        let mut reached: BTreeMap<State, f64> = self.states.keys().map(|state| (*state, 0.0)).collect();
        let of = |next: &Next, reached: &BTreeMap<State, f64>| {
            let onwards = next.to.iter().map(|(to, weight)| weight * reached.get(to).unwrap_or(&0.0));
            next.to_order + onwards.sum::<f64>()
        };
        for _ in 0..SWEEPS_MAX {
            let mut moved = 0.0_f64;
            for (state, next) in self.states.iter().filter(|(state, _)| without != Some(state.1)) {
                let now = of(next, &reached);
                moved = moved.max((now - reached.insert(*state, now).unwrap_or(0.0)).abs());
            }
            if moved < 1e-15 {
                break;
            }
        }
        of(&self.start, &reached)
    }
}
