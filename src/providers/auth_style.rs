//! Authentication styles: where a request carries its secret.

/// Authentication of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuthStyle {
    /// Headers that carry the secret: name in lower case, and the text before the secret.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Query parameters that carry the secret.
    pub(crate) query: &'static [&'static str],
    /// Headers that carry a claim of the secret, which is a JSON Web Token: name in lower case, and the path of the claim.
    /// A token without the claim sets no such header.
    pub(crate) claims: &'static [(&'static str, &'static [&'static str])],
    /// Values of list headers that the request must hold beside its own (RFC 9110, section 5.6.1): name and value.
    pub(crate) append: &'static [(&'static str, &'static str)],
}

/// `Authorization: Bearer` (RFC 6750, section 2.1).
pub(crate) const BEARER: AuthStyle = AuthStyle::headers(&[("authorization", "Bearer ")]);

impl AuthStyle {
    /// Returns the style of these headers: name in lower case, and the text before the secret.
    pub(crate) const fn headers(headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, query: &[], claims: &[], append: &[] }
    }
}

/// Kind of a secret that requests carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretKind {
    /// An API key.
    Key,
    /// An access token of a login.
    Login,
}
