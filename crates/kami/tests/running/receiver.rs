//! A partner's machine that takes webhooks, or does not.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use axum::{Router, http::HeaderMap, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tokio::sync::watch;

/// What a partner got.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) id: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn event_type(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    /// The headers that are signed with, as JSON.
    pub(crate) fn signed(&self) -> Value {
        let header = |name: &str| self.headers[name].to_str().unwrap().to_owned();
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        names
            .iter()
            .map(|name| ((*name).to_owned(), json!(header(name))))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

/// A machine on a free port.
pub(crate) struct Receiver {
    pub(crate) url: String,
    status: Arc<AtomicU16>,
    all: Arc<Mutex<Vec<Got>>>,
    count: watch::Receiver<usize>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (status, all) = (Arc::new(AtomicU16::new(204)), Arc::<Mutex<Vec<Got>>>::default());
        let (told, count) = watch::channel(0);
        let (answer, keep) = (status.clone(), all.clone());
        let take = move |headers: HeaderMap, body: String| async move {
            let status = StatusCode::from_u16(answer.load(Ordering::SeqCst)).unwrap();
            if status.is_success() {
                let id = headers["webhook-id"].to_str().unwrap().to_owned();
                keep.lock().unwrap().push(Got { id, headers, body });
            }
            told.send_modify(|count| *count += 1);
            status
        };
        let router = Router::new().route("/hook", post(take));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, status, all, count, task }
    }

    /// From now on it answers so; what it does not take it does not keep.
    pub(crate) fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What it took so far, each message once: a repeat is recognised by its id.
    pub(crate) fn taken(&self) -> Vec<Got> {
        let mut known = std::collections::HashSet::new();
        self.all.lock().unwrap().iter().filter(|got| known.insert(got.id.clone())).cloned().collect()
    }

    /// Waits until it was called so often, whatever it answered.
    pub(crate) async fn called(&mut self, times: usize) {
        self.count.wait_for(|count| *count >= times).await.unwrap();
    }

    /// Waits until it took so many messages.
    pub(crate) async fn took(&mut self, messages: usize) -> Vec<Got> {
        loop {
            let now = *self.count.borrow_and_update();
            let taken = self.taken();
            if taken.len() >= messages {
                return taken;
            }
            self.count.wait_for(|count| *count > now).await.unwrap();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}
