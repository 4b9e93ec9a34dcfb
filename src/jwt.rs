//! Claims of JSON Web Tokens (RFC 7519). Claims are read and never verified: verification is the provider's.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::time::{Timestamp, UnixSeconds};

/// Returns the claims of a token; empty if `token` is not a readable JSON Web Token.
pub(crate) fn claims(token: &str) -> Map<String, Value> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Map::new();
    };
    let json = URL_SAFE_NO_PAD.decode(payload).ok().and_then(|json| String::from_utf8(json).ok());
    match json.and_then(|json| serde_json::from_str(&json).ok()) {
        Some(Value::Object(claims)) => claims,
        _ => Map::new(),
    }
}

/// Returns the end of the token, its numeric `exp` claim (RFC 7519, section 4.1.4); `None` if it has none.
pub(crate) fn expires_at(token: &str) -> Option<Timestamp> {
    let seconds = claims(token).get("exp")?.as_f64()?;
    UnixSeconds::new(seconds).map(UnixSeconds::to_timestamp)
}

/// Returns the name of the token's owner, the first non-empty claim of `email`, `preferred_username` and `upn`;
/// `otherwise` if the token has none of them.
pub(crate) fn label(token: &str, otherwise: &str) -> String {
    let claims = claims(token);
    ["email", "preferred_username", "upn"]
        .into_iter()
        .filter_map(|claim| claims.get(claim)?.as_str().map(str::trim))
        .find(|name| !name.is_empty())
        .unwrap_or(otherwise)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("header.{}.signature", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_label_is_the_first_claim_with_a_name_in_it() {
        for (claims, label_expected) in [
            (r#"{"email":" a@example.test "}"#, "a@example.test"),
            (r#"{"email":"  ","preferred_username":"ann"}"#, "ann"),
            (r#"{"email":7,"upn":"u"}"#, "u"),
            (r#"{"name":"ann"}"#, "source"),
            (r#"["email"]"#, "source"),
        ] {
            assert_eq!(label(&token(claims), "source"), label_expected, "{claims}");
        }
    }

    #[test]
    fn anything_unreadable_has_no_claims() {
        for unreadable in ["", "..", "a.b", "a.b.c", "a.b.c.d", "a.e30=.c", "a.eyJ.c"] {
            assert!(claims(unreadable).is_empty(), "{unreadable}");
        }
    }

    #[test]
    fn only_a_number_is_an_expiry() {
        assert_eq!(expires_at(&token(r#"{"exp":1785398299}"#)), Some(Timestamp::from_millis(1_785_398_299_000)));
        assert_eq!(expires_at(&token(r#"{"exp":1785398299.5}"#)), Some(Timestamp::from_millis(1_785_398_299_500)));
        assert_eq!(expires_at(&token(r#"{"exp":"1785398299"}"#)), None);
        assert_eq!(expires_at("opaque"), None);
    }
}
