//! Addresses in an account's settings. Credentials and keys go there, so it must be https, or plain http to this machine.

/// A scheme and a host, nothing after it: `https://api.example`, `http://127.0.0.1:8080`.
pub fn is_origin(url: &str) -> bool {
    after_host(url) == Some("")
}

/// What paths are appended to: a host, and a path that ends in a slash.
pub fn is_base(url: &str) -> bool {
    after_host(url).is_some_and(|path| path.ends_with('/') && !path.contains(['?', '#']))
}

/// What addresses are held against that somebody else gives: a host, and at least the slash after it. Without the slash
/// `https://a.example` would also cover `https://a.example.evil`.
pub fn is_prefix(url: &str) -> bool {
    after_host(url).is_some_and(|path| path.starts_with('/') && !path.contains(['?', '#']))
}

/// What is called as it is: a host, with or without a path and a query.
pub fn is_endpoint(url: &str) -> bool {
    after_host(url).is_some_and(|rest| !rest.contains('#'))
}

/// What follows the host of an address that is safe to call; none where it is not, or holds credentials, or characters
/// that an address has not.
fn after_host(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let is_host = host.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte));
    let is_safe = scheme == "https" || scheme == "http" && is_this_machine(host);
    let is_written = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\<>".contains(&byte));
    (is_host && is_safe && is_written).then_some(rest)
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is an origin, a base, a prefix, an endpoint.
    fn is(url: &str) -> [bool; 4] {
        [is_origin(url), is_base(url), is_prefix(url), is_endpoint(url)]
    }

    #[test]
    fn an_address_is_told_by_what_follows_its_host() {
        for host in ["https://a.example", "https://a.example:8443", "http://127.0.0.1:9", "http://[::1]:9"] {
            assert_eq!(is(host), [true, false, false, true], "{host}");
            assert_eq!(is(&format!("{host}/")), [false, true, true, true], "{host}");
            assert_eq!(is(&format!("{host}/x/")), [false, true, true, true], "{host}");
            assert_eq!(is(&format!("{host}/x")), [false, false, true, true], "{host}");
            assert_eq!(is(&format!("{host}/x/?q=1/")), [false, false, false, true], "{host}");
            assert_eq!(is(&format!("{host}?q=1")), [false, false, false, true], "{host}");
            assert_eq!(is(&format!("{host}/#x/")), [false; 4], "{host}");
        }
        assert_eq!(is("http://localhost"), [true, false, false, true]);
        assert_eq!(is("http://[::1]/"), [false, true, true, true]);
    }

    #[test]
    fn what_is_not_encrypted_or_names_no_host_or_holds_credentials_is_no_address() {
        for url in [
            "",
            "x",
            "https://",
            "https:///",
            "https://:443",
            "https://-a.example",
            "https://u:p@a.example",
            "https://u@a.example/",
            "https://a b/",
            "https://a.example/a b/",
            "https://a.example/\"/",
            "https://a.example/\\x/",
            "https://\u{9152}.example/",
            "https://a_b.example/",
            "ftp://a.example/",
            "HTTPS://a.example/",
            "http://a.example",
            "http://a.example/",
            "http://127.0.0.1.evil/",
            "http://127.0.0.1:9.evil/",
            "http://127.0.0.1:/",
            "http://localhost.evil",
            "http://localhost@evil/",
            "http://[::2]/",
        ] {
            assert_eq!(is(url), [false; 4], "{url}");
        }
    }
}
