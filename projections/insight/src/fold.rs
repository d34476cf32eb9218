//! Events into rows.

use std::collections::BTreeMap;

use async_trait::async_trait;
use events::{Fact, policy::ModelFitted};
use projection::{ApplyError, Event, Fold, Rows, Value};
use sqlx::SqliteConnection;
use vocabulary::{MerchantId, Position};

use crate::{
    attribution::{self, ATTRIBUTION, AttributionSettings},
    entries::Entries,
    forecast::Forecasts,
    lost,
    ltv::{self, LTV, LtvParams},
    marts,
};

/// The names of the models whose facts are of their own.
const FORECAST: &str = "forecast";
const LOST_SALES: &str = "lost_sales";

/// The fold keeps nothing between batches: all that it goes on from lies in its tables.
pub(crate) struct InsightFold {
    merchant: MerchantId,
    entries: Entries,
    forecasts: Forecasts,
    lost: Rows,
    /// The newest fit of each model in the batch; an earlier one would be replaced at once.
    ltv: Option<(Position, ModelFitted)>,
    attribution: Option<(Position, ModelFitted)>,
    /// The rows of `ops_model` that the batch changed, by model.
    models: BTreeMap<String, (Position, [Value; 6])>,
}

impl InsightFold {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        Self {
            merchant: merchant.clone(),
            entries: Entries::new(merchant),
            forecasts: Forecasts::new(merchant),
            lost: Rows::new(&marts::STOCKOUT, merchant),
            ltv: None,
            attribution: None,
            models: BTreeMap::new(),
        }
    }

    /// Notes the newest of what a model said. Several of one batch are one row.
    fn said(&mut self, event: &Event, model: &str, version: u32, fit_pos: Position, rest: [Value; 2]) {
        let [rows, params] = rest;
        let at = event.recorded_at.into();
        let values = [model.into(), version.into(), fit_pos.into(), at, rows, params];
        self.models.insert(model.to_owned(), (event.position, values));
    }

    fn fitted(&mut self, event: &Event, fact: &ModelFitted) -> Result<(), ApplyError> {
        let wrong = |why| ApplyError::event(event.position, why);
        // A model cannot have seen what was recorded after it.
        let mut fact = fact.clone();
        fact.fit_pos = fact.fit_pos.min(event.position);
        let what = [Value::count(fact.rows), serde_json::to_string(&fact.params)?.into()];
        let (model, version, fit_pos) = (fact.model.clone(), fact.version, fact.fit_pos);
        match fact.model.as_str() {
            LTV => {
                LtvParams::from_params(&fact.params).map_err(wrong)?;
                self.ltv = Some((event.position, fact));
            }
            ATTRIBUTION => {
                AttributionSettings::from_params(&fact.params).map_err(wrong)?;
                self.attribution = Some((event.position, fact));
            }
            _ => {}
        }
        self.said(event, &model, version, fit_pos, what);
        Ok(())
    }
}

#[async_trait]
impl Fold for InsightFold {
    async fn load(&mut self, _: &[Event], _: &mut SqliteConnection) -> Result<(), ApplyError> {
        Ok(())
    }

    fn fold(&mut self, events: &[Event]) -> Result<(), ApplyError> {
        for event in events {
            match &event.fact {
                Fact::ModelFitted(fact) => self.fitted(event, fact)?,
                Fact::ForecastIssued(fact) => {
                    let nothing = [Value::Null, Value::Null];
                    self.said(event, FORECAST, fact.model_version, fact.fit_pos, nothing);
                    self.forecasts.issued(event.position, fact);
                }
                Fact::SalesLost(fact) => {
                    let nothing = [Value::Null, Value::Null];
                    self.said(event, LOST_SALES, fact.model_version, fact.fit_pos, nothing);
                    self.lost.push(event.position, lost::row(fact));
                }
                Fact::ForecastScored(fact) => self.forecasts.scored(event.position, fact),
                _ => self.entries.apply(event),
            }
        }
        Ok(())
    }

    async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        self.entries.write(conn).await?;
        self.forecasts.write(conn).await?;
        self.lost.write(conn).await?;
        let mut models = Rows::new(&marts::MODEL, &self.merchant);
        for (position, values) in std::mem::take(&mut self.models).into_values() {
            models.push(position, values);
        }
        models.write(conn).await?;
        // The entries of the whole batch are there by now; a fit looks only at those up to its position.
        if let Some((position, fitted)) = self.ltv.take() {
            ltv::refresh(&self.merchant, &fitted, position, conn).await?;
        }
        if let Some((position, fitted)) = self.attribution.take() {
            attribution::refresh(&self.merchant, &fitted, position, conn).await?;
        }
        Ok(())
    }
}
