//! Configuration of logins: a provider's own endpoints, or those of the host's configuration.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{Error, ErrorCode, pointer_step},
    oauth::flow::LoginEndpoints,
    pool_key::PoolKey,
    providers,
    web_address::{Address, address, is_safe_url},
};

/// Key of the host's configuration that holds logins by pool key.
const LOGINS: &str = "credential_pool_logins";

/// Flow of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginFlow {
    /// Device authorization grant (RFC 8628): a person types a code into a page, on any device.
    DeviceCode,
    /// Authorization code grant with PKCE (RFC 6749, section 4.1; RFC 7636; RFC 8252): a browser on this machine comes
    /// back with a code.
    AuthorizationCode,
}

impl LoginFlow {
    /// Returns the flow's name, as configurations write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeviceCode => "device_code",
            Self::AuthorizationCode => "authorization_code",
        }
    }
}

/// Configuration of one pool's logins. Holds no secret: the clients are public (RFC 6749, section 2.1). `Debug` omits
/// text that people wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginConfig {
    pub(in crate::oauth) pool: PoolKey,
    pub(in crate::oauth) grant: Grant,
    pub(in crate::oauth) client_id: String,
    pub(in crate::oauth) scope: Option<String>,
    pub(in crate::oauth) token_url: String,
    /// Additional parameters of the first request.
    pub(in crate::oauth) parameters: BTreeMap<String, String>,
    pub(in crate::oauth) portal_base_url: Option<String>,
}

/// Flow with its own settings.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::oauth) enum Grant {
    DeviceCode { device_authorization_url: String },
    AuthorizationCode(Browser),
}

/// Settings of a flow with a browser.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::oauth) struct Browser {
    pub(in crate::oauth) authorization_url: String,
    pub(in crate::oauth) redirect: Redirect,
    /// Issuer that the redirect must name (RFC 9207); `None` checks none.
    pub(in crate::oauth) issuer: Option<String>,
}

/// Address on this machine to which the browser is redirected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::oauth) struct Redirect {
    pub(in crate::oauth) host: String,
    /// Port; `None` for any free port (RFC 8252, section 7.3).
    pub(in crate::oauth) port: Option<u16>,
    pub(in crate::oauth) path: String,
}

impl Redirect {
    pub(in crate::oauth) fn uri(&self, port: u16) -> String {
        format!("http://{}:{port}{}", self.host, self.path)
    }
}

impl LoginConfig {
    /// Returns the configuration of a pool's logins: that of `credential_pool_logins` in the host's configuration, else
    /// the provider's own. `flow` chooses where a provider has both flows; else the configuration chooses, and without a
    /// choice the authorization code goes first.
    ///
    /// ```
    /// use credential_pool::{LoginConfig, LoginFlow, PoolKey};
    /// use serde_json::json;
    ///
    /// let config = json!({ "credential_pool_logins": { "custom:example": {
    ///     "client_id": "my-client",
    ///     "scope": "models:use offline_access",
    ///     "device_authorization_url": "https://login.example/device",
    ///     "token_url": "https://login.example/token",
    /// } } });
    /// let key = PoolKey::parse("custom:example")?;
    /// let config = LoginConfig::of(&key, config.as_object(), None)?;
    /// assert_eq!(config.flow(), LoginFlow::DeviceCode);
    /// # Ok::<(), credential_pool::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidLogin`] with a pointer into the configuration, and [`ErrorCode::LoginUnsupported`].
    pub fn of(pool: &PoolKey, config: Option<&Map<String, Value>>, flow: Option<LoginFlow>) -> Result<Self, Error> {
        let at = format!("/{LOGINS}{}", pointer_step(pool.as_str()));
        let under = |error: Error| {
            let pointer = format!("{at}{}", error.pointer.as_deref().unwrap_or_default());
            error.at(pointer)
        };
        let logins = match config.and_then(|config| config.get(LOGINS)) {
            None | Some(Value::Null) => None,
            Some(Value::Object(logins)) => Some(logins),
            Some(_) => {
                let message = "logins are an object: how each is made, by the key of its pool";
                return Err(Error::new(ErrorCode::InvalidLogin, message).at(format!("/{LOGINS}")));
            }
        };
        let given = match logins.and_then(|logins| logins.get(pool.as_str())) {
            Some(given) => Some(ConfiguredLogin::read(given).map_err(under)?),
            None => providers::login_endpoints(pool).map(ConfiguredLogin::of),
        };
        let Some(given) = given else {
            return Err(Error::new(
                ErrorCode::LoginUnsupported,
                "how to log in to this provider is not known: describe it in the configuration, under \
                 `credential_pool_logins` and the key of the pool, or add a key",
            ));
        };
        given.checked(pool, flow).map_err(under)
    }

