//! Masking of secrets in a document's text. The scanner is tolerant: the text may be broken JSON that a person is
//! typing.

mod name_kind;
mod secret_index;
mod secret_patterns;
pub(crate) mod view;

use std::borrow::Cow;

use super::{raw, span::Span};
use crate::secret::Fingerprint;

use name_kind::NameKind;
use secret_index::SecretIndex;

/// Returns the spans of a text's secrets, without quotes: ascending and disjoint.
///
/// A value is a secret by the name of its member or of a container around it, by a known pattern of secrets, or because
/// it contains the text of another secret. The text may be broken JSON: an unterminated string ends with its line.
///
/// ```
/// use credential_pool::secrets;
///
/// let text = r#"{"id": "a1b2c3", "access_token": "very-secret", "label": "very-secret, of work""#;
/// let found: Vec<_> = secrets(text).iter().map(|span| text.get(span.from..span.to).unwrap()).collect();
/// assert_eq!(found, ["very-secret", "very-secret, of work"]);
/// ```
pub fn secrets(text: &str) -> Vec<Span> {
    let tokens = Scan::of(text);
    let mut index = SecretIndex::default();
    for token in tokens.iter().filter(|token| token.is_secret && token.is_text) {
        index.add(&decoded(part(text, token.span)));
    }
    let index = index.sorted();
    let mut found = Vec::new();
    for token in &tokens {
        let raw = part(text, token.span);
        if token.is_secret && !raw.is_empty() {
            found.push(token.span);
        } else if raw.len() >= MIN_LENGTH {
            let shown = decoded(raw);
            if index.occurs_in(&shown, token.is_name) {
                found.push(token.span);
            } else if let Cow::Borrowed(shown) = shown {
                secret_patterns::find(shown, token.span.from, &mut found);
            } else {
                let mut any = Vec::new();
                secret_patterns::find(&shown, 0, &mut any);
                if !any.is_empty() {
                    found.push(token.span);
                }
            }
        }
    }
    found
}

/// Returns the text with each of its [`secrets`] masked. The mask ends with the first six digits of the secret's
/// fingerprint, so that masked texts differ where secrets differ.
///
/// ```
/// use credential_pool::masked;
///
/// assert_eq!(masked(r#"{"id": "a", "api_key": "abc"}"#), r#"{"id": "a", "api_key": "•••••••• ba7816"}"#);
/// ```
pub fn masked(text: &str) -> String {
    mask(text, &secrets(text))
}

