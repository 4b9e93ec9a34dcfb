//! The document: the JSON file that holds the pools, read and written without losing a byte of what others put there.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{
    apply::apply,
    change::Change,
    merge::Merge,
    raw, rewrite,
    section::{
        EntryShape, LIST_OF_ROWS, LIST_OF_SOURCES, LOGINS, MERGE, MERGES, POLICIES, POLICY, POOLS, STRATEGIES,
        STRATEGY, SUPPRESSED, no_object,
    },
    stored::Stored,
};
use crate::{
    credential::Source,
    error::{Error, ErrorCode, Problem, ProblemCode},
    pool_key::PoolKey,
};

/// The whole JSON file the pools live in.
///
/// What a change does not touch keeps its text: unknown keys, their order, numbers and escapes as
/// they were written, indentation, line ends.
///
/// ```
/// use credential_pool::{Change, Document, Edit, PoolKey, Stamp};
///
/// let text = r#"{"mine": 1.0, "credential_pool": {"openrouter": [{"id": "a1b2c3"}, {"id": "d4e5f6"}]}}"#;
/// let mut document = Document::parse(text)?;
/// assert_eq!(document.to_text(), text);
///
/// let by = Stamp { at: 1_775_757_580_463_000, host: "5e1f".into() };
/// let removal = Change { by, edit: Edit::Remove { id: "a1b2c3".into() } };
/// document.apply(&PoolKey::parse("openrouter")?, &[removal])?;
/// let written = r#"{"mine": 1.0, "credential_pool": {"openrouter": [{"id": "d4e5f6"}]}"#;
/// assert!(document.to_text().starts_with(written), "and what merges later changes comes behind it");
/// # Ok::<(), credential_pool::Error>(())
/// ```
#[derive(Clone)]
pub struct Document {
    /// As it was read.
    text: String,
    /// As it is now; always an object.
    root: Value,
}

impl Document {
    /// The text of a document without logins and pools.
    pub const EMPTY: &str = "{\n  \"version\": 1,\n  \"providers\": {},\n  \"credential_pool\": {}\n}\n";

    /// What a host without a file starts from: no logins, no pools.
    pub fn empty() -> Self {
        Self { text: Self::EMPTY.to_owned(), root: json!({ "version": 1, LOGINS: {}, POOLS: {} }) }
    }

    /// Reads a document.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidDocument`] if the text is not JSON (with line and column), is nested
    /// too deep, or is not shaped as a document. A host must then leave its file as it is.
    pub fn parse(text: &str) -> Result<Self, Error> {
        read(text).map(|root| Self { text: text.to_owned(), root }).map_err(|problem| {
            Error::new(ErrorCode::InvalidDocument, format!("{}; nothing was overwritten", problem.message))
                .at(problem.pointer)
        })
    }

    /// The keys of all pools, as they stand in the document.
    pub fn pools(&self) -> Vec<String> {
        self.section(POOLS).into_iter().flat_map(Map::keys).cloned().collect()
    }

    /// The keys of the custom endpoints' pools that hold rows, sorted.
    pub fn custom_pools(&self) -> Vec<String> {
        let pools = self.section(POOLS).into_iter().flatten();
        let mut keys: Vec<_> = pools
            .filter(|(key, rows)| key.starts_with("custom:") && rows.as_array().is_some_and(|rows| !rows.is_empty()))
            .map(|(key, _)| key.clone())
            .collect();
        keys.sort_unstable();
        keys
    }

    /// What the document keeps of a pool. What has the wrong shape counts as absent here and is
    /// reported by [`Document::check`].
    pub fn stored(&self, pool: &PoolKey) -> Stored {
        Stored {
            rows: self.list(POOLS, pool).to_vec(),
            suppressed_sources: texts(self.list(SUPPRESSED, pool)).map(|text| Source::from(text.to_owned())).collect(),
            strategy: self.entry(STRATEGIES, pool).and_then(Value::as_str).map(str::to_owned),
            policy: self.entry(POLICIES, pool).filter(|policy| policy.is_object()).cloned(),
            merge: self.entry(MERGES, pool).and_then(Merge::of).unwrap_or_default(),
        }
    }

    /// The rows of a pool, in the order in which they stand.
    pub(crate) fn rows(&self, pool: &PoolKey) -> &[Value] {
        self.list(POOLS, pool)
    }

    /// The login that another program left for a provider: `providers.<id>`.
    pub fn login(&self, provider: &str) -> Option<&Value> {
        self.section(LOGINS)?.get(provider).filter(|login| !login.is_null())
    }

    /// All logins that other programs left, by provider: `providers`. None if something else
    /// stands there, so that no login counts as gone.
    pub fn logins(&self) -> Option<Map<String, Value>> {
        match self.root.get(LOGINS) {
            None | Some(Value::Null) => Some(Map::new()),
            Some(logins) => logins.as_object().cloned(),
        }
    }

