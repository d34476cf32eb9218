//! Fitting models to what the log holds: forecasts, buyers' worth, what led to orders.

use axum::{extract::State, response::Response};
use engine::OperatorCommand;
use events::{Fact, policy::ModelFitted};
use projection_insight::{self as insight, AttributionSettings};
use serde::Deserialize;
use vocabulary::{Position, StreamId, Timestamp};

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

/// How to fit. What is left out is as usual.
#[derive(Deserialize, utoipa::ToSchema)]
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
    let at = seen(&api).await?;
    let facts = match model {
        Model::Forecast => forecast(&api, at, &body).await?,
        Model::Ltv => ltv(&api, at, &body).await?,
        Model::Attribution => attribution(&api, at, &body).await?,
        Model::LostSales => lost_sales(&api, at).await?,
    };
    call.perform(&api, OperatorCommand::Record(facts)).await
}

/// How far the read model has seen the log. What it keeps for fitting is asked for up to there, so what comes
/// meanwhile changes nothing.
async fn seen(api: &Api) -> Result<Position, Problem> {
    let checkpoints = api.views().checkpoints(api.merchant()).await?;
    let insight = checkpoints.into_iter().find(|checkpoint| checkpoint.name == "insight");
    Ok(insight.map(|checkpoint| checkpoint.head).unwrap_or_default())
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
    let (demand, last) = insight::demand(api.views().reader(), api.merchant(), at).await?;
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
    let (demand, _) = insight::demand(reader, merchant, at).await?;
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
