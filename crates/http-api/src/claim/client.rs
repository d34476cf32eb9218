//! Where a request without a token comes from, and how often it may guess.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::{extract::FromRequestParts, http::request::Parts};

/// How many wrong guesses a client has a day.
const WRONG_MAX: u32 = 5;
/// How many clients are remembered a day. Beyond that, nobody new may guess.
const CLIENTS_MAX: usize = 100_000;

/// The other end of a connection, among a request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Where a request comes from, in words that stay the same for one household. Not to be kept or printed: make a
/// digest of it.
pub(crate) struct Client(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
        // Only a proxy of our own may say for whom it asks; the last hop is the one it saw itself.
        let told = parts.headers.get_all("x-forwarded-for").iter().next_back();
        let told = told.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        let address = if peer.is_none_or(is_near) { told.or(peer) } else { peer };
        Ok(Self(address.map_or_else(|| "nowhere".to_owned(), household)))
    }
}

/// Whether an address is of this machine or of a network that is not routed.
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

/// An address; of version 6 the half that names the network, since the other half is anybody's choice.
fn household(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => v6.segments()[..4].iter().map(|part| format!("{part:x}:")).collect(),
    }
}

/// Wrong guesses of today, by client. Kept in memory: what counts for ever is counted by each order.
#[derive(Default)]
pub(crate) struct Tries(Mutex<(String, HashMap<String, u32>)>);

impl Tries {
    /// Uses up one guess of a client; false where none is left.
    pub(crate) fn take(&self, client: &str, day: &str) -> bool {
        let mut today = self.lock();
        if today.0 != day {
            *today = (day.to_owned(), HashMap::new());
        }
        let full = today.1.len() >= CLIENTS_MAX;
        match today.1.get_mut(client) {
            Some(count) if *count < WRONG_MAX => *count += 1,
            Some(_) => return false,
            None if full => return false,
            None => drop(today.1.insert(client.to_owned(), 1)),
        }
        true
    }

    /// A guess that was right does not count.
    pub(crate) fn give_back(&self, client: &str) {
        if let Some(count) = self.lock().1.get_mut(client) {
            *count = count.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, (String, HashMap<String, u32>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn client(peer: Option<&str>, told: Option<&str>) -> String {
        let mut request = Request::builder();
        if let Some(told) = told {
            request = request.header("x-forwarded-for", told);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        if let Some(peer) = peer {
            parts.extensions.insert(Peer(peer.parse().unwrap()));
        }
        let Ok(client) = Client::from_request_parts(&mut parts, &()).await;
        client.0
    }

    #[tokio::test]
    async fn only_a_proxy_of_our_own_says_for_whom_it_asks() {
        assert_eq!(client(Some("203.0.113.9"), Some("198.51.100.7")).await, "203.0.113.9");
        assert_eq!(client(Some("127.0.0.1"), Some("6.6.6.6, 198.51.100.7")).await, "198.51.100.7");
        assert_eq!(client(Some("10.0.0.2"), None).await, "10.0.0.2");
        assert_eq!(client(Some("127.0.0.1"), Some("nonsense")).await, "127.0.0.1");
        assert_eq!(client(Some("::ffff:203.0.113.9"), None).await, "203.0.113.9");
    }

    #[tokio::test]
    async fn a_household_has_one_network_and_many_addresses() {
        let [one, other] = ["2001:db8:1:2:3::4", "2001:db8:1:2:ffff::1"];
        assert_eq!(client(Some(one), None).await, client(Some(other), None).await);
        assert_ne!(client(Some(one), None).await, client(Some("2001:db8:1:3::4"), None).await);
    }

    #[test]
    fn five_wrong_guesses_a_day_and_right_ones_do_not_count() {
        let tries = Tries::default();
        for _ in 0..20 {
            assert!(tries.take("a", "2026-06-18"));
            tries.give_back("a");
        }
        let taken = (0..20).filter(|_| tries.take("a", "2026-06-18")).count();
        assert_eq!(taken, 5);
        assert!(tries.take("b", "2026-06-18"));
        assert!(tries.take("a", "2026-06-19"), "another day");
    }
}
