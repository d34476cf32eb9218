//! Performs intents: calls to channels, with rate limit, bulkhead, circuit breaker and retry with backoff for each
//! account. An intent reaches the runner only once it is durable, and its outcome goes back as a command.

mod breaker;
mod call;
mod job;
mod lane;
mod poll;
mod procure;
mod runner;

pub(crate) use job::{
    DeliveryDraft, Found, Job, JobKey, JobKind, LineDraft, PollJob, PollStep, ProcureDraft, Report,
};
pub use runner::EffectPolicy;
pub(crate) use runner::{Load, Runner};