    /// Returns the flow.
    pub fn flow(&self) -> LoginFlow {
        match self.grant {
            Grant::DeviceCode { .. } => LoginFlow::DeviceCode,
            Grant::AuthorizationCode(_) => LoginFlow::AuthorizationCode,
        }
    }
}

impl fmt::Debug for LoginConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginConfig").field("flow", &self.flow()).finish_non_exhaustive()
    }
}

/// Login as a configuration states it.
struct ConfiguredLogin {
    flow: Option<LoginFlow>,
    client_id: String,
    scope: Option<String>,
    device_authorization_url: Option<String>,
    authorization_url: Option<String>,
    token_url: String,
    redirect_uri: Option<String>,
    issuer: Option<String>,
    parameters: BTreeMap<String, String>,
    portal_base_url: Option<String>,
}

const FIELDS: [&str; 10] = [
    "flow",
    "client_id",
    "scope",
    "device_authorization_url",
    "authorization_url",
    "token_url",
    "redirect_uri",
    "issuer",
    "parameters",
    "portal_base_url",
];

impl ConfiguredLogin {
    /// Returns a provider's own login.
    fn of(login: &LoginEndpoints) -> Self {
        Self {
            flow: Some(LoginFlow::DeviceCode),
            client_id: login.client_id.to_owned(),
            scope: login.scope.map(str::to_owned),
            device_authorization_url: Some(login.device_authorization_url.to_owned()),
            authorization_url: None,
            token_url: login.token_url.to_owned(),
            redirect_uri: None,
            issuer: None,
            parameters: BTreeMap::new(),
            portal_base_url: login.portal_base_url.map(str::to_owned),
        }
    }

    /// Reads a login of the host's configuration.
    fn read(login: &Value) -> Result<Self, Error> {
        let Value::Object(fields) = login else {
            return invalid("", "how a login is made is an object: `client_id`, `token_url` and more");
        };
        if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return invalid(&pointer_step(name), "a login has no such field: correct its name or delete it");
        }
        let text = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => invalid(&pointer_step(name), "this must be text in quotes"),
        };
        let needed = |name: &str| match text(name)?.filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(text),
            None => invalid(
                &pointer_step(name),
                "this is missing: take it from the provider's documentation for developers",
            ),
        };
        let flow = match text("flow")?.as_deref() {
            None => None,
            Some(name) => {
                match [LoginFlow::DeviceCode, LoginFlow::AuthorizationCode].into_iter().find(|flow| flow.name() == name)
                {
                    Some(flow) => Some(flow),
                    None => return invalid("/flow", "the flow is `device_code` or `authorization_code`"),
                }
            }
        };
        let mut parameters = BTreeMap::new();
        match fields.get("parameters") {
            None | Some(Value::Null) => {}
            Some(Value::Object(given)) => {
                for (name, value) in given {
                    let pointer = format!("/parameters{}", pointer_step(name));
                    let Value::String(text) = value else { return invalid(&pointer, "this must be text in quotes") };
                    if RESERVED.contains(&name.as_str()) {
                        return invalid(&pointer, "the flow itself sets this parameter: delete it");
                    }
                    parameters.insert(name.clone(), text.clone());
                }
            }
            Some(_) => return invalid("/parameters", "parameters are an object: text in quotes by name"),
        }
        Ok(Self {
            flow,
            client_id: needed("client_id")?,
            scope: text("scope")?,
            device_authorization_url: text("device_authorization_url")?,
            authorization_url: text("authorization_url")?,
            token_url: needed("token_url")?,
            redirect_uri: text("redirect_uri")?,
            issuer: text("issuer")?,
            parameters,
            portal_base_url: text("portal_base_url")?,
        })
    }
}

