//! Putting card keys on stock from a file of any size, in flat memory.
//!
//! The file is read bit by bit and handed to the engine in chunks. Each chunk is durable before the next; a caller
//! who hangs up leaves whole chunks behind, and sending the file again adds what is missing and reports the rest as
//! duplicates. No key is ever repeated in an answer.

use axum::{
    body::Body,
    extract::{Request, State},
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use engine::{ImportBatch, OperatorCommand};
use events::{Actor, sku::SkuDefined};
use futures::StreamExt;
use ring::digest;
use serde::{Deserialize, Serialize};
use tokio::{sync::mpsc, task::JoinHandle};
use vault::{
    KeyVerdict,
    key_file::{Format, KeyFileParser, LineError, LineVerdict},
};
use vocabulary::{BatchId, CardKey, Currency, KeyRef, Money, Position, Sku, Timestamp};

use crate::{
    api::{Api, Shared},
    call::{Call, json},
    catalog::defined,
    extract::{Params, Segments},
    problem::{self, Problem},
};

/// Keys that are sealed and recorded together.
const CHUNK: usize = 2_000;
/// Bytes that are parsed at once: a network frame may be larger.
const BITE: usize = 64 * 1024;
/// Lines that are named in the answer, of each sort.
const NAMED: usize = 1_000;

/// What is known of the batch.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct About {
    /// Who supplied the keys.
    supplier: Option<String>,
    /// What one key cost, in minor units; needs `currency`.
    unit_cost_minor: Option<i64>,
    /// The currency of the cost.
    #[param(value_type = Option<String>)]
    currency: Option<Currency>,
    /// Not to be sold from then on (RFC 3339).
    #[param(value_type = Option<String>)]
    sell_until: Option<Timestamp>,
}

/// A line that holds no key.
#[derive(Serialize, utoipa::ToSchema)]
struct RejectedLine {
    line: u64,
    code: &'static str,
}

/// A line whose key was there already.
#[derive(Serialize, utoipa::ToSchema)]
struct DuplicateLine {
    line: u64,
    /// The key it repeats.
    #[schema(value_type = String)]
    of: KeyRef,
}

/// What became of the file.
#[derive(Default, Serialize, utoipa::ToSchema)]
pub(crate) struct Summary {
    /// The batch that was begun; none where the file held no key.
    #[schema(value_type = Option<u32>)]
    batch: Option<BatchId>,
    /// Lines of the file.
    lines: u64,
    /// Keys put on stock.
    stored: u32,
    /// Keys that were there already; nothing was done about them.
    duplicates: u64,
    /// Lines that hold no key, blank ones not counted.
    rejected_count: u64,
    /// The first 1000 of those.
    rejected: Vec<RejectedLine>,
    /// The first 1000 duplicates.
    duplicate_lines: Vec<DuplicateLine>,
    /// The position of the log after the import, for `min_pos`.
    #[schema(value_type = u64)]
    last_pos: Position,
}

/// Imports card keys: `text/plain` (one key per line, pairs with white space or a comma between), `text/csv` (with a
/// header of code, pin, expires_on) or `application/x-ndjson` (objects of the same). Streams of any length.
#[utoipa::path(post, path = "/v1/skus/{sku}/keys", tag = "catalogue", params(("sku" = String, Path), About),
    request_body(content((String = "text/plain"), (String = "text/csv"), (String = "application/x-ndjson"))),
    responses((status = 200, body = Summary)))]
pub(crate) async fn keys(
    State(api): State<Shared>,
    Segments(sku): Segments<Sku>,
    Params(about): Params<About>,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let call = match Call::without_body(&mut parts, &api).await {
        Ok(call) => call,
        Err(refused) => return refused,
    };
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(format) = content_type.and_then(Format::from_content_type) else {
        let problem = Problem::new(problem::UNSUPPORTED_TYPE);
        return problem.detail("send text/plain, text/csv or application/x-ndjson").into_response();
    };
    import(&api, call, sku, about, format, body).await.unwrap_or_else(IntoResponse::into_response)
}

async fn import(
    api: &Shared,
    mut call: Call,
    sku: Sku,
    about: About,
    format: Format,
    body: Body,
) -> Result<Response, Problem> {
    let sku = defined(api, &sku).await?;
    let fulfilled = OperatorCommand::DefineSku(sku.clone());
    let batch = about.batch(&sku)?;
    let mut file = File::new(api, body);
    if call.was_answered(api).await? {
        while file.next().await?.is_some() {}
        call.keep_digest(&file.digest());
        return call.keep_answer(api, fulfilled, json(&())).await;
    }
    let mut summary = Summary::default();
    let parser = KeyFileParser::new(format, sku.key_kind);
    let (chunks, worker) = Worker::start(api, call.operator().actor(), batch, sku.family);
    let read = feed(&mut file, parser, chunks, &mut summary).await;
    let worked = worker.await.map_err(|error| Problem::internal("importing keys", &error))?;
    // What kept the worker from going on is why the file was not read to its end.
    let tally = worked.and_then(|tally| read.map(|()| tally))?;
    summary.batch = tally.batch;
    summary.stored = tally.stored;
    summary.duplicates = tally.duplicates;
    summary.duplicate_lines = tally.named;
    let head = api.engine.log().head(api.merchant()).await?;
    summary.last_pos = head.map(|head| head.position).unwrap_or_default();
    call.keep_digest(&file.digest());
    call.keep_answer(api, fulfilled, json(&summary)).await
}

