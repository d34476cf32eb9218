//! The address of a log: the client's own, and one parameter of ours.

use event_log::LogError;
use eventstore::{ClientSettings, NodePreference};

use crate::error::Trouble;

/// With what the names of our streams begin, unless the address says otherwise.
const PREFIX: &str = "kami";
/// The parameter that says otherwise.
const PARAMETER: &str = "kamiPrefix=";
/// The client waits this long, in milliseconds, before it connects, also the first time; half a second unless it is said.
const INTERVAL: &str = "discoveryInterval=";
const SHORT_INTERVAL: &str = "discoveryInterval=50";

/// Where a log is.
pub(crate) struct Place {
    pub(crate) client: ClientSettings,
    pub(crate) prefix: String,
}

/// Reads an address such as `esdb://user:password@host:2113?tls=true`, or the same with `kurrentdb://` or with
/// `+discover`. The error does not repeat it, since it may hold a password. Reads must come from the leader: a follower
/// may be behind.
pub(crate) fn parse(url: &str) -> Result<Place, LogError> {
    let url = match url.strip_prefix("kurrentdb") {
        Some(rest) => format!("esdb{rest}"),
        None => url.to_owned(),
    };
    let (url, prefix) = take_prefix(&url);
    let told = |error: &eventstore::ClientSettingsParseError| match error.error() {
        Some(error) => error.to_string(),
        None => "a parameter of it is none of the client's".to_owned(),
    };
    let client: ClientSettings = url.parse().map_err(|error| Trouble::Address(told(&error)))?;
    if client.node_preference() != NodePreference::Leader {
        let found = client.node_preference().to_string().to_lowercase();
        let (setting, wanted) = ("nodePreference", "leader: other nodes may be behind");
        return Err(LogError::UnsafeSetting { setting, found, wanted });
    }
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if prefix.is_empty() || !prefix.chars().all(ok) {
        return Err(Trouble::Address("kamiPrefix is a word of letters, digits, - and _".to_owned()).into());
    }
    Ok(Place { client, prefix })
}

/// The address without our parameter and with a short interval, and what our parameter says.
fn take_prefix(url: &str) -> (String, String) {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut prefix = PREFIX;
    let mut others = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.strip_prefix(PARAMETER) {
            Some(value) => prefix = value,
            None => others.push(parameter),
        }
    }
    let said = |parameter: &&str| parameter.to_lowercase().starts_with(&INTERVAL.to_lowercase());
    if !others.iter().any(said) {
        others.push(SHORT_INTERVAL);
    }
    (format!("{base}?{}", others.join("&")), prefix.to_owned())
}

impl Place {
    /// The stream of a merchant's log.
    pub(crate) fn log(&self, merchant: &str) -> String {
        format!("{}-log-{merchant}", self.prefix)
    }

    /// The stream that names the merchants.
    pub(crate) fn merchants(&self) -> String {
        format!("{}-merchants", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_of_the_scheme_are_understood_and_ours_is_taken_out() {
        for scheme in ["esdb", "kurrentdb", "esdb+discover", "kurrentdb+discover"] {
            let place = parse(&format!("{scheme}://ada:pass@db:2114?tls=false&kamiPrefix=shop_2")).unwrap();
            assert_eq!(
                (place.log("acme"), place.merchants()),
                ("shop_2-log-acme".into(), "shop_2-merchants".into())
            );
            assert_eq!(place.client.is_dns_discovery_enabled(), scheme.ends_with("discover"));
            assert!(!place.client.is_secure_mode_enabled());
        }
        assert_eq!(parse("esdb://db").unwrap().log("acme"), "kami-log-acme");
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_being_repeated() {
        for wrong in [
            "http://ada:secret@db",
            "esdb://ada:secret@db?kamiPrefix=a%20b",
            "esdb://ada:secret@db?tls=maybe",
        ] {
            let refused = parse(wrong).err().unwrap();
            let LogError::Store(why) = refused else { panic!("{refused:?}") };
            assert!(!why.to_string().contains("secret"), "{why}");
        }
    }

    #[test]
    fn a_node_that_may_be_behind_is_not_read_from() {
        for node in ["follower", "random", "readOnlyReplica"] {
            let refused = parse(&format!("esdb://db?nodePreference={node}")).err().unwrap();
            assert!(
                matches!(refused, LogError::UnsafeSetting { setting: "nodePreference", .. }),
                "{refused:?}"
            );
        }
    }
}
