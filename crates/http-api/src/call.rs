//! A token holder's wish on its way to the engine, and the answer on its way back.
//!
//! With an `Idempotency-Key` the answer is kept with the request: a repeat gets the same bytes for ever, the same
//! key with another request is a conflict.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, request::Parts},
    response::Response,
};
use channel::{RawRequest, Reply};
use engine::{OperatorAnswer, OperatorCall, OperatorCommand, OperatorRender};
use ring::digest;
use serde::{Serialize, de::DeserializeOwned};
use vault::SubjectPut;
use vocabulary::{BatchId, CardKey, OrderId, Position};

use crate::{
    api::{Api, Shared},
    auth::Operator,
    extract::{parse, read},
    past_orders::TakenOver,
    problem::{Problem, respond},
};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const KEY_BYTES_MAX: usize = 128;

/// What a wish led to.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Answer {
    /// The first event; none where the wish was fulfilled already.
    #[schema(value_type = Option<u64>)]
    pub(crate) first_pos: Option<Position>,
    /// The last event. Ask read models with `min_pos` of this to see it in them.
    #[schema(value_type = Option<u64>)]
    pub(crate) last_pos: Option<Position>,
    /// The order concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) order: Option<OrderId>,
    /// The batch that was begun, or is kept free for a purchase.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub(crate) batch: Option<BatchId>,
    /// Our number of the purchase that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) procurement: Option<String>,
}

impl From<&OperatorAnswer> for Answer {
    fn from(answer: &OperatorAnswer) -> Self {
        let (first_pos, last_pos) = answer.positions.unzip();
        let procurement = answer.procurement.clone();
        Self { first_pos, last_pos, order: answer.order, batch: answer.batch, procurement }
    }
}

/// Who wishes, and the request as it is kept.
pub(crate) struct Call {
    operator: Operator,
    key: Option<String>,
    request: RawRequest,
}

impl Call {
    /// A call without its body, for requests that are read bit by bit or whose body must not be kept.
    pub(crate) async fn without_body(parts: &mut Parts, api: &Api) -> Result<Self, Response> {
        let operator = Operator::from_request_parts(parts, &()).await?;
        let problem = |problem| axum::response::IntoResponse::into_response(problem);
        let key = idempotency_key(&parts.headers).map_err(problem)?;
        let content_type = parts.headers.get(axum::http::header::CONTENT_TYPE);
        let request = RawRequest {
            method: parts.method.to_string(),
            topic: parts.uri.path().trim_start_matches('/').to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: content_type
                .map(|v| ("content-type".to_owned(), v.as_bytes().to_vec()))
                .into_iter()
                .collect(),
            body: Vec::new(),
            received_at: api.engine.now(),
        };
        Ok(Self { operator, key, request })
    }

    pub(crate) fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Keeps a digest in place of the body, which holds secrets or is too large to keep. Repeats are told by it.
    pub(crate) fn keep_digest(&mut self, digest: &digest::Digest) {
        self.request.body = format!("sha256:{}", hex::encode(digest)).into_bytes();
    }

    /// Keeps a digest in place of the body it has.
    pub(crate) fn forget_body(&mut self) {
        self.keep_digest(&digest::digest(&digest::SHA256, &self.request.body));
    }

    /// Keeps neither request nor answer unless the caller asks for repeats to be recognised: for answers with keys.
    pub(crate) async fn perform_unkept<R>(
        self,
        api: &Api,
        command: OperatorCommand,
        render: R,
    ) -> Result<Response, Problem>
    where
        R: FnOnce(&OperatorAnswer, Vec<CardKey>) -> Reply + Send + 'static,
    {
        let kept = self.key.is_some();
        self.send(api, command, kept, render).await
    }

    /// Has a wish fulfilled and answers with what it led to. The request is kept in the inbox.
    pub(crate) async fn perform(self, api: &Api, command: OperatorCommand) -> Result<Response, Problem> {
        self.send(api, command, true, |answer, _| json(&Answer::from(answer))).await
    }

