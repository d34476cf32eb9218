//! Fitting models to what the log holds: forecasts, buyers' worth, what led to orders.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use engine::OperatorCommand;
use events::{Fact, policy::ModelFitted};
use projection_insight::{self as insight, AttributionSettings, Demand, Empty};
use serde::Deserialize;
use vocabulary::{Account, Position, Reason, Sku, StreamId, Timestamp};

use crate::{
    api::{Api, Shared},
    call::{Answer, Write},
    channels::Fresh,
    extract::{Params, Segments},
    problem::{self, Problem},
};

/// The furthest day that is foretold.
const DAYS_MAX: u16 = 56;
/// The longest time, in days, that a touch may lie back.
const WINDOW_DAYS_MAX: u32 = 365;

type Demands = BTreeMap<(Sku, Account), Demand>;

/// A model that can be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Model {
    /// Demand of the coming days; scores the forecasts whose days have come.
    Forecast,
    /// What persons will still be worth.
    Ltv,
    /// Which channels orders are owed to.
    Attribution,
    /// What times without stock cost.
    LostSales,
}

impl Model {
    /// All of them, in the order in which they are fitted.
    pub(crate) const ALL: [Self; 4] = [Self::LostSales, Self::Forecast, Self::Ltv, Self::Attribution];

    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Forecast => "forecast",
            Self::Ltv => "ltv",
            Self::Attribution => "attribution",
            Self::LostSales => "lost_sales",
        }
    }
}

/// How to fit. What is left out is as usual.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fit {
    /// `ltv`: the end of what was seen; the last purchase unless given. `forecast`: an instant of the last day that is
    /// learnt from; the day before the last demand unless given, since that day may not be over.
    #[schema(value_type = Option<String>)]
    until: Option<Timestamp>,
    /// `forecast`: how many days to foretell, 1 to 56; 14 unless given.
    days: Option<u16>,
    /// `attribution`: touches longer than this before an order do not count, 1 to 365; 30 unless given.
    window_days: Option<u32>,
    /// `attribution`: after how many days a touch counts half in the model `decay`, 0.1 to 365; 7 unless given.
    half_life_days: Option<f64>,
}

/// Fits a model to what the read models hold, and records what came of it: `ModelFitted` of `ltv` or `attribution`,
/// which fill `mart_ltv` and `mart_attribution`; a `ForecastIssued` per item and account and a `ForecastScored` per
/// forecast whose day has come; or a `SalesLost` per time without stock that is over. The same position gives the same.
#[utoipa::path(post, path = "/v1/models/{model}/fit", tag = "analysts", request_body = Fit,
    params(("model" = String, Path, description = "forecast, ltv, attribution or lost_sales"), Fresh),
    responses((status = 200, body = Answer)))]
pub(crate) async fn fit(
    State(api): State<Shared>,
    Segments(model): Segments<Model>,
    Params(fresh): Params<Fresh>,
    Write { body, call }: Write<Fit>,
) -> Result<Response, Problem> {
    api.caught_up(fresh.min_pos).await?;
    let facts = facts(&api, model, &body).await?;
    call.perform(&api, OperatorCommand::Record(facts)).await
}

/// What fitting a model finds, to be recorded.
pub(crate) async fn facts(api: &Api, model: Model, how: &Fit) -> Result<Vec<(StreamId, Fact)>, Problem> {
    let at = seen(api).await?;
    match model {
        Model::Forecast => forecast(api, at, how).await,
        Model::Ltv => ltv(api, at, how).await,
        Model::Attribution => attribution(api, at, how).await,
        Model::LostSales => lost_sales(api, at).await,
    }
}

/// How far the read models that are learnt from have all seen the log. What they keep for fitting is asked for up to
/// there, so what comes meanwhile changes nothing.
async fn seen(api: &Api) -> Result<Position, Problem> {
    let checkpoints = api.views().checkpoints(api.merchant()).await?;
    let learnt_from = checkpoints.into_iter().filter(|it| ["insight", "quotas"].contains(&it.name.as_str()));
    Ok(learnt_from.map(|checkpoint| checkpoint.head).min().unwrap_or_default())
}

