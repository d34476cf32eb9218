//! Calls to channels over HTTPS: one client, TLS by ring, no redirects, responses of at most 1 MiB.

use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use channel::{OutboundRequest, OutboundResponse, TransportFailure};
use engine::Http;

const RESPONSE_MAX: usize = 1024 * 1024;

/// The client.
pub(crate) struct HttpClient(reqwest::Client);

impl HttpClient {
    /// Makes a client. No process-wide TLS provider is installed: other libraries bring their own.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self(builder()?.build().context("the HTTP client cannot be made")?))
    }
    /// Makes a client for servers on this machine, which no proxy stands before.
    pub(crate) fn to_this_machine() -> anyhow::Result<Self> {
        // Shorter than a server keeps an idle connection, so that none is used that it is just closing.
        let builder = builder()?.no_proxy().pool_idle_timeout(Duration::from_secs(5));
        Ok(Self(builder.build().context("the HTTP client cannot be made")?))
    }
}

/// A client that follows no redirects.
pub(crate) fn builder() -> anyhow::Result<reqwest::ClientBuilder> {
    Ok(reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .tls_backend_preconfigured(tls()?))
}

/// TLS by ring, with the certificates of the system.
pub(crate) fn tls() -> anyhow::Result<rustls::ClientConfig> {
    use std::sync::Arc;

    use rustls::client::{WebPkiServerVerifier, danger::ServerCertVerifier};
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (_added, _skipped) = roots.add_parsable_certificates(found.certs);
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .context("TLS versions")?;
    if roots.is_empty() {
        // Without certificates nothing can be trusted: every TLS call fails, calls to loopback still work.
        tracing::warn!("no root certificates were found; calls to channels over TLS will fail");
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    let verifier: Arc<dyn ServerCertVerifier> =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

#[async_trait]
impl Http for HttpClient {
    async fn send(
        &self,
        request: &OutboundRequest,
        timeout: Duration,
    ) -> Result<OutboundResponse, TransportFailure> {
        let method =
            reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|_| TransportFailure::NotSent)?;
        let mut builder = self.0.request(method, &request.url).timeout(timeout);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let response = builder.body(request.body.clone()).send().await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = read(response).await?;
        Ok(OutboundResponse { status, headers, retry_after, body })
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, TransportFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| TransportFailure::NoAnswer)? {
        if body.len() + chunk.len() > RESPONSE_MAX {
            return Err(TransportFailure::NoAnswer);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Only a connection that was never made is certain to have carried nothing.
fn failure(error: &reqwest::Error) -> TransportFailure {
    if error.is_connect() || error.is_builder() {
        TransportFailure::NotSent
    } else {
        TransportFailure::NoAnswer
    }
}