    async fn send<R>(
        self,
        api: &Api,
        command: OperatorCommand,
        kept: bool,
        render: R,
    ) -> Result<Response, Problem>
    where
        R: FnOnce(&OperatorAnswer, Vec<CardKey>) -> Reply + Send + 'static,
    {
        Ok(respond(api.engine.call(self.into_engines(command, kept), rendered(render)).await?))
    }

    /// Has orders taken over, and answers with what came of them. `people` are their buyers.
    pub(crate) async fn take_over(
        self,
        api: &Api,
        command: OperatorCommand,
        people: Vec<SubjectPut>,
    ) -> Result<Response, Problem> {
        let render = rendered(|answer, _| json(&TakenOver::from(answer)));
        Ok(respond(api.engine.take_over(self.into_engines(command, true), people, render).await?))
    }

    fn into_engines(self, command: OperatorCommand, kept: bool) -> OperatorCall {
        let Self { operator, key, request } = self;
        let request = kept.then_some(request);
        OperatorCall { actor: operator.actor(), command, idempotency_key: key, request }
    }

    /// Whether a request with this key was answered before. Its stored answer comes from [`Call::keep_answer`].
    pub(crate) async fn was_answered(&self, api: &Api) -> Result<bool, Problem> {
        let (Some(key), Some(account)) = (&self.key, self.operator.account()) else { return Ok(false) };
        let kept = api.engine.log().find_inbox(api.merchant(), &[format!("{account}:{key}")]).await?;
        Ok(!kept.is_empty())
    }

    /// Ends a request that was fulfilled by other calls of the engine: keeps `answer` under the caller's key, or
    /// gives back the answer that is kept there. `fulfilled` must be a wish that is fulfilled already.
    pub(crate) async fn keep_answer(
        self,
        api: &Api,
        fulfilled: OperatorCommand,
        answer: Reply,
    ) -> Result<Response, Problem> {
        if self.key.is_none() {
            return Ok(respond(answer));
        }
        self.send(api, fulfilled, true, move |_, _| answer).await
    }
}

/// An answer's reply, or that of a "no".
fn rendered<R>(render: R) -> OperatorRender
where
    R: FnOnce(&OperatorAnswer, Vec<CardKey>) -> Reply + Send + 'static,
{
    Box::new(move |result, keys| match result {
        Ok(answer) => render(answer, keys),
        Err(rejection) => Problem::from(rejection.clone()).into_reply(),
    })
}

/// A JSON reply.
pub(crate) fn json(body: &impl Serialize) -> Reply {
    match serde_json::to_string(body) {
        Ok(text) => Reply::json(200, text),
        Err(error) => Problem::from(error).into_reply(),
    }
}

/// The caller's key: 1 to 128 visible ASCII characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bytes = value.as_bytes();
    let fits = (1..=KEY_BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if fits && values.next().is_none() => Ok(Some(key.to_owned())),
        _ => Err(Problem::parameter("Idempotency-Key is one value of 1 to 128 visible ASCII characters")),
    }
}

/// A wish with a JSON body.
pub(crate) struct Write<T> {
    pub(crate) body: T,
    pub(crate) call: Call,
}

impl<T: DeserializeOwned> FromRequest<Shared> for Write<T> {
    type Rejection = Response;

    async fn from_request(request: Request, api: &Shared) -> Result<Self, Response> {
        let problem = |problem: Problem| axum::response::IntoResponse::into_response(problem);
        let (mut parts, body) = request.into_parts();
        let mut call = Call::without_body(&mut parts, api).await?;
        let bytes = read(body, api.options.limits.body_bytes).await.map_err(problem)?;
        let body = parse(&parts.headers, &bytes).map_err(problem)?;
        call.request.body = bytes.to_vec();
        Ok(Self { body, call })
    }
}
