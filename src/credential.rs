//! Credentials: a row of a pool as typed fields, with the defaults and the JSON form of the stored row.

pub(crate) mod borrowed;
pub(crate) mod failures;
pub(crate) mod fields;
pub(crate) mod row_fields;
pub(crate) mod token_fields;
mod values;

use std::fmt;

use serde_json::{Map, Value};

use crate::{
    error::{Problem, ProblemCode},
    id::CredentialId,
    pool_key::PoolKey,
    providers::carries_agent_key,
    secret::Secret,
    time::UnixSeconds,
};

pub use values::{AuthType, Source, Status};

use fields::{ALWAYS_WRITTEN, FIELDS, Fields};

/// Credential of a pool: a secret with its source, its status and its use count.
///
/// `Debug` shows id, kind and status. Labels, URLs and unknown fields are free text that may contain a secret, so
/// `Debug` leaves them out.
#[derive(Clone, PartialEq)]
pub struct Credential {
    /// Identifier, unique within the pool.
    pub id: CredentialId,
    /// Display name.
    pub label: String,
    /// Kind of secret.
    pub auth_type: AuthType,
    /// Position in the order, lowest first. Set by people or by a provider's ranking, never by a strategy.
    pub priority: i64,
    /// Origin of the secret.
    pub source: Source,
    /// API key, or access token of a login.
    pub access_token: Secret,
    /// Refresh token of a login.
    pub refresh_token: Option<Secret>,
    /// Status after the last answer; `None` before the first use and after a reset.
    pub last_status: Option<Status>,
    /// Start of `last_status`, in seconds since the Unix epoch.
    pub last_status_at: Option<UnixSeconds>,
    /// HTTP status of the failure behind `last_status`.
    pub last_error_code: Option<i64>,
    /// Base URL of requests.
    pub base_url: Option<String>,
    /// Expiry of a login's access token, in milliseconds since the Unix epoch.
    pub expires_at_ms: Option<i64>,
    /// Base URL of requests with a nous login.
    pub inference_base_url: Option<String>,
    /// Key that requests with a nous login carry.
    pub agent_key: Option<Secret>,
    /// Number of uses.
    pub request_count: u64,
    /// OAuth client that the login belongs to.
    pub client_id: Option<String>,
    /// Base URL of the token endpoint of a nous login.
    pub portal_base_url: Option<String>,
    /// Position in the order of `round_robin`, lowest first. The reference does not have this field.
    pub turn: u64,
    /// Share of requests relative to a credential of weight 1, under the strategy `random` and for affinity.
    pub weight: u32,
    /// Limit of concurrent requests; `None` for no limit.
    pub max_in_flight: Option<u32>,
    /// All other fields as they were stored: known fields without a member of this struct, unknown fields, and nulls.
    pub other: Map<String, Value>,
}

impl Credential {
    /// Reads a stored row. The id is `None` if it is missing, null or empty; the pool then assigns an id.
    ///
    /// # Errors
    ///
    /// A problem for every field of the wrong type, with a pointer into the row.
    pub fn parse(row: &Value, pool: &PoolKey) -> Result<(Option<CredentialId>, Self), Vec<Problem>> {
        let Value::Object(row) = row else {
            return Err(vec![Problem::error(
                ProblemCode::WrongType,
                "",
                "a credential must be an object with fields such as `id`, `source` and `access_token`",
            )]);
        };
        let problems: Vec<_> = FIELDS.iter().filter_map(|field| field.problem(row)).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut fields = Fields::of(row);
        let id = fields.text("id").filter(|id| !id.is_empty()).map(CredentialId::from);
        let source = Source::from(fields.text("source").unwrap_or_else(|| Source::MANUAL.to_owned()));
        let credential = Self {
            id: id.clone().unwrap_or_else(|| CredentialId::from(String::new())),
            label: fields.text("label").unwrap_or_else(|| match row.contains_key("source") {
                true => source.as_str().to_owned(),
                false => pool.as_str().to_owned(),
            }),
            auth_type: fields.text("auth_type").map_or(AuthType::ApiKey, AuthType::from),
            priority: fields.integer("priority").unwrap_or(0),
            source,
            access_token: fields.secret("access_token").unwrap_or_else(|| Secret::new("")),
            refresh_token: fields.secret("refresh_token"),
            last_status: fields.text("last_status").map(Status::from),
            last_status_at: fields.take("last_status_at").and_then(|at| UnixSeconds::new(at.as_f64()?)),
            last_error_code: fields.integer("last_error_code"),
            base_url: fields.text("base_url"),
            expires_at_ms: fields.integer("expires_at_ms"),
            inference_base_url: fields.text("inference_base_url"),
            agent_key: fields.secret("agent_key"),
            request_count: fields.count("request_count"),
            client_id: fields.text("client_id"),
            portal_base_url: fields.text("portal_base_url"),
            turn: fields.count("turn"),
            weight: fields.small("weight").unwrap_or(1),
            max_in_flight: fields.small("max_in_flight"),
            other: fields.remaining(),
        };
        Ok((id, credential))
    }

