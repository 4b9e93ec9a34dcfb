//! Text of keys: which a request can carry, and what is left of pasted text.

/// Returns whether a header can carry a key: visible ASCII alone (RFC 9110, section 5.5), since no key has spaces.
pub(crate) fn is_sendable(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns the key in pasted text: without spaces and invisible marks around it, matching quotes, and what configuration
/// files and headers write before it (`export NAME=`, `NAME=`, `Authorization: Bearer`).
pub(crate) fn cleaned(text: &str) -> &str {
    let mut key = text;
    loop {
        let inner = inside_quotes(after_prefix(key.trim_matches(is_blank)));
        if inner == key {
            return key;
        }
        key = inner;
    }
}

/// Returns why cleaned text is no key, and what to do; `None` if it is a key, or empty.
pub(crate) fn fault(key: &str) -> Option<&'static str> {
    let parts = key.split(|char: char| char.is_whitespace() || matches!(char, ',' | ';'));
    if parts.filter(|part| !part.is_empty()).count() > 1 {
        return Some(
            "this text holds more than a key: a key has no spaces, commas or line breaks; add each key by itself",
        );
    }
    (!key.is_empty() && !is_sendable(key)).then_some(
        "this key has characters that no request can carry, such as line breaks, invisible marks or the quotes of a text \
         editor; copy the key again",
    )
}

const SCHEME: &str = "Bearer ";

/// Headers that carry keys, in lower case.
const HEADERS: [&str; 4] = ["authorization:", "x-api-key:", "x-goog-api-key:", "api-key:"];

const QUOTES: [(char, char); 6] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}'), ('\u{ab}', '\u{bb}')];

/// Returns whether a character shows nothing: white space, a byte order mark, a mark of no width.
fn is_blank(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{ad}' | '\0')
}

fn after_prefix(text: &str) -> &str {
    let headers = HEADERS.iter().chain([&SCHEME]);
    if let Some(rest) = headers.into_iter().find_map(|prefix| without_prefix(text, prefix)) {
        return rest;
    }
    let assignment = text.strip_prefix("export ").map_or(text, str::trim_start);
    match assignment.split_once('=') {
        // The `=` at the end of base64 assigns nothing.
        Some((name, value)) if is_variable(name) && value.contains(|char: char| char.is_ascii_alphanumeric()) => value,
        _ => text,
    }
}

/// Removes a prefix in any case.
fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Returns whether this is the name of an environment variable as people write them: in upper case.
fn is_variable(name: &str) -> bool {
    name.starts_with(|char: char| char.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn inside_quotes(text: &str) -> &str {
    let inner = |(open, close): &(char, char)| text.strip_prefix(*open)?.strip_suffix(*close);
    QUOTES.iter().find_map(inner).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_text_is_cleaned_where_it_is_plain() {
        for pasted in [
            "sk-1",
            "  sk-1\r\n",
            "\u{feff}sk-1",
            "\u{200b}sk-1\u{200b}\u{a0}",
            "sk-1\0",
            "\"sk-1\"",
            "'sk-1'",
            "`sk-1`",
            "\u{201c}sk-1\u{201d}",
            "\u{2018}sk-1\u{2019}",
            "OPENAI_API_KEY=sk-1",
            "OPENAI_API_KEY=\"sk-1\"",
            "export OPENAI_API_KEY=sk-1",
            " export  OPENAI_API_KEY='sk-1' ",
            "Bearer sk-1",
            "bearer  sk-1",
            "Authorization: Bearer sk-1",
            "authorization:Bearer sk-1\n",
            "\"Authorization: Bearer sk-1\"",
            "x-api-key: sk-1",
        ] {
            assert_eq!((cleaned(pasted), fault(cleaned(pasted))), ("sk-1", None), "{pasted:?}");
        }
    }

    #[test]
    fn what_is_a_key_stays() {
        for key in ["", "x", "=", "ABCD==", "AB12=", "a=b", "sk-1=", "\"", "a\"b\"", "Bearer", "u:p@x", "eyJ.eyJ.-_"] {
            assert_eq!((cleaned(key), fault(key)), (key, None), "{key:?}");
        }
    }

    #[test]
    fn what_no_header_can_carry_is_refused() {
        for (key, says) in [
            ("sk-1\nsk-2", "each key by itself"),
            ("sk-1, sk-2", "each key by itself"),
            ("sk-1,sk-2", "each key by itself"),
            ("A=sk-1\nB=sk-2", "each key by itself"),
            ("sk-1 # work", "each key by itself"),
            ("sk-\u{2018}1", "copy the key again"),
            ("sk-\u{0}1", "copy the key again"),
            ("sk-\u{200b}1", "copy the key again"),
            ("sk-\u{7f}1", "copy the key again"),
            ("schlüssel", "copy the key again"),
        ] {
            let message = fault(cleaned(key)).unwrap_or_default();
            assert!(message.contains(says), "{key:?}: {message}");
        }
    }
}
