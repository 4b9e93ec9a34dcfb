//! Whether an edit can be made: what `add` and `update` ask first, and an editor asks while a person types.

use serde_json::{Map, Value};

use crate::{
    credential::{Credential, fields::POOL_MANAGED_FIELDS},
    error::{Error, ErrorCode, Problem, pointer_step},
    id::CredentialId,
};

use super::Pool;

impl Pool {
    /// Reads a row that is about to be added.
    pub(crate) fn check_new(&self, row: &Map<String, Value>) -> Result<(Option<CredentialId>, Credential), Error> {
        let (id, credential) =
            Credential::parse(&Value::Object(row.clone()), self.roster.pool()).map_err(invalid_row)?;
        if id.as_ref().is_some_and(|id| self.is_taken(id.as_str())) {
            return Err(Error::new(
                ErrorCode::DuplicateId,
                "a credential with this id is or was in the pool; leave `id` out and the pool makes one",
            )
            .at("/id"));
        }
        Ok((id, credential))
    }

    /// Checks fields that are about to be set.
    pub(crate) fn check_fields(&self, id: &CredentialId, fields: &Map<String, Value>) -> Result<(), Error> {
        let credential = self.credential(id)?;
        if let Some(kept) = POOL_MANAGED_FIELDS.into_iter().find(|name| fields.contains_key(*name)) {
            let message = "the pool keeps this field itself; `reset` ends a rest, and a new credential has a new id";
            return Err(Error::new(ErrorCode::InvalidRow, message).at(pointer_step(kept)));
        }
        credential.with(fields, self.roster.pool()).map(drop).map_err(invalid_row)
    }
}

fn invalid_row(problems: Vec<Problem>) -> Error {
    let (pointer, message) = problems
        .into_iter()
        .next()
        .map_or_else(|| (String::new(), "the row cannot be read".into()), |problem| (problem.pointer, problem.message));
    Error::new(ErrorCode::InvalidRow, message).at(pointer)
}