impl ConfiguredLogin {
    /// Returns the configuration if all of it can be used.
    fn checked(self, pool: &PoolKey, wanted: Option<LoginFlow>) -> Result<LoginConfig, Error> {
        let urls = [
            ("device_authorization_url", self.device_authorization_url.as_deref()),
            ("authorization_url", self.authorization_url.as_deref()),
            ("token_url", Some(self.token_url.as_str())),
            ("portal_base_url", self.portal_base_url.as_deref()),
        ];
        for (name, url) in urls {
            if url.is_some_and(|url| !is_safe_url(url)) {
                return invalid(
                    &pointer_step(name),
                    "this must be an https address without a user or a fragment; http on this machine alone",
                );
            }
        }
        if providers::has_portal(pool) != self.portal_base_url.is_some() {
            return invalid(
                "/portal_base_url",
                "a login whose requests carry a key of a portal names the portal here, and no other login does: add \
                 the address or delete it",
            );
        }
        let flow = wanted.or(self.flow).unwrap_or(match self.authorization_url {
            Some(_) => LoginFlow::AuthorizationCode,
            None => LoginFlow::DeviceCode,
        });
        let missing = |name| {
            let message =
                format!("the flow `{}` needs this address: correct it, or choose the other flow", flow.name());
            Err(Error::new(ErrorCode::InvalidLogin, message).at(pointer_step(name)))
        };
        let grant = match flow {
            LoginFlow::DeviceCode => match self.device_authorization_url {
                Some(device_authorization_url) => Grant::DeviceCode { device_authorization_url },
                None => return missing("device_authorization_url"),
            },
            LoginFlow::AuthorizationCode => {
                let Some(authorization_url) = self.authorization_url else { return missing("authorization_url") };
                let Some(redirect) = redirect(self.redirect_uri.as_deref().unwrap_or("http://127.0.0.1/callback"))
                else {
                    return invalid(
                        "/redirect_uri",
                        "the browser comes back to this machine: `http://127.0.0.1/callback`, with a port if the \
                         provider knows just one, or with `localhost`",
                    );
                };
                Grant::AuthorizationCode(Browser { authorization_url, redirect, issuer: self.issuer })
            }
        };
        Ok(LoginConfig {
            pool: pool.clone(),
            grant,
            client_id: self.client_id,
            scope: self.scope.filter(|scope| !scope.trim().is_empty()),
            token_url: self.token_url,
            parameters: self.parameters,
            portal_base_url: self.portal_base_url,
        })
    }
}

/// Parameters that the flows themselves set.
const RESERVED: [&str; 10] = [
    "response_type",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "grant_type",
];

fn invalid<T>(pointer: &str, message: &'static str) -> Result<T, Error> {
    Err(Error::new(ErrorCode::InvalidLogin, message).at(pointer))
}