    /// Applies changes to what the document keeps of a pool, as [`apply`](crate::apply) does.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidDocument`] if a change belongs where something of the wrong shape
    /// stands: what cannot be read is not overwritten. [`ErrorCode::InvalidRow`] if a row is nested
    /// so deep that the document could not be read again, and [`ErrorCode::InvalidPolicy`] if the
    /// policy is.
    pub fn apply(&mut self, pool: &PoolKey, changes: &[Change]) -> Result<(), Error> {
        let before = self.stored(pool);
        let mut after = before.clone();
        apply(&mut after, changes, pool);

        let mut entries = Vec::new();
        if after.rows != before.rows {
            if !after.rows.iter().all(|row| nests_within(row, raw::MAX_DEPTH.saturating_sub(3))) {
                return Err(Error::new(ErrorCode::InvalidRow, "a row is nested too deep; store less in it"));
            }
            self.expect(&LIST_OF_ROWS, pool)?;
            entries.push((POOLS, Value::Array(after.rows)));
        }
        if after.suppressed_sources != before.suppressed_sources {
            self.expect(&LIST_OF_SOURCES, pool)?;
            let list = with_texts(self.list(SUPPRESSED, pool), &after.suppressed_sources);
            entries.push((SUPPRESSED, Value::Array(list)));
        }
        if after.strategy != before.strategy {
            self.expect(&STRATEGY, pool)?;
            entries.push((STRATEGIES, after.strategy.map_or(Value::Null, Value::String)));
        }
        if after.policy != before.policy {
            let policy = after.policy.unwrap_or_default();
            if !nests_within(&policy, raw::MAX_DEPTH.saturating_sub(2)) {
                return Err(Error::new(ErrorCode::InvalidPolicy, "the policy is nested too deep; store less in it"));
            }
            self.expect(&POLICY, pool)?;
            entries.push((POLICIES, policy));
        }
        if after.merge != before.merge {
            self.expect(&MERGE, pool)?;
            entries.push((MERGES, after.merge.to_value()));
        }
        for (section, value) in entries {
            self.put(section, pool, value);
        }
        Ok(())
    }

    /// The document as it is to be written.
    pub fn to_text(&self) -> String {
        rewrite::rewrite(&self.text, &self.root)
    }

    /// The document's value as it is now.
    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    fn section(&self, name: &str) -> Option<&Map<String, Value>> {
        self.root.get(name)?.as_object()
    }

    fn entry(&self, section: &str, pool: &PoolKey) -> Option<&Value> {
        self.section(section)?.get(pool.as_str())
    }

    fn list(&self, section: &str, pool: &PoolKey) -> &[Value] {
        self.entry(section, pool).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// That nothing but what belongs there stands where an entry is about to be put.
    fn expect(&self, shape: &EntryShape, pool: &PoolKey) -> Result<(), Error> {
        let section = self.root.get(shape.section).unwrap_or(&Value::Null);
        let entry = section.get(pool.as_str()).unwrap_or(&Value::Null);
        shape.section_problem(section).or_else(|| shape.entry_problem(pool.as_str(), entry)).map_or(Ok(()), |problem| {
            Err(Error::new(ErrorCode::InvalidDocument, format!("{}; nothing was changed", problem.message))
                .at(problem.pointer))
        })
    }

    fn put(&mut self, section: &str, pool: &PoolKey, value: Value) {
        if let Value::Object(root) = &mut self.root {
            let section = root.entry(section).or_insert(Value::Null);
            if section.is_null() {
                *section = Value::Object(Map::new());
            }
            if let Value::Object(section) = section {
                section.insert(pool.as_str().to_owned(), value);
            }
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("pools", &self.section(POOLS).map_or(0, Map::len)).finish_non_exhaustive()
    }
}

/// The document's value, or why it cannot be used as a document.
pub(super) fn read(text: &str) -> Result<Value, Problem> {
    let root = raw::parse(text)?;
    if !root.is_object() {
        return Err(Problem::error(
            ProblemCode::WrongType,
            "",
            "a document must be an object: `{…}`; this is another file, or its content was replaced",
        ));
    }
    match root.get(POOLS) {
        None | Some(Value::Null | Value::Object(_)) => Ok(root),
        Some(_) => Err(no_object(POOLS)),
    }
}

fn texts(list: &[Value]) -> impl Iterator<Item = &str> {
    list.iter().filter_map(Value::as_str)
}

/// The list with these sources as its texts; whatever else stands in it stays.
fn with_texts(list: &[Value], sources: &[Source]) -> Vec<Value> {
    let wanted = |text: &str| sources.iter().any(|source| source.as_str() == text);
    let kept = list.iter().filter(|item| item.as_str().is_none_or(wanted)).cloned();
    let added = sources.iter().map(Source::as_str).filter(|source| texts(list).all(|text| text != *source));
    kept.chain(added.map(Value::from)).collect()
}

/// Whether a value has at most `levels` levels of lists and objects.
fn nests_within(value: &Value, levels: usize) -> bool {
    let below = |item: &Value| levels.checked_sub(1).is_some_and(|levels| nests_within(item, levels));
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(below),
        Value::Object(members) => levels > 0 && members.values().all(below),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
