//! Partners who are told of events by signed webhooks. Who is told is in the log; what is due to whom is disposable, and
//! the secrets are in the vault.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, response::Response};
use engine::OperatorCommand;
use events::{
    Fact,
    policy::{SubscriptionEnded, SubscriptionSet},
};
use partners::{Address, EVENT_TYPES, Partners, PartnersError, Subscription, new_secret, secrets_digest};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use vocabulary::{Position, Secret, ShopId, StreamId};

use crate::{
    api::{Api, Shared},
    call::{Answer, Call, Write, json as json_reply},
    channels::{Fresh, Nothing, Why},
    extract::{Body, Params, Segments},
    free_text,
    problem::{self, Problem},
};

/// How long a question waits for what was just written.
const CATCH_UP: Duration = Duration::from_secs(2);
/// Secrets that sign at once: the new one, and the one before it.
const SECRETS_MAX: usize = 2;
/// The most deliveries that are listed.
const LISTED_MAX: u32 = 500;

/// What the routes need of the telling of partners.
#[derive(Clone)]
pub struct Telling {
    partners: Partners,
    allow_private: bool,
    /// One change of secrets at a time: two must not each think theirs the newest.
    changing: Arc<Mutex<()>>,
}

impl Telling {
    /// Over what is due. With `allow_private`, partners may be machines of one's own.
    pub fn new(partners: Partners, allow_private: bool) -> Self {
        Self { partners, allow_private, changing: Arc::default() }
    }
}

impl From<PartnersError> for Problem {
    fn from(error: PartnersError) -> Self {
        Self::internal("reading subscriptions", &error)
    }
}

impl Api {
    fn telling_partners(&self) -> Result<&Telling, Problem> {
        self.telling.as_ref().ok_or_else(|| Problem::new(problem::NOT_FOUND))
    }

    /// A subscription as of the end of the log.
    async fn subscription(&self, name: &ShopId) -> Result<Subscription, Problem> {
        let telling = self.telling_partners()?;
        caught_up(telling, self.log_head().await?.0).await?;
        let found = telling.partners.subscriptions().await?.into_iter().find(|one| one.name == name.as_str());
        found.ok_or_else(|| {
            Problem::new(problem::NOT_FOUND).detail(format!("there is no subscription {name}"))
        })
    }
}

async fn caught_up(telling: &Telling, position: u64) -> Result<(), Problem> {
    let wait = telling.partners.wait_for(Position(position));
    match tokio::time::timeout(CATCH_UP, wait).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Problem::new(problem::BEHIND).detail("subscriptions have not got that far yet")),
    }
}

/// The subscriptions: how many deliveries each took, has yet to take, and how many were put aside; and the types of
/// events that can be wanted.
#[utoipa::path(get, path = "/v1/subscriptions", tag = "partners", params(Fresh),
    responses((status = 200, body = Value)))]
pub(crate) async fn list(
    State(api): State<Shared>,
    Params(fresh): Params<Fresh>,
) -> Result<Json<Value>, Problem> {
    let telling = api.telling_partners()?;
    if let Some(position) = fresh.min_pos {
        caught_up(telling, position).await?;
    }
    let found = telling.partners.subscriptions().await?;
    Ok(Json(json!({ "subscriptions": found, "event_types": EVENT_TYPES })))
}

/// Who is told of what.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Where webhooks go: an https address of the open internet.
    #[schema(example = "https://erp.example/kami")]
    url: String,
    /// The types of events; all where none is named.
    #[serde(default)]
    event_types: Vec<String>,
}

