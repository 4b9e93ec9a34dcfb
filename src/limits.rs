//! Limits of what the pool reads and keeps.

use serde::Serialize;

use crate::error::{Error, ErrorCode};

/// Most that the pool reads of an input and keeps. An input beyond a limit is refused with
/// [`ErrorCode::TooLarge`](crate::ErrorCode::TooLarge), before it is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Bytes of a document's text.
    pub document_bytes: usize,
    /// Rows of a document, of all its pools together, and of a pool.
    pub rows: usize,
    /// Levels of lists and objects in each other, of a document and of every other JSON text.
    pub nesting: usize,
    /// Bytes of a response's body. A host need not read more: the beginning of a longer body is judged as text.
    pub response_body_bytes: usize,
    /// Bytes of all names and values of a response's headers.
    pub response_header_bytes: usize,
    /// Models with a cooldown that a row remembers. Of more models, the cooldowns that end first are forgotten.
    pub models_per_credential: usize,
    /// Bytes of the name of a model with a cooldown. Of a model with a longer name, no cooldown is remembered.
    pub model_name_bytes: usize,
    /// Bytes of a call's text, of the WebAssembly component.
    pub call_bytes: usize,
    /// JSON values in a call, of the WebAssembly component: in its text, and in the text of a document that it passes.
    pub call_values: usize,
    /// Problems of a document that [`check`](crate::check) returns: the first.
    pub problems: usize,
}

/// The limits of this pool.
pub const LIMITS: Limits = Limits {
    document_bytes: 64 << 20,
    rows: 100_000,
    // The limit of `serde_json`, with which hosts read documents too.
    nesting: 127,
    response_body_bytes: 1 << 20,
    response_header_bytes: 256 << 10,
    models_per_credential: 64,
    model_name_bytes: 256,
    call_bytes: 16 << 20,
    call_values: 200_000,
    problems: 1_000,
};

impl Limits {
    /// Checks the text of a call of the WebAssembly component, or of a document that a call passes, without parsing.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::TooLarge`].
    ///
    /// ```
    /// use credential_pool::{ErrorCode, LIMITS};
    ///
    /// assert!(LIMITS.check_call(r#"{ "call": "limits" }"#).is_ok());
    /// let deep = "[".repeat(LIMITS.nesting + 1);
    /// assert_eq!(LIMITS.check_call(&deep).unwrap_err().code, ErrorCode::TooLarge);
    /// ```
    pub fn check_call(&self, text: &str) -> Result<(), Error> {
        let advice = "pass less at a time";
        at_most(text.len(), self.call_bytes, "bytes of a call", advice)?;
        let extent = Extent::of(text, "");
        at_most(extent.values, self.call_values, "JSON values in a call", advice)?;
        at_most(extent.nesting, self.nesting, "levels of nesting", "reduce the nesting")
    }

    /// Checks the text of a document without parsing; `pools` is the name of the section with lists of rows. The nesting
    /// of a document is checked with its syntax, which knows the place.
    pub(crate) fn check_document(&self, text: &str, pools: &str) -> Result<(), Error> {
        at_most(text.len(), self.document_bytes, "bytes of a document", "divide its pools among several documents")?;
        self.check_rows(Extent::of(text, pools).rows)
    }

    /// Checks a number of rows.
    pub(crate) fn check_rows(&self, rows: usize) -> Result<(), Error> {
        at_most(rows, self.rows, "rows", "remove credentials that serve no more")
    }

    /// Checks the size of a response.
    pub(crate) fn check_response(&self, headers: &[(String, String)], body: &str) -> Result<(), Error> {
        let lengths = headers.iter().map(|(name, value)| name.len().saturating_add(value.len()));
        let header_bytes = lengths.fold(0, usize::saturating_add);
        let advice = "report those that tell of limits, such as Retry-After";
        at_most(header_bytes, self.response_header_bytes, "bytes of a response's headers", advice)
            .map_err(|error| error.at("/headers"))?;
        at_most(body.len(), self.response_body_bytes, "bytes of a response's body", "report the beginning of the body")
            .map_err(|error| error.at("/body"))
    }
}

