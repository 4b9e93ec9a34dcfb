//! Data of OAuth flows, for the files of providers: how a login is made, and how its tokens are refreshed.

/// Refresh of a provider's logins (RFC 6749, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RefreshFlow {
    /// Server of the token endpoint.
    pub(crate) server: TokenServer,
    /// Second server of the same token endpoint; asked when the first did not exchange the token.
    pub(crate) other_server: Option<&'static str>,
    /// Path of the token endpoint.
    pub(crate) path: &'static str,
    /// Exchange of the new access token for the key that requests carry; `None` if requests carry the access token.
    pub(crate) key_exchange: Option<KeyExchange>,
    /// Client id of rows that have none of their own.
    pub(crate) client_id: &'static str,
    /// Endings of the sources whose logins are refreshed with JSON; all other logins use a form.
    pub(crate) json_sources: &'static [&'static str],
    /// Time to wait for an answer, in milliseconds.
    pub(crate) timeout_ms: u32,
    /// Place that tells when an access token ends.
    pub(crate) token_end: TokenEnd,
    /// Fields that an answer sets beside the tokens.
    pub(crate) sets: TokenDates,
    /// Error codes that end a login of this provider and not of every provider.
    pub(crate) final_codes: &'static [&'static str],
}

/// Exchange of an access token for the key that requests carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyExchange {
    /// Path of the endpoint, on the token endpoint's server.
    pub(crate) path: &'static str,
    /// JSON body of the request.
    pub(crate) body: &'static str,
}

/// Server of a token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenServer {
    /// This server.
    Fixed(&'static str),
    /// The row's `portal_base_url`, else this server.
    Portal(&'static str),
}

/// Place that tells when an access token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenEnd {
    /// The row's `expires_at_ms`; 0 means unknown.
    Row,
    /// The token's own `exp` claim.
    Claim,
    /// Nothing that selection goes by: such a login is refreshed when a request needs it or the host asks for it.
    Unknown,
}

/// Fields of a row that new tokens set beside themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenDates {
    /// `expires_at_ms`.
    ExpiresAtMs,
    /// `last_refresh`; the token itself tells its end.
    LastRefresh,
    /// `obtained_at`, `expires_in`, `expires_at`, `token_type`, `scope`, `inference_base_url`.
    ObtainedAt,
}

/// Login that a provider offers to this program's own client: public data, as a configuration would state it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoginEndpoints {
    /// Client id.
    pub(crate) client_id: &'static str,
    /// Scope to ask for; `None` leaves it to the provider.
    pub(crate) scope: Option<&'static str>,
    /// Device authorization endpoint (RFC 8628).
    pub(crate) device_authorization_url: &'static str,
    /// Token endpoint.
    pub(crate) token_url: &'static str,
    /// Portal whose keys the login's requests carry; `None` if they carry the access token.
    pub(crate) portal_base_url: Option<&'static str>,
}

/// Step of a refresh: one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leg {
    /// Request for new tokens.
    Tokens,
    /// Request for new tokens, at the provider's other server.
    TokensElsewhere,
    /// Request for a key, with the access token that this refresh brought.
    Key,
    /// Request for a key, with the access token that the row had: this refresh brought none.
    KeyAlone,
}
