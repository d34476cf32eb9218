//! Events into rows.

use async_trait::async_trait;
use events::{Fact, policy::ModelFitted};
use projection::{ApplyError, Event, Fold, Rows};
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

/// The fold keeps nothing between batches: all that it goes on from lies in its tables.
pub(crate) struct InsightFold {
    merchant: MerchantId,
    entries: Entries,
    forecasts: Forecasts,
    lost: Rows,
    /// The newest fit of each model in the batch; an earlier one would be replaced at once.
    ltv: Option<(Position, ModelFitted)>,
    attribution: Option<(Position, ModelFitted)>,
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
        }
    }

    fn fitted(&mut self, event: &Event, fact: &ModelFitted) -> Result<(), ApplyError> {
        let wrong = |why| ApplyError::event(event.position, why);
        // A model cannot have seen what was recorded after it.
        let mut fact = fact.clone();
        fact.fit_pos = fact.fit_pos.min(event.position);
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
                Fact::ForecastIssued(fact) => self.forecasts.issued(event.position, fact),
                Fact::SalesLost(fact) => self.lost.push(event.position, lost::row(fact)),
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
