//! Where a text holds secrets, so that they can be covered while it is shown. Works on a text that
//! is being typed, and so on broken JSON too.

mod copies;
mod names;
mod secret_patterns;

use std::borrow::Cow;

use super::{raw, span::Span};
use crate::secret::Fingerprint;

use copies::Copies;
use names::Name;

/// The parts of a text that hold secrets: ascending, apart from each other, quotes left out.
///
/// A value is a secret by its member's name or that of a container around it, by its looks, or
/// because it holds the text of another secret. The text need not be JSON: a string without an end
/// ends with its line.
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
    let (mut named, mut copied) = (Vec::new(), Copies::default());
    for token in &tokens {
        if token.is_secret {
            named.push(token.span);
            if token.is_text {
                copied.add(&decoded(part(text, token.span)));
            }
        }
    }
    let copied = copied.sorted();
    let mut found = Vec::with_capacity(named.len());
    for token in &tokens {
        let raw = part(text, token.span);
        if token.is_secret && !raw.is_empty() {
            found.push(token.span);
        } else if raw.len() >= SHORTEST {
            let shown = decoded(raw);
            if copied.are_in(&shown, token.is_name) {
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

/// A text with a cover over each of its [`secrets`], and beside it the first six digits of its
/// fingerprint: two such texts differ where a secret does, and show neither.
///
/// ```
/// use credential_pool::masked;
///
/// assert_eq!(masked(r#"{"id": "a", "api_key": "abc"}"#), r#"{"id": "a", "api_key": "•••••••• ba7816"}"#);
/// ```
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for span in secrets(text) {
        out.push_str(text.get(at..span.from).unwrap_or_default());
        out.push_str("•••••••• ");
        let fingerprint = Fingerprint::of(decoded(part(text, span)).as_bytes());
        out.push_str(fingerprint.digits().get(..6).unwrap_or_default());
        at = span.to;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// What is shorter neither looks like a secret nor holds one.
const SHORTEST: usize = 5;

/// A string or a bare word of the text, without quotes.
struct Token {
    span: Span,
    /// By the names around it.
    is_secret: bool,
    is_name: bool,
    /// Whether other places may quote it; a number may stand anywhere.
    is_text: bool,
}

/// A list or object that the scan is in.
#[derive(Clone, Copy)]
struct Open {
    bracket: u8,
    is_secret: bool,
    /// Its members are named after pools.
    holds_pools: bool,
    /// What hosts note of changes: names of fields that stand for who changed them.
    is_merge: bool,
}

/// A scanner that goes on, whatever it meets.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Open>,
    /// The name that the next value belongs to.
    name: Name,
    /// Whether a secret's string went over the end of its line without an end of its own.
    is_cut: bool,
    /// Whether that line is over.
    is_continued: bool,
    tokens: Vec<Token>,
}

impl<'a> Scan<'a> {
    fn of(text: &'a str) -> Vec<Token> {
        let mut scan = Self {
            text,
            at: 0,
            open: Vec::new(),
            name: Name::Plain,
            is_cut: false,
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
            (self.is_cut, self.is_continued) = (false, false);
        }
        match byte {
            b'\n' | b'\r' => {
                self.is_continued = self.is_cut;
                self.skip();
            }
            b' ' | b'\t' | b':' => self.skip(),
            b',' => {
                self.name = Name::Plain;
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
        let is_merge = self.name == Name::Merges || outer.is_some_and(|outer| outer.is_merge);
        let is_pool = outer.is_some_and(|outer| outer.holds_pools);
        let is_secret = match self.name {
            _ if is_merge || is_pool => is_in_secret,
            Name::Secret | Name::Counted => true,
            Name::Public => false,
            _ => is_in_secret,
        };
        let holds_pools = matches!(self.name, Name::Pools | Name::Merges);
        self.open.push(Open { bracket, is_secret, holds_pools, is_merge });
        self.name = Name::Plain;
    }

    /// A bracket that closes nothing is passed over, and so is one that would end a secret's list
    /// or object and does not fit.
    fn leave(&mut self, bracket: u8) {
        self.name = Name::Plain;
        let wanted = if bracket == b'}' { b'{' } else { b'[' };
        let Some(top) = self.open.last() else { return };
        if top.bracket == wanted {
            self.open.pop();
        } else if !top.is_secret
            && let Some(at) = self.open.iter().rposition(|open| open.bracket == wanted)
        {
            self.open.truncate(at);
        }
    }

    /// A string whose opening quote was passed.
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
        self.is_cut = self.token(span, true) && !is_closed;
    }

    /// Anything outside of quotes.
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

    /// A line that belongs to a secret's string which an unescaped line end cut.
    fn continuation(&mut self) {
        let from = self.at;
        while self.peek().is_some_and(|byte| !matches!(byte, b'"' | b'\n' | b'\r')) {
            self.skip();
        }
        let span = self.trimmed(Span { from, to: self.at });
        self.tokens.push(Token { span, is_secret: true, is_name: false, is_text: true });
        if self.peek() == Some(b'"') {
            (self.is_cut, self.is_continued) = (false, false);
            self.skip();
        }
    }

    fn trimmed(&self, span: Span) -> Span {
        let kept = part(self.text, span).trim_end_matches([' ', '\t', ',']).len();
        Span { from: span.from, to: span.from.saturating_add(kept) }
    }

    /// Takes in a token, and answers whether it is a secret.
    fn token(&mut self, span: Span, is_quoted: bool) -> bool {
        let raw = part(self.text, span);
        let shown = decoded(raw);
        if self.is_before_colon() {
            // A secret whose comma is missing or was mistyped.
            let is_secret = matches!(self.name, Name::Secret | Name::Counted);
            self.name = match self.open.last() {
                // A pool may be called whatever its owner likes.
                Some(open) if open.holds_pools && shown.contains(':') => Name::Plain,
                _ => Name::of(&shown),
            };
            self.tokens.push(Token { span, is_secret, is_name: true, is_text: false });
            return is_secret;
        }
        let says_something = !shown.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric());
        let is_number = !is_quoted && raw.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let is_literal = !is_quoted && matches!(raw, "true" | "false" | "null");
        // Quotes that are out of step leave colons and commas between them: those are no values.
        let is_separator = !says_something && shown.bytes().all(|byte| b" \t:,{}[]".contains(&byte));
        let is_secret = self.is_secret(is_number) && !is_literal && !is_separator && !is_fingerprint(&shown);
        self.tokens.push(Token { span, is_secret, is_name: false, is_text: !is_number });
        if says_something {
            // Without a comma behind it, it may be a name whose colon is missing.
            self.name = match Name::of(&shown) {
                name @ (Name::Secret | Name::Counted) => name,
                _ => Name::Plain,
            };
        }
        is_secret
    }

    /// Whether a value that comes now is a secret by its names.
    fn is_secret(&self, is_number: bool) -> bool {
        match self.name {
            Name::Secret => true,
            Name::Counted => !is_number,
            Name::Public => false,
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

/// What the inside of a string stands for; as it is written where that is nothing.
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
