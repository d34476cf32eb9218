//! Forecasts and what became of them.

use events::policy::{ForecastIssued, ForecastScored};
use projection::{ApplyError, Rows, Value};
use sqlx::SqliteConnection;
use vocabulary::{MerchantId, Position};

use crate::marts;

const SCORE: &str = "
UPDATE fct_forecast SET actual = ?6, pinball = ?7, is_covered = ?8, last_pos = ?9
WHERE merchant = ?1 AND sku = ?2 AND channel = ?3 AND origin_date = ?4 AND forecast_date = ?5";

/// What happened to forecasts in a batch, in its order: a score counts for the forecast issued before it.
pub(crate) struct Forecasts {
    merchant: MerchantId,
    rows: Rows,
    steps: Vec<(Position, Step)>,
}

enum Step {
    Issued(ForecastIssued),
    Scored(ForecastScored),
}

impl Forecasts {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        Self { merchant: merchant.clone(), rows: Rows::new(&marts::FORECAST, merchant), steps: Vec::new() }
    }
    pub(crate) fn issued(&mut self, position: Position, fact: &ForecastIssued) {
        self.steps.push((position, Step::Issued(fact.clone())));
    }
    pub(crate) fn scored(&mut self, position: Position, fact: &ForecastScored) {
        self.steps.push((position, Step::Scored(fact.clone())));
    }

    pub(crate) async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        for (position, step) in std::mem::take(&mut self.steps) {
            match step {
                Step::Issued(fact) => self.push(position, &fact),
                Step::Scored(fact) => {
                    self.rows.write(conn).await?;
                    self.score(position, &fact, conn).await?;
                }
            }
        }
        self.rows.write(conn).await
    }

    fn push(&mut self, position: Position, fact: &ForecastIssued) {
        for (day, horizon) in fact.days.iter().zip(1_u32..) {
            let [q10, q25, q50, q75, q90, q95] = day.quantiles.map(Value::from);
            let values = [
                fact.sku.as_str().into(),
                fact.account.as_str().into(),
                fact.origin.as_str().into(),
                horizon.into(),
                day.day.as_str().into(),
                day.mean.into(),
                q10,
                q25,
                q50,
                q75,
                q90,
                q95,
                Value::Null,
                Value::Null,
                Value::Null,
                fact.model_version.into(),
                fact.censored_hours.into(),
                fact.fit_pos.into(),
            ];
            self.rows.push(position, values);
        }
    }

    async fn score(
        &self,
        position: Position,
        fact: &ForecastScored,
        conn: &mut SqliteConnection,
    ) -> Result<(), ApplyError> {
        sqlx::query(SCORE)
            .bind(self.merchant.as_str())
            .bind(fact.sku.as_str())
            .bind(fact.account.as_str())
            .bind(&fact.origin)
            .bind(&fact.day)
            .bind(fact.actual)
            .bind(fact.pinball)
            .bind(fact.covered)
            .bind(crate::history::bound(position))
            .execute(conn)
            .await?;
        Ok(())
    }
}
