//! Fitting models to what the read model holds at a position. The same position gives the same facts.

use events::policy::ModelFitted;
use models::{
    FitError,
    ltv::{BgNbd, GammaGamma},
};
use vocabulary::Position;

use crate::{
    attribution::{ATTRIBUTION, AttributionSettings},
    history::Purchase,
    ltv::{LTV, LtvParams, persons},
};

/// The version of what fits: it counts up whenever the same log would give other parameters.
pub const VERSION: u32 = 2;

/// Fits how often and how much persons buy, to the [`crate::purchases`] known at the position. What was seen ends with
/// `until_secs` (seconds since 1970), or with the last purchase. It takes long where there are many persons.
pub fn fit_ltv(
    purchases: &[Purchase],
    at: Position,
    until_secs: Option<i64>,
) -> Result<ModelFitted, FitError> {
    let last = purchases.iter().map(|purchase| purchase.paid_secs).max();
    let until_secs = until_secs.or(last).unwrap_or_default();
    let persons = persons(purchases, until_secs);
    let histories: Vec<_> = persons.iter().map(|person| person.history).collect();
    let earning = persons.iter().map(|person| person.spending).filter(|spending| spending.mean > 0.0);
    let much = match GammaGamma::fit(&earning.collect::<Vec<_>>()) {
        Ok(much) => Some(much),
        // Where all spend alike there is nothing to draw anybody towards.
        Err(FitError::TooFew { .. } | FitError::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    let params = LtvParams { often: BgNbd::fit(&histories)?, much, until_secs };
    Ok(fitted(LTV, at, persons.len(), params.to_params()))
}

/// Has credits computed anew from what is known at the position.
pub fn fit_attribution(purchases: &[Purchase], at: Position, settings: &AttributionSettings) -> ModelFitted {
    fitted(ATTRIBUTION, at, purchases.len(), settings.to_params())
}

fn fitted(
    model: &str,
    at: Position,
    rows: usize,
    params: std::collections::BTreeMap<String, f64>,
) -> ModelFitted {
    ModelFitted { model: model.to_owned(), version: VERSION, fit_pos: at, rows: rows as u64, params }
}
