//! A client for this machine: plain http, no certificates.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use channel::{OutboundRequest, OutboundResponse, TransportFailure};
use engine::Http;

pub(crate) fn client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let redirects = reqwest::redirect::Policy::none();
    reqwest::Client::builder().redirect(redirects).tls_backend_preconfigured(tls).build().unwrap()
}

/// How the engine calls channels in these tests.
pub(crate) struct Loopback(pub(crate) reqwest::Client);

#[async_trait]
impl Http for Loopback {
    async fn send(
        &self,
        request: &OutboundRequest,
        timeout: Duration,
    ) -> Result<OutboundResponse, TransportFailure> {
        let method = request.method.parse().unwrap();
        let mut builder = self.0.request(method, &request.url).timeout(timeout).body(request.body.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let response = builder.send().await.map_err(|error| {
            if error.is_connect() { TransportFailure::NotSent } else { TransportFailure::NoAnswer }
        })?;
        let status = response.status().as_u16();
        let retry_after =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = response.bytes().await.map_err(|_| TransportFailure::NoAnswer)?.to_vec();
        Ok(OutboundResponse { status, headers, retry_after, body })
    }
}