impl About {
    fn batch(self, sku: &SkuDefined) -> Result<ImportBatch, Problem> {
        let unit_cost = match (self.unit_cost_minor, self.currency) {
            (Some(minor), Some(currency)) => Some(Money::new(minor, currency)),
            (None, None) => None,
            _ => return Err(Problem::parameter("unit_cost_minor and currency go together")),
        };
        let fits = |name: &String| name.chars().count() <= 200 && !name.chars().any(char::is_control);
        if !self.supplier.as_ref().is_none_or(fits) {
            return Err(Problem::parameter(
                "supplier has at most 200 characters, none of them a control character",
            ));
        }
        let (supplier, sell_until) = (self.supplier, self.sell_until);
        Ok(ImportBatch { sku: sku.sku.clone(), supplier, unit_cost, sell_until })
    }
}

/// The file as it arrives: bounded in size and silence, and digested.
struct File<'a> {
    frames: axum::body::BodyDataStream,
    api: &'a Api,
    read: u64,
    digest: digest::Context,
}

impl<'a> File<'a> {
    fn new(api: &'a Api, body: Body) -> Self {
        Self { frames: body.into_data_stream(), api, read: 0, digest: digest::Context::new(&digest::SHA256) }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let limits = &self.api.options.limits;
        let interrupted = || {
            Problem::new(problem::INTERRUPTED).detail("keys that were read are on stock; send the file again")
        };
        let frame =
            tokio::time::timeout(limits.timeout, self.frames.next()).await.map_err(|_| interrupted())?;
        let Some(frame) = frame.transpose().map_err(|_| interrupted())? else { return Ok(None) };
        self.read += frame.len() as u64;
        if self.read > limits.import_bytes {
            let most = limits.import_bytes;
            return Err(
                Problem::new(problem::TOO_LARGE).detail(format!("at most {most} bytes; split the file"))
            );
        }
        self.digest.update(&frame);
        Ok(Some(frame))
    }

    fn digest(&self) -> digest::Digest {
        self.digest.clone().finish()
    }
}

/// A key and the line it stood on.
type Line = (u64, CardKey);

/// Parses the file and hands its keys on, chunk by chunk. Ends early when the worker has ended.
async fn feed(
    file: &mut File<'_>,
    mut parser: KeyFileParser,
    chunks: mpsc::Sender<Vec<Line>>,
    summary: &mut Summary,
) -> Result<(), Problem> {
    let mut chunk = Vec::with_capacity(CHUNK);
    while let Some(frame) = file.next().await? {
        for bite in frame.chunks(BITE) {
            for verdict in parser.feed(bite) {
                chunk.extend(summary.line(verdict));
                if chunk.len() == CHUNK && chunks.send(std::mem::take(&mut chunk)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
    chunk.extend(parser.finish().into_iter().filter_map(|verdict| summary.line(verdict)));
    if !chunk.is_empty() {
        // A worker that has ended says itself why.
        let _ended = chunks.send(chunk).await;
    }
    Ok(())
}

impl Summary {
    fn line(&mut self, LineVerdict { line, verdict }: LineVerdict) -> Option<Line> {
        self.lines = self.lines.max(line);
        match verdict {
            Ok(key) => Some((line, key)),
            Err(LineError::Blank) => None,
            Err(error) => {
                self.rejected_count += 1;
                if self.rejected.len() < NAMED {
                    self.rejected.push(RejectedLine { line, code: error.code() });
                }
                None
            }
        }
    }
}

/// What the worker did.
#[derive(Default)]
struct Tally {
    batch: Option<BatchId>,
    stored: u32,
    duplicates: u64,
    named: Vec<DuplicateLine>,
}

/// Puts chunks on stock. Runs by itself, because a chunk that was begun must be finished: keys that were sealed
/// without being recorded could be imported by nobody.
struct Worker;

impl Worker {
    fn start(
        api: &Shared,
        actor: Actor,
        batch: ImportBatch,
        family: String,
    ) -> (mpsc::Sender<Vec<Line>>, JoinHandle<Result<Tally, Problem>>) {
        let (sender, mut chunks) = mpsc::channel::<Vec<Line>>(1);
        let engine = api.engine.clone();
        let worker = tokio::spawn(async move {
            let mut tally = Tally::default();
            let Some(first) = chunks.recv().await else { return Ok(tally) };
            let mut import = engine.begin_import(actor, batch, family).await?;
            tally.batch = Some(import.batch);
            let mut next = Some(first);
            while let Some(chunk) = next {
                let (lines, keys): (Vec<u64>, Vec<CardKey>) = chunk.into_iter().unzip();
                let verdicts = engine.import_chunk(&mut import, &keys).await?;
                for (line, verdict) in lines.into_iter().zip(verdicts) {
                    if let (KeyVerdict::Duplicate { of_batch, of_index }, true) =
                        (verdict, tally.named.len() < NAMED)
                    {
                        let of = KeyRef { batch: of_batch, index: of_index, use_no: 0 };
                        tally.named.push(DuplicateLine { line, of });
                    }
                }
                next = chunks.recv().await;
            }
            tally.stored = import.stored;
            tally.duplicates = import.duplicates;
            Ok(tally)
        });
        (sender, worker)
    }
}
