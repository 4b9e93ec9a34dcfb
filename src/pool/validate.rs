//! Validation of edits: `add` and `update` check their arguments first, and an editor checks while a person types.

use serde_json::{Map, Value};

use crate::{
    credential::{Credential, fields::POOL_MANAGED_FIELDS},
    error::{Error, ErrorCode, Problem, pointer_step},
    id::CredentialId,
    limits::LIMITS,
    secret::text,
};

use super::Pool;

impl Pool {
    /// Parses a row for `add`, whose key may stand in pasted text; returns its id, if the row has an id, and its credential.
    pub(crate) fn check_new(&self, row: &Map<String, Value>) -> Result<(Option<CredentialId>, Credential), Error> {
        let (id, credential) =
            Credential::parse(&Value::Object(with_cleaned_keys(row)?), self.roster.pool()).map_err(invalid_row)?;
        if id.as_ref().is_some_and(|id| self.is_taken(id.as_str())) {
            return Err(Error::new(
                ErrorCode::DuplicateId,
                "a credential with this id is or was in the pool; leave out `id`, and the pool generates an id",
            )
            .at("/id"));
        }
        LIMITS.check_rows(self.roster.len().saturating_add(1))?;
        Ok((id, credential))
    }

    /// Checks the fields of an `update`; returns them with the keys that stand in pasted text.
    pub(crate) fn check_fields(
        &self,
        id: &CredentialId,
        fields: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Error> {
        let credential = self.credential(id)?;
        if let Some(managed) = POOL_MANAGED_FIELDS.into_iter().find(|name| fields.contains_key(*name)) {
            let message =
                "only the pool sets this field; use `reset` to end a cooldown, or add a credential for a new id";
            return Err(Error::new(ErrorCode::InvalidRow, message).at(pointer_step(managed)));
        }
        let fields = with_cleaned_keys(fields)?;
        credential.with(&fields, self.roster.pool()).map_err(invalid_row)?;
        Ok(fields)
    }
}

/// Returns the fields with their keys cleaned; refuses text that no request can carry.
fn with_cleaned_keys(fields: &Map<String, Value>) -> Result<Map<String, Value>, Error> {
    let mut fields = fields.clone();
    for name in ["access_token", "agent_key"] {
        let Some(Value::String(key)) = fields.get_mut(name) else { continue };
        let cleaned = text::cleaned(key);
        if let Some(message) = text::fault(cleaned) {
            return Err(Error::new(ErrorCode::InvalidRow, message).at(pointer_step(name)));
        }
        *key = cleaned.to_owned();
    }
    Ok(fields)
}

fn invalid_row(problems: Vec<Problem>) -> Error {
    let (pointer, message) = problems
        .into_iter()
        .next()
        .map_or_else(|| (String::new(), "the row cannot be read".into()), |problem| (problem.pointer, problem.message));
    Error::new(ErrorCode::InvalidRow, message).at(pointer)
}