fn redirect(uri: &str) -> Option<Redirect> {
    let Address { is_https: false, host: host @ ("127.0.0.1" | "localhost"), port, rest } = address(uri)? else {
        return None;
    };
    let path = if rest.is_empty() { "/" } else { rest };
    let is_plain = path.starts_with('/') && !path.contains('?') && port != Some(0);
    is_plain.then(|| Redirect { host: host.to_owned(), port, path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(key: &str, login: Value, flow: Option<LoginFlow>) -> Result<LoginConfig, Error> {
        let config = json!({ "credential_pool_logins": { key: login } });
        LoginConfig::of(&PoolKey::parse(key).unwrap(), config.as_object(), flow)
    }

    fn both() -> Value {
        json!({
            "client_id": "c", "device_authorization_url": "https://a.test/device",
            "authorization_url": "https://a.test/authorize", "token_url": "https://a.test/token",
        })
    }

    #[test]
    fn a_provider_s_own_login_can_be_used() {
        let keys: Vec<_> = providers::all().filter(|provider| provider.login.is_some()).map(|it| it.id).collect();
        assert!(keys.contains(&"nous"), "{keys:?}");
        for key in keys {
            let config = LoginConfig::of(&PoolKey::parse(key).unwrap(), None, None).unwrap();
            assert_eq!(config.flow(), LoginFlow::DeviceCode);
        }
    }

    #[test]
    fn the_flow_is_the_one_asked_for_then_the_configured_one_then_the_browser_s() {
        use LoginFlow::{AuthorizationCode, DeviceCode};
        let mut configured = both();
        configured["flow"] = json!("device_code");
        let mut device_alone = both();
        device_alone.as_object_mut().unwrap().remove("authorization_url");
        for (login, wanted, expected) in [
            (both(), None, AuthorizationCode),
            (both(), Some(DeviceCode), DeviceCode),
            (configured.clone(), None, DeviceCode),
            (configured, Some(AuthorizationCode), AuthorizationCode),
            (device_alone, None, DeviceCode),
        ] {
            assert_eq!(of("custom:a", login, wanted).unwrap().flow(), expected);
        }
    }

    #[test]
    fn what_cannot_be_used_is_said_with_its_place() {
        let at = "/credential_pool_logins/custom:a";
        for (field, value, pointer) in [
            ("client_id", json!(""), "/client_id"),
            ("client_id", json!(7), "/client_id"),
            ("token_url", json!("http://a.test/token"), "/token_url"),
            ("token_url", json!(null), "/token_url"),
            ("flow", json!(7), "/flow"),
            ("parameters", json!(["state"]), "/parameters"),
            ("authorization_url", json!("https://u@a.test/"), "/authorization_url"),
            ("device_authorization_url", json!("a.test"), "/device_authorization_url"),
            ("flow", json!("password"), "/flow"),
            ("redirect_uri", json!("https://a.test/callback"), "/redirect_uri"),
            ("redirect_uri", json!("http://127.0.0.1:0/callback"), "/redirect_uri"),
            ("parameters", json!({ "state": "mine" }), "/parameters/state"),
            ("parameters", json!({ "audience": 7 }), "/parameters/audience"),
            ("portal_base_url", json!("https://a.test"), "/portal_base_url"),
            ("client_secret", json!("sk-canary"), "/client_secret"),
        ] {
            let mut login = both();
            login[field] = value.clone();
            let error = of("custom:a", login, None).unwrap_err();
            let expected = (ErrorCode::InvalidLogin, Some(format!("{at}{pointer}")));
            assert_eq!((error.code, error.pointer.clone()), expected, "{field}: {value}");
            assert!(!error.to_string().contains("canary"));
        }
        assert_eq!(of("custom:a", json!("sk-canary"), None).unwrap_err().pointer.as_deref(), Some(at));
        let error = of("nous", both(), None).unwrap_err();
        assert_eq!(error.pointer.as_deref(), Some("/credential_pool_logins/nous/portal_base_url"));
        let config = json!({ "credential_pool_logins": [] });
        let error = LoginConfig::of(&PoolKey::parse("nous").unwrap(), config.as_object(), None).unwrap_err();
        assert_eq!(error.pointer.as_deref(), Some("/credential_pool_logins"));
    }

    #[test]
    fn a_provider_or_a_flow_that_nobody_described() {
        let zai = PoolKey::parse("zai").unwrap();
        assert_eq!(LoginConfig::of(&zai, None, None).unwrap_err().code, ErrorCode::LoginUnsupported);
        let nous = PoolKey::parse("nous").unwrap();
        let error = LoginConfig::of(&nous, None, Some(LoginFlow::AuthorizationCode)).unwrap_err();
        assert_eq!(error.pointer.as_deref(), Some("/credential_pool_logins/nous/authorization_url"));
    }

    #[test]
    fn a_redirect_keeps_its_words() {
        for (uri, port, expected) in [
            ("http://127.0.0.1/callback", 81, "http://127.0.0.1:81/callback"),
            ("http://localhost:1455/auth/callback", 1455, "http://localhost:1455/auth/callback"),
            ("http://localhost", 7, "http://localhost:7/"),
        ] {
            assert_eq!(redirect(uri).unwrap().uri(port), expected);
        }
        for wrong in ["http://[::1]/x", "http://127.0.0.1/x?y", "http://a.test/", "http://127.0.0.1:99999/"] {
            assert_eq!(redirect(wrong), None, "{wrong}");
        }
    }
}
