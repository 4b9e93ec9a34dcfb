//! A provider as data.

use serde_json::{Map, Value};

use super::auth_style::{AuthStyle, BEARER, SecretKind};
use crate::{
    failure::rule::Rule,
    oauth::flow::{LoginEndpoints, RefreshFlow},
};

/// Everything that the pool knows of one provider. A provider's file states what differs from [`GENERIC`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Provider {
    /// Pool key.
    pub(crate) id: &'static str,
    /// Other pool keys of the same provider.
    pub(crate) aliases: &'static [&'static str],
    /// Name for people.
    pub(crate) name: &'static str,
    /// Domains of its base URLs. A domain stands for itself and its subdomains; the label `*` stands for any label.
    pub(crate) hosts: &'static [&'static str],
    /// Base URL; `None` if each account has its own.
    pub(crate) base_url: Option<&'static str>,
    /// Environment variables that may hold its keys, in the order of discovery. Empty if its keys are not discovered.
    pub(crate) key_variables: &'static [&'static str],
    /// Environment variable that overrides the base URL.
    pub(crate) base_url_variable: Option<&'static str>,
    /// Authentication with a key.
    pub(crate) key_auth: AuthStyle,
    /// Authentication with a key under base URLs that contain one of these path segments, for a provider that speaks
    /// another provider's protocol there.
    pub(crate) key_auth_under: &'static [(&'static str, AuthStyle)],
    /// Authentication with a login.
    pub(crate) login_auth: AuthStyle,
    /// Further places where its servers look for a secret.
    pub(crate) other_auth_places: AuthPlaces,
    /// Prefixes of secrets that tell their kind.
    pub(crate) secret_prefixes: &'static [(&'static str, SecretKind)],
    /// Kind of a discovered secret whose prefix tells none.
    pub(crate) discovered_kind: SecretKind,
    /// Field of a row whose secret requests carry.
    pub(crate) carries: Carried,
    /// Refresh of its logins; `None` if the pool cannot refresh them.
    pub(crate) refresh: Option<RefreshFlow>,
    /// Login for this program's own client; `None` if the provider offers none.
    pub(crate) login: Option<LoginEndpoints>,
    /// Places where other programs keep its logins, in the order of discovery.
    pub(crate) kept_logins: &'static [KeptLogin],
    /// Ranking of the sources of discovered credentials; empty if discovered credentials keep their order.
    pub(crate) source_ranking: &'static [&'static str],
    /// Failure rules that go before the general ones.
    pub(crate) rules: &'static [Rule],
    /// Zone of its dates that name none, in minutes ahead of UTC.
    pub(crate) zone_minutes: i64,
}

/// Provider without a peculiarity: custom endpoints, and the ground of every provider's file.
pub(crate) const GENERIC: Provider = Provider {
    id: "",
    aliases: &[],
    name: "",
    hosts: &[],
    base_url: None,
    key_variables: &[],
    base_url_variable: None,
    key_auth: BEARER,
    key_auth_under: &[],
    login_auth: BEARER,
    // RFC 6750, section 2.3.
    other_auth_places: AuthPlaces { headers: &[], query: &["access_token"] },
    secret_prefixes: &[],
    discovered_kind: SecretKind::Key,
    carries: Carried::AccessToken,
    refresh: None,
    login: None,
    kept_logins: &[],
    source_ranking: &[],
    rules: &[],
    zone_minutes: 0,
};

/// Headers, in lower case, and query parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuthPlaces {
    /// Names of headers.
    pub(crate) headers: &'static [&'static str],
    /// Names of query parameters.
    pub(crate) query: &'static [&'static str],
}

/// Field of a row whose secret requests carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// `access_token`, to `base_url`.
    AccessToken,
    /// `agent_key` to `inference_base_url`, where the row has them; else as [`Self::AccessToken`].
    AgentKey,
}

/// JSON fields: of a login as a program keeps it, or of a row.
pub(crate) type Fields = Map<String, Value>;

/// Login that another program keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptLogin {
    /// Source of its row.
    pub(crate) source: &'static str,
    /// Place where the program keeps it.
    pub(crate) place: LoginPlace,
    /// Reads what the program keeps into the fields of a row; `None` if nobody is logged in.
    pub(crate) row: fn(&Fields) -> Option<Fields>,
}

/// Place of a login that another program keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginPlace {
    /// A file of its own, which the host shows under the source's name.
    File,
    /// The document's `providers`, under the provider's id.
    Document,
}

impl Provider {
    /// Returns the kind that the prefix of a secret tells; `None` if the prefix tells none.
    pub(crate) fn told_kind(&self, secret: &str) -> Option<SecretKind> {
        self.secret_prefixes.iter().find(|(prefix, _)| secret.starts_with(prefix)).map(|(_, kind)| *kind)
    }
}
