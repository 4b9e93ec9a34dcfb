//! Patterns of secrets: known prefixes of keys, bearer tokens, passwords in URLs, secret parameters, private keys.

use super::name_kind::NameKind;
use crate::store::span::Span;

/// Prefix of a kind of secret.
struct SecretPattern {
    prefix: &'static str,
    /// Minimum number of characters after the prefix.
    min_length: usize,
    /// Whether only letters and digits count for `min_length`: the prefix also begins names of models, which have
    /// dashes.
    is_alphanumeric: bool,
}

const PATTERNS: [SecretPattern; 38] = [
    dashed("sk-", 12),
    dashed("sk_", 12),
    dashed("pk_live_", 12),
    dashed("rk_live_", 12),
    dashed("whsec_", 12),
    alphanumeric("ghp_", 16),
    alphanumeric("gho_", 16),
    alphanumeric("ghu_", 16),
    alphanumeric("ghs_", 16),
    alphanumeric("ghr_", 16),
    dashed("github_pat_", 16),
    dashed("xoxb-", 10),
    dashed("xoxp-", 10),
    dashed("xoxa-", 10),
    dashed("xoxr-", 10),
    dashed("xoxs-", 10),
    dashed("xapp-", 10),
    dashed("AIza", 16),
    dashed("ya29.", 10),
    dashed("GOCSPX-", 10),
    dashed("eyJ", 20),
    alphanumeric("AKIA", 12),
    alphanumeric("ASIA", 12),
    dashed("glpat-", 10),
    alphanumeric("hf_", 16),
    alphanumeric("gsk_", 16),
    alphanumeric("xai-", 16),
    alphanumeric("pplx-", 16),
    dashed("nvapi-", 16),
    alphanumeric("csk-", 16),
    alphanumeric("r8_", 16),
    alphanumeric("npm_", 20),
    dashed("pypi-AgEI", 16),
    alphanumeric("tvly-", 16),
    alphanumeric("fw_", 16),
    dashed("dop_v1_", 16),
    dashed("shpat_", 16),
    dashed("AGE-SECRET-KEY-", 16),
];

/// Authentication schemes before a token in a header.
const SCHEMES: [&str; 2] = ["Bearer ", "bearer "];
const MIN_BEARER_LENGTH: usize = 16;

const PRIVATE_KEY: &str = "-----BEGIN ";

/// Names of secret parameters, in addition to the names of secret members.
const PARAMETERS: [&str; 5] = ["code", "sig", "signature", "auth", "api"];

const fn dashed(prefix: &'static str, min_length: usize) -> SecretPattern {
    SecretPattern { prefix, min_length, is_alphanumeric: false }
}

const fn alphanumeric(prefix: &'static str, min_length: usize) -> SecretPattern {
    SecretPattern { prefix, min_length, is_alphanumeric: true }
}

/// Adds the spans of `text` that match a pattern, in order; `base` is the offset of the text.
pub(super) fn find(text: &str, base: usize, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut add = |from: usize, to: usize| {
        let (from, to) = (base.saturating_add(from), base.saturating_add(to));
        match found.last_mut().filter(|last| last.to >= from && last.from >= base) {
            Some(last) => last.to = last.to.max(to),
            None => found.push(Span { from, to }),
        }
    };
    let mut before = b' ';
    let mut at = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let is_start = !before.is_ascii_alphanumeric();
        let covered = match byte {
            b':' if rest.starts_with(b"://") => password(rest),
            b'=' => parameter(text, at).map(|length| (1, length)),
            b'-' if rest.starts_with(PRIVATE_KEY.as_bytes()) => Some((0, rest.len())),
            b'B' | b'b' if is_start => bearer(rest),
            _ if is_start && byte.is_ascii_alphabetic() => prefixed(rest).map(|length| (0, length)),
            _ => None,
        };
        let next = match covered {
            Some((from, to)) => {
                add(at.saturating_add(from), at.saturating_add(to));
                to.max(1)
            }
            None => 1,
        };
        at = at.saturating_add(next);
        before = bytes.get(at.saturating_sub(1)).copied().unwrap_or(b' ');
    }
}

/// Returns the length of the secret with a known prefix at the start; `None` if there is none.
fn prefixed(rest: &[u8]) -> Option<usize> {
    PATTERNS.iter().find_map(|pattern| {
        let tail = rest.strip_prefix(pattern.prefix.as_bytes())?;
        let length = match pattern.is_alphanumeric {
            true => tail.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count(),
            false => run(tail, b"-_."),
        };
        (length >= pattern.min_length).then(|| pattern.prefix.len().saturating_add(run(tail, b"-_.")))
    })
}

/// Returns begin and end of the token of an authorization header at the start; `None` if there is none.
fn bearer(rest: &[u8]) -> Option<(usize, usize)> {
    let scheme = SCHEMES.iter().find(|scheme| rest.starts_with(scheme.as_bytes()))?.len();
    let length = run(rest.get(scheme..)?, b"-_.~+/=");
    (length >= MIN_BEARER_LENGTH).then(|| (scheme, scheme.saturating_add(length)))
}

/// Returns begin and end of the password in a URL from its `://` on; `None` if there is none.
fn password(rest: &[u8]) -> Option<(usize, usize)> {
    const SEPARATOR: usize = 3;
    let authority = rest.get(SEPARATOR..)?;
    let is_end = |byte: &u8| matches!(byte, b'/' | b'?' | b'#') || byte.is_ascii_whitespace();
    let authority = authority.get(..authority.iter().position(is_end).unwrap_or(authority.len()))?;
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let from = authority.get(..at)?.iter().position(|byte| *byte == b':')?.saturating_add(1);
    (from < at).then(|| (from.saturating_add(SEPARATOR), at.saturating_add(SEPARATOR)))
}

/// Returns the length from the `=` at `at` to the end of a secret parameter's value; `None` if the parameter is not
/// secret.
fn parameter(text: &str, at: usize) -> Option<usize> {
    let (before, rest) = text.split_at_checked(at)?;
    let start = before.bytes().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_%".contains(byte)).count();
    let name = before.get(before.len().saturating_sub(start)..)?;
    let is_secret = NameKind::of(name) == NameKind::Secret || PARAMETERS.contains(&name);
    let is_end =
        |byte: &u8| matches!(byte, b'&' | b'#' | b';' | b',' | b'"' | b'\'' | b')') || byte.is_ascii_whitespace();
    let length = rest.bytes().position(|byte| is_end(&byte)).unwrap_or(rest.len());
    (is_secret && length > 1).then_some(length)
}

/// Returns the number of leading letters, digits and characters of `other`.
fn run(bytes: &[u8], other: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || other.contains(byte)).count()
}
