//! Classification of member names: whether the value is a secret.

/// Kind of a member's value by the member's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameKind {
    /// No statement about the value.
    Plain,
    /// Secret, with all nested values.
    Secret,
    /// Secret unless the value is a number: `tokens` may be a count.
    Counted,
    /// Not a secret, also inside a secret object.
    Public,
    /// Section of the document whose member names are pool keys.
    Pools,
    /// Section with merge metadata.
    Merges,
}

/// Names of secrets. All names in these tables are in lower case, without separators.
const SECRETS: [&str; 27] = [
    "key",
    "keys",
    "bearer",
    "authorization",
    "cookie",
    "cookies",
    "setcookie",
    "credential",
    "credentials",
    "passwd",
    "pwd",
    "pass",
    "passphrase",
    "passcode",
    "codeverifier",
    "devicecode",
    "authcode",
    "authorizationcode",
    "jwt",
    "pat",
    "seedphrase",
    "recoverycode",
    "recoverycodes",
    "mnemonic",
    "access",
    "refresh",
    "otp",
];

/// Endings of names of secrets.
const SECRET_ENDINGS: [&str; 22] = [
    "token",
    "secret",
    "secrets",
    "password",
    "passwords",
    "passphrase",
    "apikey",
    "apikeys",
    "privatekey",
    "privatekeys",
    "secretkey",
    "secretkeys",
    "accesskey",
    "accesskeys",
    "agentkey",
    "agentkeys",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "credentials",
    "authorization",
    "cookie",
];

/// Exceptions from these endings.
const NO_SECRETS: [&str; 12] = [
    "maxtokens",
    "publickey",
    "publickeys",
    "poolkey",
    "poolkeys",
    "primarykey",
    "foreignkey",
    "sortkey",
    "cachekey",
    "partitionkey",
    "idempotencykey",
    "affinitykey",
];

/// Names of public values, also inside a secret object.
const PUBLIC: [&str; 23] = [
    "id",
    "label",
    "source",
    "type",
    "name",
    "scope",
    "scopes",
    "clientid",
    "accountid",
    "userid",
    "keyid",
    "provider",
    "model",
    "priority",
    "status",
    "lastrefresh",
    "keyenv",
    "email",
    "weight",
    "enabled",
    "version",
    "host",
    "purpose",
];

/// Endings of names of public values.
const PUBLIC_ENDINGS: [&str; 11] = [
    "type",
    "url",
    "uri",
    "endpoint",
    "fingerprint",
    "expiresat",
    "expiresin",
    "expiresatms",
    "obtainedat",
    "createdat",
    "updatedat",
];

impl NameKind {
    pub(super) fn of(name: &str) -> Self {
        const MAX_LENGTH: usize = 120;
        if name.len() > MAX_LENGTH {
            return Self::Plain;
        }
        let mut bare = String::with_capacity(name.len());
        bare.extend(name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()));
        let bare = bare.as_str();
        let ends = |endings: &[&str]| endings.iter().any(|ending| bare.ends_with(ending));
        if NO_SECRETS.contains(&bare) {
            Self::Plain
        } else if ends(&SECRET_ENDINGS) || SECRETS.contains(&bare) || ends_with_key(name, bare) {
            Self::Secret
        } else if bare.ends_with("tokens") {
            Self::Counted
        } else if bare == "credentialpoolmerges" {
            Self::Merges
        } else if bare.starts_with("credentialpool") || bare == "suppressedsources" {
            Self::Pools
        } else if PUBLIC.contains(&bare) || ends(&PUBLIC_ENDINGS) || bare.starts_with("expires") {
            Self::Public
        } else {
            Self::Plain
        }
    }
}

/// Returns whether the last word of a name is `key` or `keys`; `monkey` is another word.
fn ends_with_key(name: &str, bare: &str) -> bool {
    if !(bare.ends_with("key") || bare.ends_with("keys")) {
        return false;
    }
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let name = name.strip_suffix(['s', 'S']).unwrap_or(name);
    let Some((before, key)) = name.len().checked_sub(3).and_then(|at| name.split_at_checked(at)) else { return false };
    let is_word = before.ends_with(|c: char| !c.is_ascii_alphabetic());
    is_word || (key.starts_with('K') && before.ends_with(|c: char| c.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_determines_the_kind_of_its_value() {
        let cases = [
            (
                NameKind::Secret,
                "access_token refresh_token accessToken Refresh-Token agent_key agentKey api_key apiKey API_KEY APIKEY \
                 OPENROUTER_API_KEY HF_TOKEN key keys secret client_secret clientSecret password passphrase private_key \
                 privateKey authorization Authorization cookie Set-Cookie bearer id_token code_verifier credentials \
                 x-api-key secret_access_key openrouter_key deployKey 'key' bot_token access refresh",
            ),
            (NameKind::Counted, "tokens prompt_tokens access_tokens"),
            (
                NameKind::Public,
                "token_type token_url token_endpoint key_env expires expires_at expiresAt secret_fingerprint \
                 agent_key_expires_at agent_key_expires_in agent_key_obtained_at id label source scope client_id base_url",
            ),
            (
                NameKind::Plain,
                "max_tokens maxTokens agent_key_id agent_key_reused monkey keyboard tokenizer secretary public_key \
                 pool_key openrouter nous é",
            ),
            (
                NameKind::Pools,
                "credential_pool credential_pool_absent credential_pool_policies credential_pool_strategies suppressed_sources",
            ),
            (NameKind::Merges, "credential_pool_merges"),
        ];
        for (expected, names) in cases {
            for name in names.split_whitespace() {
                assert_eq!(NameKind::of(name), expected, "{name}");
            }
        }
    }
}