/// Tells a partner of events from now on, or changes where and of what. The answer to the first time holds the `secret`
/// that signs, which is never shown again.
#[utoipa::path(put, path = "/v1/subscriptions/{name}", tag = "partners", request_body = Wanted,
    params(("name" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn set(
    State(api): State<Shared>,
    Segments(name): Segments<ShopId>,
    Write { body, call }: Write<Wanted>,
) -> Result<Response, Problem> {
    let telling = api.telling_partners()?;
    let address = Address::parse(&body.url, telling.allow_private)
        .map_err(|error| Problem::parameter(format!("url: {error}")))?;
    if let Some(unknown) = body.event_types.iter().find(|name| !EVENT_TYPES.contains(&name.as_str())) {
        return Err(Problem::parameter(format!("event_types: there is no {unknown}")));
    }
    let _changing = telling.changing.lock().await;
    if call.was_answered(&api).await? {
        return repeat(call, &api).await;
    }
    let mut secrets = api.engine.vault().subscriber(api.merchant(), &name).await?;
    let mut told = None;
    if secrets.is_empty() {
        secrets.push(fresh_secret()?);
        api.engine.vault().put_subscriber(api.merchant(), &name, &secrets).await?;
        told = secrets.first().map(|secret| secret.expose().clone());
    }
    let url = address.as_str().to_owned();
    record(call, &api, set_fact(&name, url, body.event_types, &secrets), told).await
}

/// Makes a new secret. Until the next time, webhooks are signed by both it and the one before.
#[utoipa::path(post, path = "/v1/subscriptions/{name}/rotate", tag = "partners", request_body = Nothing,
    params(("name" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn rotate(
    State(api): State<Shared>,
    Segments(name): Segments<ShopId>,
    Write { body: Nothing {}, call }: Write<Nothing>,
) -> Result<Response, Problem> {
    let telling = api.telling_partners()?;
    let _changing = telling.changing.lock().await;
    if call.was_answered(&api).await? {
        return repeat(call, &api).await;
    }
    let kept = api.subscription(&name).await?;
    let mut secrets = api.engine.vault().subscriber(api.merchant(), &name).await?;
    secrets.insert(0, fresh_secret()?);
    secrets.truncate(SECRETS_MAX);
    api.engine.vault().put_subscriber(api.merchant(), &name, &secrets).await?;
    let told = secrets.first().map(|secret| secret.expose().clone());
    record(call, &api, set_fact(&name, kept.url, kept.event_types, &secrets), told).await
}

/// Tells a partner of nothing any more. What waits for it is dropped.
#[utoipa::path(delete, path = "/v1/subscriptions/{name}", tag = "partners", request_body = Why,
    params(("name" = String, Path)), responses((status = 200, body = Answer)))]
pub(crate) async fn end(
    State(api): State<Shared>,
    Segments(name): Segments<ShopId>,
    Write { body, call }: Write<Why>,
) -> Result<Response, Problem> {
    free_text::check(&api, "reason", &body.reason).await?;
    let telling = api.telling_partners()?;
    let _changing = telling.changing.lock().await;
    if call.was_answered(&api).await? {
        return repeat(call, &api).await;
    }
    let kept = api.subscription(&name).await?;
    let ended = SubscriptionEnded { subscription: kept.name, reason: body.reason };
    let done = record(call, &api, (name.clone(), ended.into()), None).await?;
    // Whoever subscribes anew gets a new secret.
    api.engine.vault().put_subscriber(api.merchant(), &name, &[]).await?;
    Ok(done)
}

/// Which deliveries.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// `dead` (put aside after the last try; unless given), or `waiting`.
    #[param(value_type = Option<String>)]
    state: Option<Chosen>,
    /// How many, 1 to 500; 100 unless given.
    limit: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Chosen {
    Dead,
    Waiting,
}

/// Deliveries that a partner has not taken, the oldest first: how often each was tried, and what happened.
#[utoipa::path(get, path = "/v1/subscriptions/{name}/deliveries", tag = "partners",
    params(("name" = String, Path), Which), responses((status = 200, body = Value)))]
pub(crate) async fn deliveries(
    State(api): State<Shared>,
    Segments(name): Segments<ShopId>,
    Params(which): Params<Which>,
) -> Result<Json<Value>, Problem> {
    let limit = which.limit.unwrap_or(100);
    if !(1..=LISTED_MAX).contains(&limit) {
        return Err(Problem::parameter(format!("limit is 1 to {LISTED_MAX}")));
    }
    api.subscription(&name).await?;
    let state = match which.state.unwrap_or(Chosen::Dead) {
        Chosen::Dead => partners::State::Dead,
        Chosen::Waiting => partners::State::Waiting,
    };
    let found = api.telling_partners()?.partners.deliveries(name.as_str(), state, limit).await?;
    Ok(Json(json!({ "deliveries": found })))
}

/// Which to send again.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {
    /// The event's position; all that were put aside where not given.
    position: Option<u64>,
}

/// Sends again what was put aside of a subscription: with the same id, so that a partner recognises what it had.
#[utoipa::path(post, path = "/v1/subscriptions/{name}/resend", tag = "partners", request_body = Again,
    params(("name" = String, Path)), responses((status = 200, body = Value)))]
pub(crate) async fn resend_webhooks(
    State(api): State<Shared>,
    Segments(name): Segments<ShopId>,
    Body(body): Body<Again>,
) -> Result<Json<Value>, Problem> {
    api.subscription(&name).await?;
    let partners = &api.telling_partners()?.partners;
    let resent = partners.resend(name.as_str(), body.position.map(Position)).await?;
    Ok(Json(json!({ "resent": resent })))
}

fn fresh_secret() -> Result<Secret<String>, Problem> {
    new_secret().ok_or_else(|| {
        tracing::error!("the system has no random numbers");
        Problem::new(problem::INTERNAL)
    })
}

fn set_fact(
    name: &ShopId,
    url: String,
    event_types: Vec<String>,
    secrets: &[Secret<String>],
) -> (ShopId, Fact) {
    let secrets_digest = secrets_digest(secrets);
    let fact = SubscriptionSet { subscription: name.to_string(), url, event_types, secrets_digest };
    (name.clone(), fact.into())
}

/// The stored answer to a repeat: nothing is changed by it, least of all a secret.
async fn repeat(call: Call, api: &Api) -> Result<Response, Problem> {
    call.keep_answer(api, OperatorCommand::Record(Vec::new()), json_reply(&())).await
}

/// Records a fact of a subscription, and answers with a secret where there is a new one.
async fn record(
    call: Call,
    api: &Api,
    (name, fact): (ShopId, Fact),
    secret: Option<String>,
) -> Result<Response, Problem> {
    let stream: Result<StreamId, _> = format!("policy-subscription-{name}").parse();
    let stream = stream.map_err(|error| Problem::internal("naming a subscription's stream", &error))?;
    let command = OperatorCommand::Record(vec![(stream, fact)]);
    call.perform_unkept(api, command, move |answer, _| {
        let answer = Answer::from(answer);
        json_reply(&json!({ "first_pos": answer.first_pos, "last_pos": answer.last_pos, "secret": secret }))
    })
    .await
}
