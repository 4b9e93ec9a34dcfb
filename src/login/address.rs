//! Web addresses that a login asks, shows or comes back to.

/// Whether an address may be asked or shown: `https`, or `http` on this machine.
pub(super) fn is_safe_url(url: &str) -> bool {
    address(url).is_some_and(|address| address.is_https || ["127.0.0.1", "localhost", "[::1]"].contains(&address.host))
}

/// What of a web address matters here.
pub(super) struct Address<'a> {
    pub(super) is_https: bool,
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    /// From the path on.
    pub(super) rest: &'a str,
}

/// Reads an address of the plain kind: no user, no fragment, nothing that browsers read in ways of their own.
pub(super) fn address(url: &str) -> Option<Address<'_>> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains(['\\', '#', '"', '<', '>']) {
        return None;
    }
    let (is_https, after) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(after), _) => (true, after),
        (None, Some(after)) => (false, after),
        (None, None) => return None,
    };
    let (authority, rest) = after.split_at_checked(after.find(['/', '?']).unwrap_or(after.len()))?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (authority, None),
    };
    (!host.is_empty() && !host.contains('@')).then_some(Address { is_https, host, port, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_on_this_machine() {
        for safe in [
            "https://a.test",
            "https://a.test:8443/x?y=z",
            "http://127.0.0.1:1/x",
            "http://localhost",
            "http://[::1]:8/x",
        ] {
            assert!(is_safe_url(safe), "{safe}");
        }
        for unsafe_ in [
            "",
            "a.test",
            "ftp://a.test",
            "http://a.test",
            "HTTP://127.0.0.1",
            "https://",
            "https:///x",
            "https://a b",
            "http://127.0.0.1@evil.test/",
            "http://127.0.0.1:80@evil.test/",
            "http://localhost.evil.test/",
            "http://127.0.0.1.evil.test/",
            "https://a.test#f",
            "https://a.test\\@b.test",
            "https://a.test:port/",
            "https://a.test/\u{7}",
            "https://ä.test",
            "javascript:alert(1)",
        ] {
            assert!(!is_safe_url(unsafe_), "{unsafe_}");
        }
    }
}