/// Demand by item and account, with the times without stock as the read model of stock counts them, and the last
/// business day with demand.
async fn demand(api: &Api, at: Position) -> Result<(Demands, Option<i64>), Problem> {
    let (reader, merchant) = (api.views().reader(), api.merchant());
    let (demand, last) = insight::demand(reader, merchant, at).await?;
    let mut times = projection_quotas::stockouts(reader, merchant, at).await?;
    let counted = |(of, demand): ((Sku, Account), Demand)| {
        // An account that never had any of the item is not counted there: what it was refused must do.
        let Some(times) = times.remove(&of) else { return (of, demand) };
        let empty = |time: projection_quotas::StockoutTime| Empty {
            from_secs: time.from_secs,
            to_secs: time.to_secs,
            // As whoever was refused in it is told.
            cause: if time.is_pool { Reason::OutOfStock } else { Reason::QuotaExhausted }.code().to_owned(),
        };
        let demand = demand.with_outages(times.into_iter().map(empty).collect());
        (of, demand)
    };
    Ok((demand.into_iter().map(counted).collect(), last))
}

async fn ltv(api: &Api, at: Position, body: &Fit) -> Result<Vec<(StreamId, Fact)>, Problem> {
    let purchases = purchases(api, at).await?;
    let until = body.until.map(Timestamp::secs);
    let fitted = compute(move || insight::fit_ltv(&purchases, at, until)).await?;
    fact(fitted.map_err(|error| Problem::new(problem::CANNOT_FIT).detail(error.to_string()))?)
}

async fn attribution(api: &Api, at: Position, body: &Fit) -> Result<Vec<(StreamId, Fact)>, Problem> {
    let usual = AttributionSettings::default();
    let window_days = body.window_days.unwrap_or(usual.window_days);
    let half_life_days = body.half_life_days.unwrap_or(usual.half_life_days);
    if !(1..=WINDOW_DAYS_MAX).contains(&window_days) || !(0.1..=365.0).contains(&half_life_days) {
        return Err(Problem::parameter("window_days is 1 to 365, half_life_days 0.1 to 365"));
    }
    let purchases = purchases(api, at).await?;
    let settings = AttributionSettings { window_days, half_life_days };
    fact(insight::fit_attribution(&purchases, at, &settings))
}

async fn purchases(api: &Api, at: Position) -> Result<Vec<insight::Purchase>, Problem> {
    let (reader, merchant) = (api.views().reader(), api.merchant());
    let known = insight::identities(reader, merchant, at).await?;
    Ok(insight::purchases(reader, merchant, at, &known).await?)
}

fn fact(fitted: ModelFitted) -> Result<Vec<(StreamId, Fact)>, Problem> {
    Ok(vec![(stream(&fitted.model)?, fitted.into())])
}

async fn forecast(api: &Api, at: Position, body: &Fit) -> Result<Vec<(StreamId, Fact)>, Problem> {
    let days = body.days.unwrap_or(14);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Problem::parameter(format!("days is 1 to {DAYS_MAX}")));
    }
    let (demand, last) = demand(api, at).await?;
    let given = body.until.map(|at| insight::business_day(at.secs()).0);
    let Some(origin) = given.or(last.map(|day| day - 1)) else { return Ok(Vec::new()) };
    let unscored = insight::unscored(api.views().reader(), api.merchant(), origin).await?;
    let (scored, issued) =
        compute(move || (insight::score(unscored, &demand), insight::issue(&demand, at, origin, days)))
            .await?;
    let stream = stream("forecast")?;
    let facts = scored.into_iter().map(Fact::from).chain(issued.into_iter().map(Fact::from));
    Ok(facts.map(|fact| (stream.clone(), fact)).collect())
}

async fn lost_sales(api: &Api, at: Position) -> Result<Vec<(StreamId, Fact)>, Problem> {
    let (reader, merchant) = (api.views().reader(), api.merchant());
    let (demand, _) = demand(api, at).await?;
    let purchases = purchases(api, at).await?;
    let margins = insight::unit_margins(reader, merchant, at, &purchases).await?;
    let known = insight::assessed(reader, merchant).await?;
    let lost = compute(move || insight::assess(&demand, &margins, &known, at)).await?;
    let stream = stream("lost_sales")?;
    Ok(lost.into_iter().map(|lost| (stream.clone(), lost.into())).collect())
}

fn stream(model: &str) -> Result<StreamId, Problem> {
    let parsed: Result<StreamId, _> = format!("policy-{model}").parse();
    parsed.map_err(|error| Problem::new(problem::INTERNAL).detail(error.to_string()))
}

/// Runs a long calculation beside the requests.
async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a model's calculation failed");
        Problem::new(problem::INTERNAL)
    })
}
