//! `kami demo`: a shop on ten platforms and two payment gateways, played from a seed. Buyers, platforms and
//! staff speak to a real Kami over the loopback interface in the platforms' own formats, signed; Kami's calls
//! to the platforms go to sockets of theirs, which check signatures and now and then misbehave. What really
//! happened is kept apart and held against Kami's log.

mod after_sales;
mod books;
mod buying;
mod catalogue;
mod check;
mod clock;
mod flash;
mod line;
mod marketplaces;
mod platforms;
mod shop;
mod stage;
mod stock;
mod storefronts;
mod story;
mod talk;
mod truth;
mod unhurried;
mod wire;

use std::{path::Path, sync::Arc};

use serde::Serialize;
use vault::VaultPlace;
use vocabulary::Timestamp;

use check::Told;
use shop::Shop;
use stage::Stage;

use crate::log::LogUrl;

pub(crate) use catalogue::{DAY, START};
pub(crate) use clock::{LiveClock, SPEED};
pub(crate) use line::Line;
pub(crate) use platforms::Platforms;
pub(crate) use shop::Step;
pub(crate) use stage::{Living, MERCHANT};
pub(crate) use truth::SharedTruth;

/// How large a world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Profile {
    /// Thirty days, one to two thousand orders.
    Small,
    /// Thirty days, tens of thousands of orders.
    Full,
    /// One flash sale: 5,000 keys, 20,000 attempts, three in ten repeated.
    Flash,
}

impl Profile {
    /// About how many buyers come on a day.
    const fn visits_a_day(self) -> u32 {
        match self {
            Self::Small => 38,
            Self::Full => 900,
            Self::Flash => 0,
        }
    }
    /// How many buyers there are.
    const fn buyers(self) -> u32 {
        match self {
            Self::Small => 400,
            Self::Full | Self::Flash => 9_000,
        }
    }
    /// How often at least everything that is due is let happen, in seconds.
    const fn calm_every_secs(self) -> i64 {
        match self {
            Self::Small | Self::Full => 600,
            Self::Flash => 10,
        }
    }
}

/// What a world is built from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plot {
    pub(crate) profile: Profile,
    /// The same seed gives the same log.
    pub(crate) seed: u64,
    /// How many days are played; a flash sale is over sooner.
    pub(crate) days: u16,
}

/// A world that was built.
pub(crate) struct Built {
    pub(crate) shop: Shop,
    pub(crate) truth: SharedTruth,
    pub(crate) told: Told,
    pub(crate) differences: Vec<String>,
    /// When its history ends.
    pub(crate) end: Timestamp,
}

/// Builds a world in an empty directory, which is left as a stopped Kami leaves it. `passed` is told how much
/// of the history is over, from 0 to 1.
pub(crate) async fn build(
    data: &Path,
    log_url: Option<&LogUrl>,
    vault: VaultPlace,
    plot: Plot,
    passed: impl Fn(f64),
) -> anyhow::Result<Built> {
    let Plot { profile, seed, days } = plot;
    let truth = SharedTruth::default();
    let stage = Arc::new(Stage::start(data, log_url, vault, seed, truth.clone()).await?);
    let line = Line::to(stage.address)?;
    let mut shop = Shop::new(stage.clone(), line, truth.clone(), profile, seed);
    shop.open().await?;
    let end = shop.plan_story(i64::from(days)).await?;
    let length = (end.secs() - START.secs()) as f64;
    shop.run_until(end, |at| passed((at.secs() - START.secs()) as f64 / length)).await?;
    let told = check::read(stage.log(), stage.merchant()).await?;
    let differences = told.differences(&truth);
    stage.stop().await?;
    Ok(Built { shop, truth, told, differences, end })
}
