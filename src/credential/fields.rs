//! Table of a row's known fields: name, order and type, with readers for typed values.

use serde_json::{Map, Value};

use crate::{
    error::{Problem, ProblemCode, pointer_step},
    secret::Secret,
};

/// Known fields of a row, in the order in which they are written.
pub(crate) const FIELDS: [Field; 37] = {
    use FieldKind::{Any, Count, Integer, Limit, Number, Text, Weight};
    const fn field(name: &'static str, kind: FieldKind) -> Field {
        Field { name, kind }
    }
    [
        field("id", Text),
        field("label", Text),
        field("auth_type", Text),
        field("priority", Integer),
        field("source", Text),
        field("access_token", Text),
        field("refresh_token", Text),
        field("last_status", Text),
        field("last_status_at", Number),
        field("last_error_code", Integer),
        field("base_url", Text),
        field("expires_at", Any),
        field("expires_at_ms", Integer),
        field("last_refresh", Any),
        field("inference_base_url", Text),
        field("agent_key", Text),
        field("agent_key_expires_at", Any),
        field("request_count", Count),
        field("token_type", Any),
        field("scope", Any),
        field("client_id", Text),
        field("portal_base_url", Text),
        field("obtained_at", Any),
        field("expires_in", Any),
        field("agent_key_id", Any),
        field("agent_key_expires_in", Any),
        field("agent_key_reused", Any),
        field("agent_key_obtained_at", Any),
        field("tls", Any),
        field("last_error_reason", Any),
        field("last_error_message", Any),
        field("last_error_reset_at", Any),
        field("model_cooldowns", Any),
        field("turn", Count),
        field("weight", Weight),
        field("max_in_flight", Limit),
        field("secret_fingerprint", Any),
    ]
};

/// Fields that only the pool sets. Editors refuse them, and a copy of a row leaves them out.
pub(crate) const POOL_MANAGED_FIELDS: [&str; 11] = [
    "id",
    "last_status",
    "last_status_at",
    "last_error_code",
    "last_error_reason",
    "last_error_message",
    "last_error_reset_at",
    "model_cooldowns",
    "request_count",
    "turn",
    "secret_fingerprint",
];

/// Fields that are written even when null, as the reference does.
pub(super) const ALWAYS_WRITTEN: [&str; 3] = ["last_status", "last_status_at", "last_error_code"];

/// Known field of a row.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(super) kind: FieldKind,
}

/// Type of a field's value. Every field may also be null.
#[derive(Clone, Copy)]
pub(crate) enum FieldKind {
    Text,
    Integer,
    Count,
    /// Integer from 0 to `u32::MAX`.
    Limit,
    /// Integer from 1 to `u32::MAX`.
    Weight,
    Number,
    /// Any value, kept as it was read.
    Any,
}

impl Field {
    /// Returns whether this may be the value of a field that was read as null. Texts and places are only ever set with
    /// the whole row, which then has the new value in place of the null.
    pub(super) fn is_default(&self, value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::String(text) => text.is_empty() || ["label", "auth_type", "source"].contains(&self.name),
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        }
    }

    pub(super) fn problem(&self, row: &Map<String, Value>) -> Option<Problem> {
        let value = row.get(self.name).filter(|value| !value.is_null())?;
        let (fits, expected) = match self.kind {
            FieldKind::Text => (value.is_string(), "text in quotes"),
            FieldKind::Integer => (integer(value).is_some(), "a whole number without quotes"),
            FieldKind::Count => (count(value).is_some(), "a whole number from 0 up, without quotes"),
            FieldKind::Limit => (small(value).is_some(), "a whole number from 0 to 4294967295, without quotes"),
            FieldKind::Weight => {
                (small(value).is_some_and(|weight| weight >= 1), "a whole number from 1 to 4294967295, without quotes")
            }
            FieldKind::Number => (value.is_number(), "a number of seconds without quotes"),
            FieldKind::Any => (true, ""),
        };
        (!fits).then(|| {
            Problem::error(
                ProblemCode::WrongType,
                pointer_step(self.name),
                format!("`{}` must be {expected}; correct it or delete the field", self.name),
            )
        })
    }
}

/// Fields of a row that are not yet read into a [`Credential`](super::Credential); all of the right type.
pub(super) struct Fields {
    left: Map<String, Value>,
    /// Known fields that are null.
    nulls: Map<String, Value>,
}

impl Fields {
    pub(super) fn of(row: &Map<String, Value>) -> Self {
        let is_null = |(name, value): &(String, Value)| {
            value.is_null() && is_known(name) && name != "id" && !ALWAYS_WRITTEN.contains(&name.as_str())
        };
        let (nulls, left): (Map<_, _>, Map<_, _>) = row.iter().map(own).partition(is_null);
        Self { nulls, left }
    }

    pub(super) fn remaining(mut self) -> Map<String, Value> {
        self.left.retain(|name, value| !value.is_null() || !is_known(name));
        self.left.extend(self.nulls);
        self.left
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.left.shift_remove(name)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn secret(&mut self, name: &str) -> Option<Secret> {
        self.text(name).map(Secret::new)
    }

    pub(super) fn integer(&mut self, name: &str) -> Option<i64> {
        self.take(name).as_ref().and_then(integer)
    }

    pub(super) fn count(&mut self, name: &str) -> u64 {
        self.take(name).as_ref().and_then(count).unwrap_or(0)
    }

    pub(super) fn small(&mut self, name: &str) -> Option<u32> {
        self.take(name).as_ref().and_then(small)
    }
}

/// Reads an integer, also in the notation of a float, as JavaScript and hand edits may write it.
fn integer(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value.as_i64().or_else(|| {
        let float = value.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT)?;
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        Some(float as i64)
    })
}

/// Reads an integer from 0 up.
pub(crate) fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| integer(value).and_then(|integer| u64::try_from(integer).ok()))
}

fn small(value: &Value) -> Option<u32> {
    count(value).and_then(|count| u32::try_from(count).ok())
}

fn is_known(name: &str) -> bool {
    FIELDS.iter().any(|field| field.name == name)
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}
