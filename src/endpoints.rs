//! Where a request may go: below the base URL of its credential, or to an origin that the host allows.
//!
//! Addresses are compared as [`web_address`] reads them, and an answer begins with the base URL that it was compared
//! with, so that no HTTP client finds another origin in it.

use std::fmt;

use serde::Deserialize;

use crate::{
    error::{Error, ErrorCode},
    web_address::{self, Address},
};

/// Endpoints that a host allows beside those of the credentials. `Debug` shows nothing: a URL may hold a password.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoints {
    /// Base URL of credentials without a base URL of their own.
    pub base_url: Option<String>,
    /// Origins, such as `https://files.example`, to which every credential may be sent.
    pub origins: Vec<String>,
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").finish_non_exhaustive()
    }
}

/// Returns the address of a request with a credential.
///
/// A relative URL goes below `own`, the base URL of the credential. An absolute URL below `own` or below any of `others`
/// goes to the same place below `own`; an absolute URL elsewhere is refused, except to one of `origins`.
pub(crate) fn address<'a>(
    url: &str,
    own: Option<&'a str>,
    others: impl Iterator<Item = &'a str>,
    origins: &[String],
) -> Result<String, Error> {
    if url.contains(char::is_control) || url.starts_with(' ') || url.ends_with(' ') {
        return Err(invalid("a URL has no spaces around it and no control characters"));
    }
    let url = encoded(url.split('#').next().unwrap_or_default());
    let (path, query) = url.split_once('?').map_or((url.as_str(), None), |(path, query)| (path, Some(query)));
    if path.contains('\\') {
        return Err(invalid("the path of a URL has no backslashes"));
    }
    let own = own.map(|own| Base::read(own).ok_or_else(|| invalid(UNREADABLE_BASE))).transpose()?;
    if !is_absolute(path) {
        let own = own.ok_or_else(|| invalid(NO_BASE))?;
        let below = resolved(path.strip_prefix('/').unwrap_or(path))?;
        let repeated = own.repeated(&below);
        return Ok(own.join(below.get(repeated..).unwrap_or_default(), query));
    }
    let asked = web_address::address(&url).ok_or_else(foreign)?;
    let segments = resolved(path_of(asked.rest).strip_prefix('/').unwrap_or_default())?;
    let bases = own.iter().cloned().chain(others.filter_map(Base::read));
    let depths = bases.filter(|base| base.address.is_same_origin(&asked)).filter_map(|base| base.holds(&segments));
    if let Some(depth) = depths.max() {
        let own = own.ok_or_else(|| invalid(NO_BASE))?;
        return Ok(own.join(segments.get(depth..).unwrap_or_default(), query));
    }
    for (index, origin) in origins.iter().enumerate() {
        let allowed = web_address::address(origin.trim()).ok_or_else(|| {
            let message = "an origin is `https://` or `http://` with a host and perhaps a port";
            Error::new(ErrorCode::InvalidArgument, message).at(format!("/endpoints/origins/{index}"))
        })?;
        if allowed.is_same_origin(&asked) {
            return Ok(url);
        }
    }
    Err(foreign())
}

const NO_BASE: &str = "no base URL is known: set the credential's `base_url`, or open the pool with `baseUrl`";

const UNREADABLE_BASE: &str = "the base URL of the credential is no plain `http` or `https` address: correct it; it holds no user and no password";

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorCode::InvalidArgument, message).at("/url")
}

fn foreign() -> Error {
    let message = "this address is not below the base URL of a credential, so no credential is sent there: use a relative \
                   URL, or list the origin in `origins`";
    Error::new(ErrorCode::ForeignOrigin, message).at("/url")
}

/// Base URL.
#[derive(Clone)]
struct Base<'a> {
    /// The URL up to its query, without a slash at the end.
    start: &'a str,
    address: Address<'a>,
    /// Segments of the path.
    segments: Vec<&'a str>,
    query: Option<&'a str>,
}

impl<'a> Base<'a> {
    fn read(url: &'a str) -> Option<Self> {
        let url = url.trim();
        let address = web_address::address(url)?;
        let (start, query) = url.split_once('?').map_or((url, None), |(start, query)| (start, Some(query)));
        let segments = path_of(address.rest).split('/').filter(|segment| !segment.is_empty()).collect();
        Some(Self { start: start.trim_end_matches('/'), address, segments, query: query.filter(|it| !it.is_empty()) })
    }

