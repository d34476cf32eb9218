//! The connection to NATS.

use std::{fmt, path::Path, str::FromStr};

use async_nats::{Client, ConnectOptions, ServerAddr, rustls::ClientConfig};

/// Where NATS is: one address or several of a cluster, separated by commas, such as `nats://10.0.0.5:4222` or
/// `tls://nats.example`. One that holds a name and a password is shown without them.
#[derive(Clone, PartialEq, Eq)]
pub struct Servers(Vec<ServerAddr>);

/// The text is no list of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an address such as nats://127.0.0.1:4222, or several separated by commas")]
pub struct NotServers;

impl FromStr for Servers {
    type Err = NotServers;
    fn from_str(text: &str) -> Result<Self, NotServers> {
        // What the parser says would repeat the text, which may hold a password.
        let address = |text: &str| text.trim().parse::<ServerAddr>().map_err(|_| NotServers);
        let addresses = text.split(',').map(address).collect::<Result<Vec<_>, _>>()?;
        let is_plain = |address: &ServerAddr| !address.is_websocket() && !address.host().is_empty();
        if addresses.iter().all(is_plain) { Ok(Self(addresses)) } else { Err(NotServers) }
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> =
            self.0.iter().map(|address| format!("{}:{}", address.host(), address.port())).collect();
        f.write_str(&shown.join(","))
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why no connection can even be tried.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The file with the credentials cannot be read.
    #[error("NATS credentials cannot be read")]
    Credentials(#[source] std::io::Error),
    /// The connection cannot be set up.
    #[error("connection to NATS cannot be set up")]
    Connect(#[source] async_nats::ConnectError),
}

/// A connection under a name that the server's operators see. It is made in the background, and made again whenever it
/// breaks, for ever: a server that is away now may come. `credentials` is a file as `nsc` writes it; `tls` is used
/// where the address or the server asks for TLS.
pub async fn connect(
    servers: &Servers,
    name: &str,
    credentials: Option<&Path>,
    tls: ClientConfig,
) -> Result<Client, ConnectError> {
    let mut options = ConnectOptions::new();
    if let Some(file) = credentials {
        options = options.credentials_file(file).await.map_err(ConnectError::Credentials)?;
    }
    let options = options.name(name).tls_client_config(tls).retry_on_initial_connect().max_reconnects(None);
    options.connect(&servers.0[..]).await.map_err(ConnectError::Connect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_passwords() {
        let servers: Servers = "nats://kami:s3cret@10.0.0.5:4333, tls://nats.example".parse().unwrap();
        assert_eq!(servers.to_string(), "10.0.0.5:4333,nats.example:4222");
        assert_eq!(format!("{servers:?}"), servers.to_string());
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for text in ["", "http://a", "nats://a:s3cret@", "ws://a", "nats://a,,nats://b", "nats://a:s3cret"] {
            let error = text.parse::<Servers>().unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{text}");
        }
    }
}
