//! Decimal numbers as providers write them, in thousandths.
//!
//! Integers only: a number beyond the largest ends at the largest and is never infinite.

use serde_json::Number;

/// Returns the number that `text` begins with, in thousandths rounded up, and the text behind it; `None` if `text`
/// begins with no digit.
pub(crate) fn leading(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = split_where(text, |char| !char.is_ascii_digit());
    let (fraction, after) = match rest.strip_prefix('.') {
        Some(rest) => split_where(rest, |char| !char.is_ascii_digit()),
        None => ("", rest),
    };
    let mut amount = digits(whole)?.saturating_mul(1000);
    for (digit, weight) in fraction.bytes().zip([100, 10, 1]) {
        amount = amount.saturating_add(u64::from(digit.saturating_sub(b'0')).saturating_mul(weight));
    }
    let has_more = fraction.bytes().skip(3).any(|digit| digit != b'0');
    let rest = if fraction.is_empty() { rest } else { after };
    Some((amount.saturating_add(u64::from(has_more)), rest))
}

/// Returns a JSON number in thousandths, rounded up; `None` if the number is negative.
pub(crate) fn thousandths(number: &Number) -> Option<u64> {
    if let Some(whole) = number.as_u64() {
        return Some(whole.saturating_mul(1000));
    }
    let amount = number.as_f64().filter(|amount| *amount >= 0.0)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the amount is not negative, and an amount beyond u64 becomes the largest"
    )]
    Some((amount * 1000.0).ceil() as u64)
}

/// Returns the whole of `text` as a number that ends at the largest; `None` if `text` holds anything but digits.
pub(crate) fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Splits `text` before the first character for which `is_end` holds.
pub(crate) fn split_where(text: &str, is_end: fn(char) -> bool) -> (&str, &str) {
    text.split_at_checked(text.find(is_end).unwrap_or(text.len())).unwrap_or((text, ""))
}
