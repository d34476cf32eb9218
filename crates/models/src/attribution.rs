//! Which channels an order is owed to. No model is the truth: all of them are given, to be read side by side.

mod markov;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::apportion::apportion;

const DAY_SECS: i64 = 86_400;

/// A contact of somebody with us.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touch {
    /// When, in seconds from any beginning.
    pub at: i64,
    /// On which channel.
    pub channel: String,
}

/// The order a path led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ordered {
    /// When, in seconds from the same beginning.
    pub at: i64,
    /// What it brought, in minor units.
    pub net_minor: i64,
}

/// What led to an order, or to none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    touches: Vec<Touch>,
    ordered: Option<Ordered>,
}

impl Path {
    /// The touches within `window_days` before the order, or before the last touch where no order came. They may come
    /// in any order; those of one second are taken by the name of their channel.
    pub fn new(mut touches: Vec<Touch>, ordered: Option<Ordered>, window_days: u32) -> Self {
        touches.sort();
        let last = touches.last().map(|touch| touch.at);
        if let Some(end) = ordered.map(|ordered| ordered.at).or(last) {
            let window = i64::from(window_days).saturating_mul(DAY_SECS);
            touches.retain(|touch| touch.at <= end && end.saturating_sub(touch.at) <= window);
        }
        Self { touches, ordered }
    }
}

/// How to divide an order among the channels that were touched on the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// All to the first touch.
    First,
    /// All to the last touch.
    Last,
    /// The same to each touch.
    Linear,
    /// 40 % to the first, 40 % to the last, 20 % to those between.
    Position,
    /// The later the more: half as much for each half-life before the order.
    Decay,
    /// By how many orders fewer there would be without the channel, if people went on as they do from channel to
    /// channel.
    Markov,
    /// By what the channel adds to each group of channels: the same to each channel touched, however often.
    Shapley,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::First, Self::Last, Self::Linear, Self::Position, Self::Decay, Self::Markov, Self::Shapley];

    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Linear => "linear",
            Self::Position => "position",
            Self::Decay => "decay",
            Self::Markov => "markov",
            Self::Shapley => "shapley",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a channel is credited with.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Credit {
    /// Orders, in parts.
    pub orders: f64,
    /// Money, in minor units.
    pub net_minor: i64,
}

/// Credits by channel. Those of all channels add up to the orders, and to their money exactly. A path without touches
/// is left out; a channel that is touched is there, be it with nothing. The order of the paths does not matter.
pub fn attribute(paths: &[Path], model: Model, half_life_days: f64) -> BTreeMap<String, Credit> {
    let mut paths: Vec<&Path> = paths.iter().filter(|path| !path.touches.is_empty()).collect();
    paths.sort();
    let names: BTreeSet<&str> =
        paths.iter().flat_map(|path| &path.touches).map(|touch| touch.channel.as_str()).collect();
    let place: BTreeMap<&str, usize> = names.iter().copied().zip(0..).collect();
    let (mut orders, mut money) = (vec![0.0; names.len()], vec![0.0; names.len()]);
    if model == Model::Markov {
        orders = markov::orders(&paths, &place);
        money.clone_from(&orders);
    } else {
        for path in &paths {
            let Some(ordered) = path.ordered else { continue };
            let weights = weights(path, ordered, model, half_life_days);
            let whole: f64 = weights.iter().map(|(_, weight)| weight).sum();
            for (channel, weight) in weights {
                orders[place[channel]] += weight / whole;
                money[place[channel]] += weight / whole * ordered.net_minor as f64;
            }
        }
    }
    let net: i64 = paths.iter().filter_map(|path| path.ordered).map(|ordered| ordered.net_minor).sum();
    let net = apportion(net, &money);
    let credits = orders.into_iter().zip(net).map(|(orders, net_minor)| Credit { orders, net_minor });
    names.into_iter().map(str::to_owned).zip(credits).collect()
}

/// How much each touch of a path weighs.
fn weights(path: &Path, ordered: Ordered, model: Model, half_life_days: f64) -> Vec<(&str, f64)> {
    let last = path.touches.len() - 1;
    let each = |weight: &dyn Fn(usize, &Touch) -> f64| -> Vec<(&str, f64)> {
        let touches = path.touches.iter().enumerate();
        touches.map(|(place, touch)| (touch.channel.as_str(), weight(place, touch))).collect()
    };
    match model {
        Model::First => each(&|place, _| f64::from(u8::from(place == 0))),
        Model::Last => each(&|place, _| f64::from(u8::from(place == last))),
        Model::Position => each(&|place, _| match place {
            _ if last < 2 => 1.0,
            0 => 0.4,
            _ if place == last => 0.4,
            _ => 0.2 / (last - 1) as f64,
        }),
        Model::Decay => each(&|_, touch| {
            let days = (ordered.at - touch.at) as f64 / DAY_SECS as f64;
            libm::exp2(-days / half_life_days.max(1e-3))
        }),
        Model::Shapley => {
            let distinct: BTreeSet<&str> = path.touches.iter().map(|touch| touch.channel.as_str()).collect();
            distinct.into_iter().map(|channel| (channel, 1.0)).collect()
        }
        Model::Linear | Model::Markov => each(&|_, _| 1.0),
    }
}

#[cfg(test)]
mod tests;
