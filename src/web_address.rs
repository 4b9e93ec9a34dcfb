//! Web addresses: which may be asked or shown, and the host that a base URL names.
//!
//! Reads plain addresses only. Browsers and HTTP clients disagree about the rest (WHATWG URL against RFC 3986), so an
//! address with a user, a fragment or a backslash is not read at all.

/// Returns the host of an address in lower case, without its port; `None` if the address is not a plain one. A user
/// before the host (`https://api.example@other.example`) makes the address unreadable, so no name in front of an `@`
/// is ever taken for the host.
pub(crate) fn host(url: &str) -> Option<String> {
    let url = url.trim().to_ascii_lowercase();
    address(&url).map(|address| address.host.trim_end_matches('.').to_owned()).filter(|host| !host.is_empty())
}

/// Returns whether the path of an address has this segment.
pub(crate) fn has_path_segment(url: &str, segment: &str) -> bool {
    let path = address(url.trim()).and_then(|address| address.rest.split('?').next());
    path.is_some_and(|path| path.split('/').any(|held| held == segment))
}

/// Returns whether an address may be asked or shown: `https`, or `http` on this machine.
pub(crate) fn is_safe_url(url: &str) -> bool {
    address(url).is_some_and(|address| address.is_https || ["127.0.0.1", "localhost", "[::1]"].contains(&address.host))
}

/// Parts of a web address.
#[derive(Clone, Copy)]
pub(crate) struct Address<'a> {
    pub(crate) is_https: bool,
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
    /// Path and query.
    pub(crate) rest: &'a str,
}

impl Address<'_> {
    /// Returns whether two addresses have the same scheme, host and port.
    pub(crate) fn is_same_origin(&self, other: &Self) -> bool {
        let port = |address: &Self| address.port.unwrap_or(if address.is_https { 443 } else { 80 });
        self.is_https == other.is_https && self.host.eq_ignore_ascii_case(other.host) && port(self) == port(other)
    }
}

/// Reads a plain address: `http` or `https`, no user, no fragment, visible ASCII.
pub(crate) fn address(url: &str) -> Option<Address<'_>> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains(['\\', '#', '"', '<', '>']) {
        return None;
    }
    let (scheme, after) = url.split_once("://")?;
    let is_https = scheme.eq_ignore_ascii_case("https");
    if !is_https && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let (authority, rest) = after.split_at_checked(after.find(['/', '?']).unwrap_or(after.len()))?;
    let (host, port) = match authority.rsplit_once(':') {
        // RFC 3986, section 3.2.3: a port may be empty.
        Some((host, "")) => (host, None),
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
            "HTTP://127.0.0.1",
            "https://a.test:/x",
        ] {
            assert!(is_safe_url(safe), "{safe}");
        }
        for unsafe_ in [
            "",
            "a.test",
            "://a.test",
            "ftp://a.test",
            "http://a.test",
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

    #[test]
    fn a_host_has_no_user_no_port_and_no_upper_case() {
        for (url, expected) in [
            ("https://api.z.ai/api/paas/v4", Some("api.z.ai")),
            (" HTTPS://API.Z.AI:8443/x ", Some("api.z.ai")),
            ("http://api.z.ai.", Some("api.z.ai")),
            ("https://api.z.ai?x=@y", Some("api.z.ai")),
            ("https://api.z.ai:/v1", Some("api.z.ai")),
            ("https://api.z.ai@evil.test/", None),
            ("https://api.z.ai:443@evil.test/", None),
            ("https://evil.test\\@api.z.ai/", None),
            ("https://evil.test#@api.z.ai", None),
            ("https://api.z.ai:port/", None),
            ("https://.", None),
            ("api.z.ai", None),
            ("acp://copilot", None),
            ("", None),
        ] {
            assert_eq!(host(url).as_deref(), expected, "{url}");
        }
    }
}
