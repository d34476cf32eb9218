//! The interfaces: the paths behind the shop's address.

use channel::RawRequest;

/// Where the protocol lives, in both directions.
pub(crate) const BASE: &str = "/api/v1/upstream";
/// The path that callbacks are signed for, whatever address they go to.
pub(crate) const CALLBACK: &str = "/api/v1/upstream/callback";

/// The interface that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Topic {
    Ping,
    Categories,
    Products,
    Product(String),
    Create,
    Order(String),
    Cancel(String),
    /// The other direction: a shop that we buy from reports.
    Callback,
    Unknown,
}

impl Topic {
    pub(crate) fn of(request: &RawRequest) -> Self {
        let path = path(request);
        let Some(rest) = path.strip_prefix(BASE) else { return Self::Unknown };
        let parts: Vec<&str> = rest.split('/').skip(1).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["ping"]) => Self::Ping,
            ("GET", ["categories"]) => Self::Categories,
            ("GET", ["products"]) => Self::Products,
            ("GET", ["products", id]) if is_id(id) => Self::Product((*id).to_owned()),
            ("POST", ["orders"]) => Self::Create,
            ("GET", ["orders", id]) if is_id(id) => Self::Order((*id).to_owned()),
            ("POST", ["orders", id, "cancel"]) if is_id(id) => Self::Cancel((*id).to_owned()),
            ("POST", ["callback"]) => Self::Callback,
            _ => Self::Unknown,
        }
    }
}

/// The path that a request was signed for: the site's address in the other shop's settings is this account's inbound
/// address, and that part is not signed.
pub(crate) fn path(request: &RawRequest) -> String {
    format!("/{}", request.topic)
}

/// The protocol's ids are positive integers that every language reads: below 2^53.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    plain && (1..=16).contains(&text.len()) && text.parse::<u64>().is_ok_and(|id| id < 1 << 53)
}