/// Returns an error if a size exceeds its limit.
fn at_most(size: usize, limit: usize, what: &str, advice: &str) -> Result<(), Error> {
    if size <= limit {
        return Ok(());
    }
    Err(Error::new(ErrorCode::TooLarge, format!("the limit is {limit} {what}, and this has {size}; {advice}")))
}

/// Extent of a text that should be JSON, counted without parsing. Of other text the counts mean nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Extent {
    /// Values: scalars, lists and objects.
    values: usize,
    /// Levels of lists and objects in each other.
    nesting: usize,
    /// Elements of lists in the section of pools.
    rows: usize,
}

impl Extent {
    fn of(text: &str, pools: &str) -> Self {
        let mut extent = Self::default();
        let (mut depth, mut is_quoted, mut is_escaped) = (0_usize, false, false);
        // Whether a value would begin here: after a bracket, a comma and a colon, until the value does.
        let mut awaits_value = true;
        let (mut in_pools, mut text_from, mut last_text) = (false, 0, "");
        for (at, byte) in text.bytes().enumerate() {
            if is_quoted {
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' => is_escaped = true,
                    b'"' => (is_quoted, last_text) = (false, text.get(text_from..at).unwrap_or_default()),
                    _ => {}
                }
                continue;
            }
            let begins = awaits_value && !byte.is_ascii_whitespace() && !b"]},:".contains(&byte);
            if begins {
                extent.values = extent.values.saturating_add(1);
                extent.rows = extent.rows.saturating_add(usize::from(in_pools && depth == ROW_DEPTH));
                awaits_value = false;
            }
            match byte {
                b'"' => (is_quoted, text_from) = (true, at.saturating_add(1)),
                b'[' | b'{' => (depth, awaits_value) = (depth.saturating_add(1), true),
                b']' | b'}' => (depth, awaits_value) = (depth.saturating_sub(1), false),
                b',' => awaits_value = true,
                // What was counted before the colon is the name of the value behind it.
                b':' if depth == 1 => in_pools = last_text == pools,
                _ => {}
            }
            extent.nesting = extent.nesting.max(depth);
        }
        extent
    }
}

/// Levels of a document around a row.
const ROW_DEPTH: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extent_counts_values_levels_and_rows() {
        for (text, values, nesting, rows) in [
            ("", 0, 0, 0),
            (" ", 0, 0, 0),
            ("1", 1, 0, 0),
            ("[]", 1, 1, 0),
            ("[ ]", 1, 1, 0),
            ("[1, 22,\n333]", 4, 1, 0),
            ("[[], {}, [[]]]", 5, 3, 0),
            (r#"{"a": 1, "b": [2, "3"]}"#, 5, 2, 0),
            (r#"["[[\"[[,,", "\\"]"#, 3, 1, 0),
            ("]]]}}}", 0, 0, 0),
            ("[[[[", 4, 4, 0),
            (r#"{"credential_pool": {"a": [{}, {"id": "x"}], "b": [], "c": [1]}}"#, 9, 4, 3),
            (r#"{"credential_pool": {"a": [{}]}, "other": {"b": [{}, {}, {}]}}"#, 9, 4, 1),
            (r#"{"other": {"b": [{}]}, "credential_pool" : {"a": [{"credential_pool": [1]}]}}"#, 9, 5, 1),
        ] {
            assert_eq!(Extent::of(text, "credential_pool"), Extent { values, nesting, rows }, "{text}");
        }
    }

    #[test]
    fn an_error_names_the_limit_and_the_remedy() {
        let limits = Limits { rows: 2, ..LIMITS };
        let error = limits.check_document(r#"{"pools": {"a": [1, 2], "b": [3]}}"#, "pools").unwrap_err();
        assert_eq!(error.code, ErrorCode::TooLarge);
        assert_eq!(error.message, "the limit is 2 rows, and this has 3; remove credentials that serve no more");
    }
}
