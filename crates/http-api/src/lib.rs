//! The HTTP surface: calls from channels, the operators' API, read models, a stream of events, and the server.
//!
//! [`router`] makes the routes of one merchant's [`Api`]; [`serve`] serves them with bounds on headers, connections
//! and shutdown. A reply to a channel is the adapter's own, verbatim; everything else speaks JSON and answers errors
//! as problem details (RFC 9457) with a stable code from [`error_catalogue`].
//!
//! This crate alone knows status codes. It decides nothing: wishes go to the engine, questions to the log, the vault
//! and the read models. It never logs a body, a query string or an `Authorization` header.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # async fn example(engine: Arc<engine::Engine>, projections: Arc<projection::Projections>) -> std::io::Result<()> {
//! use http_api::{Api, ApiOptions, router, serve};
//! let api = Api::new(engine, projections, ApiOptions::default());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! serve(listener, router(api), std::future::pending()).await
//! # }
//! ```
#![warn(missing_docs)]

mod api;
mod as_of;
mod auth;
mod batches;
mod buyers;
mod call;
mod catalog;
mod cells;
mod channels;
mod claim;
mod edge;
mod event;
mod event_view;
mod explain;
mod export;
mod extract;
mod find;
mod free_text;
mod health;
mod import;
mod imported;
mod inbound;
mod inbox;
mod journeys;
mod models;
mod nightly;
mod openapi;
mod orders;
mod past_orders;
pub mod placed;
mod problem;
mod procure;
mod projections;
mod reveals;
mod serve;
mod sheet;
mod sql;
mod staff;
mod stream;
mod subscriptions;
mod table;
mod terms;
mod views;

pub use api::{Api, ApiOptions, Limits};
pub use claim::Peer;
pub use imported::{ImportError, import_history};
pub use nightly::{NightlyError, NightlyFit, count_messages, fit_nightly, next_nightly};
pub use openapi::{openapi, router};
pub use problem::error_catalogue;
pub use serve::{ServeOptions, serve, serve_with};
pub use subscriptions::Telling;
