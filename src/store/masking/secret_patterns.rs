//! What looks like a secret, wherever it stands.

use super::names::Name;
use crate::store::span::Span;

/// How a kind of secret begins.
struct Look {
    prefix: &'static str,
    /// How many characters must follow at least.
    least: usize,
    /// Whether those are letters and digits alone: names of models have dashes in them.
    is_plain: bool,
}

const LOOKS: [Look; 38] = [
    of("sk-", 12),
    of("sk_", 12),
    of("pk_live_", 12),
    of("rk_live_", 12),
    of("whsec_", 12),
    plain("ghp_", 16),
    plain("gho_", 16),
    plain("ghu_", 16),
    plain("ghs_", 16),
    plain("ghr_", 16),
    of("github_pat_", 16),
    of("xoxb-", 10),
    of("xoxp-", 10),
    of("xoxa-", 10),
    of("xoxr-", 10),
    of("xoxs-", 10),
    of("xapp-", 10),
    of("AIza", 16),
    of("ya29.", 10),
    of("GOCSPX-", 10),
    of("eyJ", 20),
    plain("AKIA", 12),
    plain("ASIA", 12),
    of("glpat-", 10),
    plain("hf_", 16),
    plain("gsk_", 16),
    plain("xai-", 16),
    plain("pplx-", 16),
    of("nvapi-", 16),
    plain("csk-", 16),
    plain("r8_", 16),
    plain("npm_", 20),
    of("pypi-AgEI", 16),
    plain("tvly-", 16),
    plain("fw_", 16),
    of("dop_v1_", 16),
    of("shpat_", 16),
    of("AGE-SECRET-KEY-", 16),
];

/// What goes before a token in a header.
const SCHEMES: [&str; 2] = ["Bearer ", "bearer "];
const SHORTEST_BEARER: usize = 16;

const PRIVATE_KEY: &str = "-----BEGIN ";

/// Names of parameters that hold secrets, beside those of members.
const PARAMETERS: [&str; 5] = ["code", "sig", "signature", "auth", "api"];

const fn of(prefix: &'static str, least: usize) -> Look {
    Look { prefix, least, is_plain: false }
}

const fn plain(prefix: &'static str, least: usize) -> Look {
    Look { prefix, least, is_plain: true }
}

/// Adds the parts of `text` that look like secrets, in order; `base` is where the text begins.
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
            _ if is_start && byte.is_ascii_alphabetic() => known(rest).map(|length| (0, length)),
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

/// How long the secret is that begins here.
fn known(rest: &[u8]) -> Option<usize> {
    LOOKS.iter().find_map(|look| {
        let tail = rest.strip_prefix(look.prefix.as_bytes())?;
        let long_enough = match look.is_plain {
            true => tail.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count(),
            false => run(tail, b"-_."),
        };
        (long_enough >= look.least).then(|| look.prefix.len().saturating_add(run(tail, b"-_.")))
    })
}

/// Where the token of a header that begins here stands.
fn bearer(rest: &[u8]) -> Option<(usize, usize)> {
    let scheme = SCHEMES.iter().find(|scheme| rest.starts_with(scheme.as_bytes()))?.len();
    let length = run(rest.get(scheme..)?, b"-_.~+/=");
    (length >= SHORTEST_BEARER).then(|| (scheme, scheme.saturating_add(length)))
}

/// Where the password stands in a URL whose `://` begins here.
fn password(rest: &[u8]) -> Option<(usize, usize)> {
    const BEHIND_SCHEME: usize = 3;
    let authority = rest.get(BEHIND_SCHEME..)?;
    let is_end = |byte: &u8| matches!(byte, b'/' | b'?' | b'#') || byte.is_ascii_whitespace();
    let authority = authority.get(..authority.iter().position(is_end).unwrap_or(authority.len()))?;
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let from = authority.get(..at)?.iter().position(|byte| *byte == b':')?.saturating_add(1);
    (from < at).then(|| (from.saturating_add(BEHIND_SCHEME), at.saturating_add(BEHIND_SCHEME)))
}

/// Where the value of a parameter ends whose `=` stands at `at`, from there; none if its name says
/// nothing.
fn parameter(text: &str, at: usize) -> Option<usize> {
    let (before, rest) = text.split_at_checked(at)?;
    let start = before.bytes().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_%".contains(byte)).count();
    let name = before.get(before.len().saturating_sub(start)..)?;
    let is_secret = Name::of(name) == Name::Secret || PARAMETERS.contains(&name);
    let is_end =
        |byte: &u8| matches!(byte, b'&' | b'#' | b';' | b',' | b'"' | b'\'' | b')') || byte.is_ascii_whitespace();
    let length = rest.bytes().position(|byte| is_end(&byte)).unwrap_or(rest.len());
    (is_secret && length > 1).then_some(length)
}

/// How many letters, digits and characters of `other` come first.
fn run(bytes: &[u8], other: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || other.contains(byte)).count()
}
