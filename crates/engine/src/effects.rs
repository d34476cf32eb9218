//! Performs intents: calls to channels, with rate limit, bulkhead, circuit breaker and retry with backoff for each
//! account. An intent reaches the runner only once it is durable, and its outcome goes back as a command.
//!
//! The runner may be in another process: a [`worker`], which is handed the calls by the merchant's owner ([`outside`]).

mod breaker;
mod call;
mod job;
mod lane;
mod outside;
mod poll;
mod procure;
mod runner;
mod session;
mod wire;
mod worker;

pub(crate) use job::{
    DeliveryDraft, Found, Heard, Job, JobKey, JobKind, LineDraft, PollJob, PollStep, ProcureDraft, Report,
};
pub(crate) use outside::{Outside, Told};
pub use runner::EffectPolicy;
pub(crate) use runner::{Load, Runner};
pub(crate) use wire::{Answer, Said, Tell, found_in, read, write};
pub use worker::{Owner, Unreached, WorkEnded, WorkerOptions, make_calls};