    /// Returns the number of segments of this base if a path is below it.
    fn holds(&self, path: &[&str]) -> Option<usize> {
        path.starts_with(&self.segments).then_some(self.segments.len())
    }

    /// Returns the number of segments at the start of a relative path that repeat the end of this base, as in `/v1` and
    /// `/v1/chat`.
    fn repeated(&self, path: &[&str]) -> usize {
        let most = self.segments.len().min(path.len());
        (1..=most)
            .rev()
            .find(|count| path.get(..*count).is_some_and(|start| self.segments.ends_with(start)))
            .unwrap_or(0)
    }

    /// Returns the address of a path below this base. The request's parameters replace parameters of the base.
    fn join(&self, path: &[&str], query: Option<&str>) -> String {
        let mut url = self.start.to_owned();
        for segment in path {
            url.push('/');
            url.push_str(segment);
        }
        let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
        let is_set = |pair: &&str| query.is_some_and(|query| query.split('&').any(|set| name(set) == name(pair)));
        let kept = self.query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !is_set(pair));
        let query: Vec<_> = kept.chain(query.filter(|query| !query.is_empty())).collect();
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query.join("&"));
        }
        url
    }
}

/// Returns whether a URL names an origin: it has a scheme (RFC 3986, section 3.1), or is a network-path reference.
fn is_absolute(path: &str) -> bool {
    let has_scheme = path.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|char: char| char.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    has_scheme || path.starts_with("//")
}

/// Returns the path in an address's path and query.
fn path_of(rest: &str) -> &str {
    rest.split('?').next().unwrap_or_default()
}

/// Returns the segments of a path without dot segments (RFC 3986, section 5.2.4), which a client also finds when they
/// are encoded.
fn resolved(path: &str) -> Result<Vec<&str>, Error> {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        let decoded = segment.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
        match decoded.as_str() {
            "." => {}
            ".." => drop(segments.pop().ok_or_else(foreign)?),
            // Some servers decode a slash before they resolve dot segments.
            other if other.contains('/') && other.split('/').any(|part| part == "..") => return Err(foreign()),
            _ => segments.push(segment),
        }
    }
    if segments == [""] {
        segments.clear();
    }
    Ok(segments)
}

