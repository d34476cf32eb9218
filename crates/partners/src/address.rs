//! Where a webhook may go: to the open internet, never to a machine behind ours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The longest address.
const BYTES_MAX: usize = 2_048;
/// Ports of TLS that partners use.
const PORTS: [u16; 2] = [443, 8443];
/// Names that mean this machine or one beside it.
const INSIDE: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];

/// An address that a partner may give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why an address is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no address, or too long.
    #[error("is not an address of at most 2048 bytes such as https://partner.example/kami")]
    Malformed,
    /// It is not of HTTPS.
    #[error("is not an https address")]
    NotHttps,
    /// It holds a user or a password, which would stand in the log.
    #[error("holds a user or a password")]
    Credentials,
    /// It holds a fragment, which is never sent.
    #[error("holds a fragment")]
    Fragment,
    /// Its port is none of those that webhooks go to.
    #[error("has a port other than 443 and 8443")]
    Port,
    /// It is of a machine that the open internet does not reach.
    #[error("is of a private machine")]
    Private,
}

impl Address {
    /// Reads an address. With `allow_private`, machines of one's own are taken, and plain HTTP, and any port.
    ///
    /// A name is looked up only when something is sent: whoever connects has to hold what it finds against
    /// [`is_public`], each time.
    pub fn parse(text: &str, allow_private: bool) -> Result<Self, AddressError> {
        if text.len() > BYTES_MAX || !text.is_ascii() {
            return Err(AddressError::Malformed);
        }
        // This reads hosts as browsers do: `2130706433` and `0x7f.1` are 127.0.0.1.
        let url = Url::parse(text).map_err(|_| AddressError::Malformed)?;
        let host = url.host().ok_or(AddressError::Malformed)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(AddressError::Fragment);
        }
        match url.scheme() {
            "https" => {}
            "http" if allow_private => {}
            _ => return Err(AddressError::NotHttps),
        }
        if allow_private {
            return Ok(Self(url));
        }
        if !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
            return Err(AddressError::Port);
        }
        let is_open = match host {
            Host::Ipv4(ip) => is_public(ip.into()),
            Host::Ipv6(ip) => is_public(ip.into()),
            Host::Domain(name) => is_outside(name),
        };
        if is_open { Ok(Self(url)) } else { Err(AddressError::Private) }
    }

    /// The address as it is called.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

fn is_outside(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_inside = |suffix: &&str| name == **suffix || name.ends_with(&format!(".{suffix}"));
    name.contains('.') && !INSIDE.iter().any(is_inside)
}

/// Whether an address of a machine is one of the open internet.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_public_v4(ip),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let within = |net: [u8; 4], bits: u32| {
        let mask = u32::MAX << (32 - bits);
        u32::from(ip) & mask == u32::from(Ipv4Addr::from(net))
    };
    // "This network", private, shared (CGNAT), loopback, link-local with the metadata of clouds, protocol assignments,
    // examples, the old 6to4 relays, benchmarks, multicast, reserved.
    let closed = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
    ];
    !closed.iter().any(|(net, bits)| within(*net, *bits))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let within = |net: [u16; 2], bits: u32| {
        let (net, mask) = ((u32::from(net[0]) << 16) | u32::from(net[1]), u32::MAX << (32 - bits));
        let top = (u32::from(ip.segments()[0]) << 16) | u32::from(ip.segments()[1]);
        top & mask == net
    };
    // Only 2000::/3 is given out; of it, not what carries IPv4 inside (Teredo, 6to4), assignments and examples.
    within([0x2000, 0], 3)
        && !within([0x2001, 0], 23)
        && !within([0x2001, 0x0db8], 32)
        && !within([0x2002, 0], 16)
        && !within([0x3fff, 0], 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_addresses_are_taken_as_they_are() {
        for text in [
            "https://partner.example/kami?x=1",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
            "https://a.example:8443/",
        ] {
            assert_eq!(Address::parse(text, false).unwrap().as_str(), text);
        }
    }

    #[test]
    fn machines_behind_ours_are_refused_in_every_spelling() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "kami",
            "db.internal",
            "printer.local",
            "router.home.arpa",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "0.0.0.0",
            "0",
            "10.0.0.5",
            "10.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:10.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[64:ff9b::a00:1]",
            "[64:ff9b:1::1]",
            "[100::1]",
            "[2001::1]",
            "[2001:db8::1]",
            "[2002:a00:1::1]",
            "[3fff::1]",
            "[5f00::1]",
            "[fc00::1]",
            "[fd12::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
        ] {
            let refused = Address::parse(&format!("https://{host}/hook"), false);
            assert!(matches!(refused, Err(AddressError::Private)), "{host}: {refused:?}");
        }
    }

    #[test]
    fn neighbours_of_closed_nets_are_open() {
        for ip in [
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2003::1",
            "3fff:1000::1",
        ] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn what_is_no_plain_https_address_is_refused() {
        for (text, why) in [
            ("http://partner.example/", AddressError::NotHttps),
            ("ftp://partner.example/", AddressError::NotHttps),
            ("file:///etc/passwd", AddressError::Malformed),
            ("https://user@partner.example/", AddressError::Credentials),
            ("https://user:pass@partner.example/", AddressError::Credentials),
            ("https://partner.example/#x", AddressError::Fragment),
            ("https://partner.example:22/", AddressError::Port),
            ("https://partner.example:80/", AddressError::Port),
            ("partner.example", AddressError::Malformed),
            ("https://", AddressError::Malformed),
            ("https://\u{9152}.example/", AddressError::Malformed),
            ("", AddressError::Malformed),
        ] {
            assert_eq!(Address::parse(text, false), Err(why), "{text}");
        }
        let long = format!("https://partner.example/{}", "a".repeat(BYTES_MAX));
        assert_eq!(Address::parse(&long, false), Err(AddressError::Malformed));
    }

    #[test]
    fn ones_own_machines_are_taken_where_that_is_allowed() {
        for text in ["http://127.0.0.1:8080/hook", "http://erp.internal/"] {
            assert_eq!(Address::parse(text, true).unwrap().as_str(), text);
        }
        assert_eq!(Address::parse("https://u@10.0.0.1/", true), Err(AddressError::Credentials));
    }
}
