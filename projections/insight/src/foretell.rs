//! Issuing forecasts and scoring those whose days have come.

use std::collections::BTreeMap;

use events::policy::{ForecastDay, ForecastIssued, ForecastScored};
use models::forecast::{Forecaster, NINETY, mean_pinball};
use sqlx::{Row, SqliteExecutor};
use vocabulary::{Account, MerchantId, Position, Sku};

use crate::{
    demand::{Demand, calendar, date, number},
    fit::VERSION,
    history::damaged,
};

/// Forecasts of the days after `origin` (days since 1970 in the business zone), of every item and account that has
/// demand in whole weeks up to it.
pub fn issue(
    demand: &BTreeMap<(Sku, Account), Demand>,
    at: Position,
    origin: i64,
    days: u16,
) -> Vec<ForecastIssued> {
    let ahead: Vec<i64> = (1..=i64::from(days)).map(|day| origin + day).collect();
    let calendars: Vec<_> = ahead.iter().map(|day| calendar(*day)).collect();
    let forecast = |((sku, account), demand): (&(Sku, Account), &Demand)| {
        // Too little to learn from is no mistake: the item is new there.
        let model = Forecaster::fit(&demand.days(origin)).ok()?;
        let day = |(day, forecast): (&i64, models::forecast::DayForecast)| ForecastDay {
            day: date(*day),
            mean: forecast.mean,
            quantiles: forecast.quantiles,
        };
        Some(ForecastIssued {
            sku: sku.clone(),
            account: account.clone(),
            origin: date(origin),
            model_version: VERSION,
            fit_pos: at,
            censored_hours: model.censored_hours(),
            days: ahead.iter().zip(model.days(&calendars)).map(day).collect(),
        })
    };
    demand.iter().filter_map(forecast).collect()
}

/// A forecast of a day that was not held against what came.
#[derive(Debug, Clone, PartialEq)]
pub struct Unscored {
    sku: Sku,
    account: Account,
    origin: String,
    date: String,
    quantiles: [f64; 6],
}

/// The forecasts of days up to `last` (days since 1970) that were not scored.
pub async fn unscored(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    last: i64,
) -> Result<Vec<Unscored>, sqlx::Error> {
    let sql =
        "SELECT sku, channel, origin_date, forecast_date, q10, q25, q50, q75, q90, q95 FROM fct_forecast
               WHERE merchant = ?1 AND forecast_date <= ?2 AND actual IS NULL ORDER BY 1, 2, 3, 4";
    let rows = sqlx::query(sql).bind(merchant.as_str()).bind(date(last)).fetch_all(db).await?;
    let one = |row: sqlx::sqlite::SqliteRow| {
        let mut quantiles = [0.0; 6];
        for (place, quantile) in quantiles.iter_mut().enumerate() {
            *quantile = row.try_get(4 + place)?;
        }
        Ok(Unscored {
            sku: row.try_get::<&str, _>(0)?.parse().map_err(damaged)?,
            account: row.try_get::<&str, _>(1)?.parse().map_err(damaged)?,
            origin: row.try_get(2)?,
            date: row.try_get(3)?,
            quantiles,
        })
    };
    rows.into_iter().map(one).collect()
}

/// Holds forecasts against demand. A day that was not wholly in stock says nothing and is never scored.
pub fn score(forecasts: Vec<Unscored>, demand: &BTreeMap<(Sku, Account), Demand>) -> Vec<ForecastScored> {
    let none = Demand::default();
    let scored = |forecast: Unscored| {
        let Unscored { sku, account, origin, date: day, quantiles } = forecast;
        let came = demand.get(&(sku.clone(), account.clone())).unwrap_or(&none).day(number(&day)?);
        if came.hours.iter().any(Option::is_none) {
            return None;
        }
        let actual = came.demand();
        let pinball = mean_pinball(&quantiles, actual);
        Some(ForecastScored {
            sku,
            account,
            origin,
            day,
            actual,
            pinball,
            covered: actual <= quantiles[NINETY],
        })
    };
    forecasts.into_iter().filter_map(scored).collect()
}