    /// Returns the row as it is stored, with its secrets: known fields in the document's order, then unknown fields.
    pub fn to_row(&self) -> Map<String, Value> {
        let mut other = self.other.clone();
        let mut row = Map::new();
        for field in &FIELDS {
            let held = other.shift_remove(field.name);
            let was_null = held.as_ref().is_some_and(Value::is_null);
            let value = self.typed_field(field.name).unwrap_or_else(|| held.unwrap_or(Value::Null));
            let value = if was_null && field.is_default(&value) { Value::Null } else { value };
            if !value.is_null() || was_null || ALWAYS_WRITTEN.contains(&field.name) {
                row.insert(field.name.to_owned(), value);
            }
        }
        row.extend(other);
        row
    }

    /// Returns the key that a request carries: the agent key where the provider's requests carry one and the row has it,
    /// else the access token.
    pub fn runtime_key<'a>(&'a self, pool: &PoolKey) -> &'a Secret {
        match &self.agent_key {
            Some(agent_key) if !agent_key.is_empty() && carries_agent_key(pool) => agent_key,
            _ => &self.access_token,
        }
    }

    /// Returns the JSON pointer, within the row, of the key that a request carries.
    pub(crate) fn runtime_key_pointer(&self, pool: &PoolKey) -> &'static str {
        let is_agent_key = self.agent_key.as_ref() == Some(self.runtime_key(pool)) && carries_agent_key(pool);
        if is_agent_key { "/agent_key" } else { "/access_token" }
    }

    /// Returns the base URL of a request: the inference URL where the provider's requests carry an agent key and the row
    /// has the URL, else the base URL; `None` if the row has neither.
    pub fn runtime_base_url(&self, pool: &PoolKey) -> Option<&str> {
        match &self.inference_base_url {
            Some(url) if !url.is_empty() && carries_agent_key(pool) => Some(url),
            _ => self.base_url.as_deref(),
        }
    }

    /// Returns all secrets of the credential.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        [Some(&self.access_token), self.refresh_token.as_ref(), self.agent_key.as_ref()].into_iter().flatten()
    }

    /// Returns the token that a refresh spends: the refresh token, else the access token.
    pub(crate) fn token(&self) -> &Secret {
        self.refresh_token.as_ref().filter(|token| !token.is_empty()).unwrap_or(&self.access_token)
    }

    /// Returns this credential with the given fields in their stored form; null deletes a field.
    ///
    /// # Errors
    ///
    /// A problem for every field of the wrong type, with a pointer into `fields`.
    pub(crate) fn with(&self, fields: &Map<String, Value>, pool: &PoolKey) -> Result<Self, Vec<Problem>> {
        let mut row = self.to_row();
        for (name, value) in fields {
            match value {
                Value::Null => row.shift_remove(name),
                value => row.insert(name.clone(), value.clone()),
            };
        }
        let (_, credential) = Self::parse(&Value::Object(row), pool)?;
        Ok(Self { id: self.id.clone(), ..credential })
    }

    /// Returns the stored form of a field that is a member of this struct; `None` for the other fields.
    fn typed_field(&self, name: &str) -> Option<Value> {
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let secret = |secret: &Option<Secret>| secret.as_ref().map_or(Value::Null, |secret| secret.expose().into());
        Some(match name {
            "id" => self.id.as_str().into(),
            "label" => self.label.as_str().into(),
            "auth_type" => self.auth_type.as_str().into(),
            "priority" => self.priority.into(),
            "source" => self.source.as_str().into(),
            "access_token" => self.access_token.expose().into(),
            "refresh_token" => secret(&self.refresh_token),
            "last_status" => self.last_status.as_ref().map_or(Value::Null, |status| status.as_str().into()),
            "last_status_at" => self.last_status_at.map_or(Value::Null, |at| at.as_f64().into()),
            "last_error_code" => self.last_error_code.map_or(Value::Null, Value::from),
            "base_url" => text(&self.base_url),
            "expires_at_ms" => self.expires_at_ms.map_or(Value::Null, Value::from),
            "inference_base_url" => text(&self.inference_base_url),
            "agent_key" => secret(&self.agent_key),
            "request_count" => self.request_count.into(),
            "client_id" => text(&self.client_id),
            "portal_base_url" => text(&self.portal_base_url),
            "turn" if self.turn == 0 => Value::Null,
            "turn" => self.turn.into(),
            "weight" if self.weight == 1 => Value::Null,
            "weight" => self.weight.into(),
            "max_in_flight" => self.max_in_flight.map_or(Value::Null, Value::from),
            _ => return None,
        })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("id", &self.id)
            .field("auth_type", &self.auth_type)
            .field("priority", &self.priority)
            .field("last_status", &self.last_status)
            .field("last_status_at", &self.last_status_at)
            .field("last_error_code", &self.last_error_code)
            .field("request_count", &self.request_count)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{fields::FieldKind, *};

    fn parse(row: Value) -> Result<(Option<CredentialId>, Credential), Vec<Problem>> {
        Credential::parse(&row, &PoolKey::parse("openrouter").unwrap())
    }

    #[test]
    fn an_empty_row_has_the_reference_s_defaults() {
        let (id, credential) = parse(json!({})).unwrap();
        assert_eq!(id, None);
        assert_eq!(
            Value::Object(credential.to_row()),
            json!({
                "id": "", "label": "openrouter", "auth_type": "api_key", "priority": 0, "source": "manual",
                "access_token": "", "last_status": null, "last_status_at": null, "last_error_code": null,
                "request_count": 0,
            })
        );
    }

    #[test]
    fn a_label_falls_back_to_the_source_and_then_to_the_pool() {
        assert_eq!(parse(json!({ "source": "env:A" })).unwrap().1.label, "env:A");
        assert_eq!(parse(json!({ "label": null })).unwrap().1.label, "openrouter");
    }

    #[test]
    fn fields_are_written_in_the_document_s_order_and_unknown_ones_come_last_as_they_were() {
        let row = json!({
            "zebra": [1, null], "max_in_flight": 4, "weight": 2.0, "turn": 3, "model_cooldowns": {"m": 1},
            "last_error_reset_at": 2.5, "last_error_reason": "quota", "last_error_message": "spent", "tls": {"insecure": false}, "agent_key": "ak", "expires_at": 12,
            "last_status": "exhausted", "last_status_at": 1.5, "last_error_code": 429, "id": "a", "gone": null,
        });
        let written = parse(row).unwrap().1.to_row();
        let names: Vec<_> = written.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "id",
                "label",
                "auth_type",
                "priority",
                "source",
                "access_token",
                "last_status",
                "last_status_at",
                "last_error_code",
                "expires_at",
                "agent_key",
                "request_count",
                "tls",
                "last_error_reason",
                "last_error_message",
                "last_error_reset_at",
                "model_cooldowns",
                "turn",
                "weight",
                "max_in_flight",
                "zebra",
                "gone",
            ]
        );
    }

    #[test]
    fn every_field_of_the_wrong_type_is_named() {
        let problems = parse(json!({
            "id": 7, "label": [], "priority": "3", "access_token": {}, "last_status_at": "2026-04-02",
            "last_error_code": 1.5, "request_count": -1, "expires_at": "2026", "tls": "any",
        }))
        .unwrap_err();
        let pointers: Vec<_> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/id", "/label", "/priority", "/access_token", "/last_status_at", "/last_error_code", "/request_count"]
        );
        for row in [json!(null), json!([]), json!("sk-x"), json!(1)] {
            assert_eq!(parse(row).unwrap_err().len(), 1);
        }
    }

    #[test]
    fn a_weight_and_a_limit_are_whole_numbers_of_32_bits() {
        let most = u64::from(u32::MAX);
        let cases = [
            (json!({}), Some((1, None)), json!([null, null])),
            (json!({ "weight": null, "max_in_flight": null }), Some((1, None)), json!([null, null])),
            (json!({ "weight": 1, "max_in_flight": 0 }), Some((1, Some(0))), json!([null, 0])),
            (json!({ "weight": 3.0, "max_in_flight": 2.0 }), Some((3, Some(2))), json!([3, 2])),
            (json!({ "weight": most, "max_in_flight": most }), Some((u32::MAX, Some(u32::MAX))), json!([most, most])),
            (json!({ "weight": 0, "max_in_flight": -1 }), None, json!(["/weight", "/max_in_flight"])),
            (json!({ "weight": most + 1, "max_in_flight": most + 1 }), None, json!(["/weight", "/max_in_flight"])),
            (json!({ "weight": "2", "max_in_flight": 1.5 }), None, json!(["/weight", "/max_in_flight"])),
        ];
        for (row, expected, shown) in cases {
            match parse(row.clone()) {
                Ok((_, credential)) => {
                    assert_eq!(Some((credential.weight, credential.max_in_flight)), expected, "{row}");
                    let written = credential.to_row();
                    assert_eq!(json!([written.get("weight"), written.get("max_in_flight")]), shown, "{row}");
                }
                Err(problems) => {
                    assert_eq!(None, expected, "{row}");
                    let pointers: Vec<_> = problems.into_iter().map(|problem| problem.pointer).collect();
                    assert_eq!(json!(pointers), shown, "{row}");
                }
            }
        }
    }

    #[test]
    fn debug_shows_no_text_of_a_person() {
        let row: Map<_, _> = FIELDS
            .iter()
            .filter(|field| matches!(field.kind, FieldKind::Text | FieldKind::Any))
            .map(|field| (field.name.to_owned(), json!("sk-canary")))
            .chain([("unknown".to_owned(), json!("sk-canary"))])
            .collect();
        let (id, credential) = parse(Value::Object(row)).unwrap();
        let shown = format!("{id:?} {credential:?} {:?} {:?}", credential.source, credential.auth_type);
        assert!(!shown.contains("canary"), "{shown}");
    }
}