/// Encodes the characters that no address has (RFC 3986, section 2.1).
fn encoded(url: &str) -> String {
    let is_query = |at| url.find('?').is_some_and(|query| query < at);
    let mut out = String::with_capacity(url.len());
    for (at, char) in url.char_indices() {
        match char {
            '\\' if !is_query(at) => out.push(char),
            ' ' | '"' | '<' | '>' | '\\' => out.push_str(&format!("%{:02X}", u32::from(char))),
            _ if char.is_ascii() => out.push(char),
            _ => char.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}"))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHERS: [&str; 4] =
        ["https://pool.test/v1", "https://b.test/openai?api-version=1", "acp://x", "http://u:p@x"];

    fn sent(own: &str, url: &str) -> Result<String, ErrorCode> {
        let origins = ["https://files.test".to_owned()];
        address(url, (!own.is_empty()).then_some(own), OTHERS.into_iter(), &origins).map_err(|error| error.code)
    }

    #[test]
    fn a_request_goes_below_the_base_of_its_credential() {
        let a = "https://a.test/api/v1";
        for (own, url, expected) in [
            (a, "chat", "https://a.test/api/v1/chat"),
            (a, "/chat?x=1#part", "https://a.test/api/v1/chat?x=1"),
            (a, "", "https://a.test/api/v1"),
            (a, "/", "https://a.test/api/v1"),
            (a, "?x=1", "https://a.test/api/v1?x=1"),
            (a, "a/", "https://a.test/api/v1/a/"),
            (a, "a//b", "https://a.test/api/v1/a//b"),
            (a, "/models/m:generate?q=a b\"\\", "https://a.test/api/v1/models/m:generate?q=a%20b%22%5C"),
            (a, "ü", "https://a.test/api/v1/%C3%BC"),
            ("https://a.test/api/v1/", "chat", "https://a.test/api/v1/chat"),
            (" https://a.test ", "chat", "https://a.test/chat"),
            // What the base ends with is not doubled.
            (a, "/v1/chat", "https://a.test/api/v1/chat"),
            (a, "api/v1/chat", "https://a.test/api/v1/chat"),
            (a, "/v1", "https://a.test/api/v1"),
            (a, "/v1beta/chat", "https://a.test/api/v1/v1beta/chat"),
            (a, "/api/chat", "https://a.test/api/v1/api/chat"),
            // A base keeps its query.
            (OTHERS[1], "chat", "https://b.test/openai/chat?api-version=1"),
            (OTHERS[1], "chat?x=1", "https://b.test/openai/chat?api-version=1&x=1"),
            (OTHERS[1], "chat?api-version=2", "https://b.test/openai/chat?api-version=2"),
            // An absolute URL below any base is rebased.
            (a, "https://a.test/api/v1/chat", "https://a.test/api/v1/chat"),
            (a, "HTTPS://A.test:443/api/v1/chat?x", "https://a.test/api/v1/chat?x"),
            (a, "https://pool.test/v1/chat#x", "https://a.test/api/v1/chat"),
            (a, "https://b.test/openai/chat?x=1", "https://a.test/api/v1/chat?x=1"),
            (a, "https://pool.test/v1", "https://a.test/api/v1"),
            (OTHERS[1], "https://pool.test/v1/chat", "https://b.test/openai/chat?api-version=1"),
            ("http://localhost:1/v1", "http://localhost:1/v1/chat", "http://localhost:1/v1/chat"),
            // An origin that the host lists.
            (a, "https://files.test/x?y=z#f", "https://files.test/x?y=z"),
            ("", "https://files.test:443/x", "https://files.test:443/x"),
            // Dot segments stay below the base.
            (a, "a/../b", "https://a.test/api/v1/b"),
            (a, "./b/%2E/c", "https://a.test/api/v1/b/c"),
        ] {
            assert_eq!(sent(own, url), Ok(expected.to_owned()), "{own} {url}");
        }
    }

    #[test]
    fn no_request_goes_elsewhere() {
        use ErrorCode::{ForeignOrigin, InvalidArgument};
        let a = "https://a.test/api/v1";
        for (own, url, code) in [
            (a, "https://evil.test/api/v1/chat", ForeignOrigin),
            (a, "https://a.test/other", ForeignOrigin),
            (a, "https://a.test/api/v10/chat", ForeignOrigin),
            (a, "http://a.test/api/v1/chat", ForeignOrigin),
            (a, "https://a.test:8443/api/v1/chat", ForeignOrigin),
            (a, "https://a.test@evil.test/api/v1/chat", ForeignOrigin),
            (a, "https://u:p@a.test/api/v1/chat", ForeignOrigin),
            (a, "https://files.test.evil.test/", ForeignOrigin),
            (a, "https://pool.test/v1/../admin", ForeignOrigin),
            (a, "https:evil.test/x", ForeignOrigin),
            (a, "https:/evil.test/x", ForeignOrigin),
            (a, "javascript:alert(1)", ForeignOrigin),
            (a, "file:///etc/passwd", ForeignOrigin),
            (a, "//evil.test/x", ForeignOrigin),
            (a, "///evil.test/x", ForeignOrigin),
            (a, "../../admin", ForeignOrigin),
            (a, "/../admin", ForeignOrigin),
            (a, "%2e%2e/%2E./admin", ForeignOrigin),
            (a, "x/../../admin", ForeignOrigin),
            (a, "..%2fadmin", ForeignOrigin),
            (a, "x%5c..%5c..%5cadmin", ForeignOrigin),
            (a, "/\\evil.test/x", InvalidArgument),
            (a, "/\\/evil.test/x", InvalidArgument),
            (a, "\\\\evil.test/x", InvalidArgument),
            (a, " //evil.test", InvalidArgument),
            (a, "\t//evil.test", InvalidArgument),
            (a, "/\t/evil.test", InvalidArgument),
            (a, "\u{0}//evil.test", InvalidArgument),
            (a, "ht\ntps://evil.test", InvalidArgument),
            ("", "chat", InvalidArgument),
            ("", "https://pool.test/v1/chat", InvalidArgument),
            ("http://u:p@a.test", "chat", InvalidArgument),
            ("acp://copilot", "chat", InvalidArgument),
            ("https://a.test#x", "chat", InvalidArgument),
        ] {
            assert_eq!(sent(own, url), Err(code), "{own} {url:?}");
        }
    }

    #[test]
    fn what_is_no_origin_is_told() {
        let refused = address("https://x.test/", None, [].into_iter(), &["x.test".to_owned()]).unwrap_err();
        assert_eq!(
            (refused.code, refused.pointer.as_deref()),
            (ErrorCode::InvalidArgument, Some("/endpoints/origins/0"))
        );
    }
}