fn mask(text: &str, spans: &[Span]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for span in spans {
        out.push_str(text.get(at..span.from).unwrap_or_default());
        out.push_str("•••••••• ");
        let fingerprint = Fingerprint::of(decoded(part(text, *span)).as_bytes());
        out.push_str(fingerprint.digits().get(..6).unwrap_or_default());
        at = span.to;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// Minimum length of a value that can match a pattern or contain a secret.
const MIN_LENGTH: usize = 5;

/// String or bare word of the text, without quotes.
struct Token {
    span: Span,
    /// Whether the token is a secret by the names around it.
    is_secret: bool,
    is_name: bool,
    /// Whether the token is searched for elsewhere; numbers are not, since they occur anywhere.
    is_text: bool,
}

/// List or object that is being scanned.
#[derive(Clone, Copy)]
struct OpenContainer {
    bracket: u8,
    is_secret: bool,
    /// Whether the members' names are pool keys.
    holds_pools: bool,
    /// Whether the container is merge metadata, whose member names are fields of rows and whose values are stamps.
    is_merge: bool,
}

/// Tolerant scanner: accepts any text.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    open: Vec<OpenContainer>,
    /// Kind of the name before the next value.
    name: NameKind,
    /// Whether the last token is a secret's string without a closing quote.
    is_unterminated: bool,
    /// Whether the scanner has passed the end of that string's line.
    is_continued: bool,
    tokens: Vec<Token>,
}

impl<'a> Scan<'a> {
    fn of(text: &'a str) -> Vec<Token> {
        let mut scan = Self {
            text,
            at: 0,
            open: Vec::new(),
            name: NameKind::Plain,
            is_unterminated: false,
            is_continued: false,
            tokens: Vec::new(),
        };
        while let Some(byte) = scan.peek() {
            scan.step(byte);
        }
        scan.tokens
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn step(&mut self, byte: u8) {
        if self.is_continued && matches!(byte, b'"' | b',' | b'{' | b'[' | b'}' | b']') {
            (self.is_unterminated, self.is_continued) = (false, false);
        }
        match byte {
            b'\n' | b'\r' => {
                self.is_continued = self.is_unterminated;
                self.skip();
            }
            b' ' | b'\t' | b':' => self.skip(),
            b',' => {
                self.name = NameKind::Plain;
                self.skip();
            }
            b'{' | b'[' => {
                self.enter(byte);
                self.skip();
            }
            b'}' | b']' => {
                self.leave(byte);
                self.skip();
            }
            b'"' => {
                self.skip();
                self.string();
            }
            _ if self.is_continued => self.continuation(),
            _ => self.word(),
        }
    }

    fn enter(&mut self, bracket: u8) {
        let outer = self.open.last();
        let is_in_secret = outer.is_some_and(|outer| outer.is_secret);
        let is_merge = self.name == NameKind::Merges || outer.is_some_and(|outer| outer.is_merge);
        let is_pool = outer.is_some_and(|outer| outer.holds_pools);
        let is_secret = match self.name {
            _ if is_merge || is_pool => is_in_secret,
            NameKind::Secret | NameKind::Counted => true,
            NameKind::Public => false,
            _ => is_in_secret,
        };
        let holds_pools = matches!(self.name, NameKind::Pools | NameKind::Merges);
        self.open.push(OpenContainer { bracket, is_secret, holds_pools, is_merge });
        self.name = NameKind::Plain;
    }

    /// Closes a list or object. Ignores a bracket without a counterpart, and a bracket of the other kind inside a
    /// secret list or object.
    fn leave(&mut self, bracket: u8) {
        self.name = NameKind::Plain;
        let opening = if bracket == b'}' { b'{' } else { b'[' };
        let Some(top) = self.open.last() else { return };
        if top.bracket == opening {
            self.open.pop();
        } else if !top.is_secret
            && let Some(at) = self.open.iter().rposition(|open| open.bracket == opening)
        {
            self.open.truncate(at);
        }
    }

    /// Reads a string after its opening quote.
    fn string(&mut self) {
        let from = self.at;
        let bytes = self.text.as_bytes();
        let mut is_closed = false;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    is_closed = true;
                    break;
                }
                b'\n' | b'\r' => break,
                b'\\' if !matches!(bytes.get(self.at.saturating_add(1)), None | Some(b'\n' | b'\r')) => {
                    self.skip();
                    self.skip();
                }
                _ => self.skip(),
            }
        }
        let span = Span { from, to: self.at };
        if is_closed {
            self.skip();
        }
        let span = if is_closed { span } else { self.trimmed(span) };
        self.is_unterminated = self.token(span, true) && !is_closed;
    }

    /// Reads a word outside of quotes.
    fn word(&mut self) {
        let from = self.at;
        let is_secret = self.is_secret(false);
        let mut is_url = false;
        while let Some(byte) = self.peek() {
            is_url |= self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(b"://"));
            match byte {
                b'"' | b',' | b'{' | b'}' | b'[' | b']' | b'\n' | b'\r' => break,
                b':' if !is_secret && !is_url => break,
                _ => self.skip(),
            }
        }
        let span = self.trimmed(Span { from, to: self.at });
        self.token(span, false);
    }

    /// Reads the next line of a secret's string that contains a raw line end.
    fn continuation(&mut self) {
        let from = self.at;
        while self.peek().is_some_and(|byte| !matches!(byte, b'"' | b'\n' | b'\r')) {
            self.skip();
        }
        let span = self.trimmed(Span { from, to: self.at });
        self.tokens.push(Token { span, is_secret: true, is_name: false, is_text: true });
        if self.peek() == Some(b'"') {
            (self.is_unterminated, self.is_continued) = (false, false);
            self.skip();
        }
    }

    fn trimmed(&self, span: Span) -> Span {
        let kept = part(self.text, span).trim_end_matches([' ', '\t', ',']).len();
        Span { from: span.from, to: span.from.saturating_add(kept) }
    }

    /// Adds a token. Returns whether the token is a secret.
    fn token(&mut self, span: Span, is_quoted: bool) -> bool {
        let raw = part(self.text, span);
        let shown = decoded(raw);
        if self.is_before_colon() {
            // After a secret's name without a comma in between: the token may be the secret itself.
            let is_secret = matches!(self.name, NameKind::Secret | NameKind::Counted);
            self.name = match self.open.last() {
                // A custom pool key is free text.
                Some(open) if open.holds_pools && shown.contains(':') => NameKind::Plain,
                _ => NameKind::of(&shown),
            };
            self.tokens.push(Token { span, is_secret, is_name: true, is_text: false });
            return is_secret;
        }
        let has_content = !shown.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric());
        let is_number = !is_quoted && raw.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let is_literal = !is_quoted && matches!(raw, "true" | "false" | "null");
        // Unbalanced quotes enclose separators, which are not values.
        let is_separator = !has_content && shown.bytes().all(|byte| b" \t:,{}[]".contains(&byte));
        let is_secret = self.is_secret(is_number) && !is_literal && !is_separator && !is_fingerprint(&shown);
        self.tokens.push(Token { span, is_secret, is_name: false, is_text: !is_number });
        if has_content {
            // The token may be a name whose colon is missing.
            self.name = match NameKind::of(&shown) {
                name @ (NameKind::Secret | NameKind::Counted) => name,
                _ => NameKind::Plain,
            };
        }
        is_secret
    }

    /// Returns whether a value at this place is a secret by the names around it.
    fn is_secret(&self, is_number: bool) -> bool {
        match self.name {
            NameKind::Secret => true,
            NameKind::Counted => !is_number,
            NameKind::Public => false,
            _ => self.open.last().is_some_and(|open| open.is_secret),
        }
    }

    fn is_before_colon(&self) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        rest.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) == Some(&b':')
    }
}

fn part(text: &str, span: Span) -> &str {
    text.get(span.from..span.to).unwrap_or_default()
}

/// Decodes the escapes of a string's inside; returns the text itself if decoding gives nothing.
fn decoded(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let text = raw::text(&format!("\"{raw}\""));
    Cow::Owned(if text.is_empty() { raw.to_owned() } else { text })
}

fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|d| d.is_ascii_hexdigit()))
}
