//! What chance has in store, from the seed and a name: the same run of the same seed meets the same fates.

use rand::{Rng, SeedableRng, rngs::StdRng};
use ring::digest;

use super::{Market, lock};

/// A call misbehaves this often at most: then it goes well, so that every run comes to an end.
const MISBEHAVES_MAX: u32 = 2;

/// How a call of the merchant's ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Well,
    /// Acted on, not answered.
    HangUp,
    /// Acted on, answered with status 500.
    Error,
    /// Acted on, answered with "we do not know".
    Unclear,
    /// Not acted on: too many calls.
    TooMany,
}

/// Chance for one thing.
pub(super) fn chance(seed: u64, about: &str) -> StdRng {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&seed.to_be_bytes());
    context.update(about.as_bytes());
    let mut state = [0; 32];
    state.copy_from_slice(context.finish().as_ref());
    StdRng::from_seed(state)
}

/// Whether a share of 0 to 100 per cent hits.
pub(super) fn hits(rng: &mut StdRng, share: u8) -> bool {
    rng.random_range(0..100) < u32::from(share)
}

impl Market {
    /// The fate of a call that is known by its topic and message id.
    pub(super) fn fate(&self, topic: &str, id: &str) -> Fate {
        let name = format!("{topic}/{id}");
        let times = {
            let mut calls = lock(&self.calls);
            let times = calls.entry(name.clone()).or_default();
            *times += 1;
            *times
        };
        if times > MISBEHAVES_MAX {
            return Fate::Well;
        }
        let options = &self.options;
        let mut rng = chance(options.seed, &format!("{name}/{times}"));
        let drawn = rng.random_range(0..100_u32);
        let hang_up = u32::from(options.timeout_after_success);
        let error = hang_up + u32::from(options.error_after_success);
        let too_many = error + u32::from(options.too_many);
        match drawn {
            _ if drawn < hang_up => Fate::HangUp,
            _ if drawn < error && rng.random() => Fate::Error,
            _ if drawn < error => Fate::Unclear,
            _ if drawn < too_many => Fate::TooMany,
            _ => Fate::Well,
        }
    }
}
