//! The document: the JSON file with the pools, read and written without loss of any other content.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{
    apply::apply,
    change::{Change, Edit},
    merge::Merge,
    raw,
    refusal::Refusal,
    rewrite,
    section::{
        ABSENT, EntryShape, LIST_OF_ABSENT_ROWS, LIST_OF_ROWS, LIST_OF_SOURCES, LOGINS, MERGE, MERGES, POLICIES,
        POLICY, POOLS, STRATEGIES, STRATEGY, SUPPRESSED, not_an_object,
    },
    stored::Stored,
};
use crate::{
    credential::Source,
    error::{Error, ErrorCode, Problem, ProblemCode, pointer_step},
    limits::LIMITS,
    pool_key::PoolKey,
};

/// JSON file that holds the pools of all providers.
///
/// Text that no change touches keeps its bytes: unknown keys, order, notation of numbers and strings, indentation, line
/// ends.
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
/// let refused = document.apply(&PoolKey::parse("openrouter")?, &[removal]);
/// assert!(refused.is_empty());
/// let written = r#"{"mine": 1.0, "credential_pool": {"openrouter": [{"id": "d4e5f6"}]}"#;
/// assert!(document.to_text().starts_with(written), "merge metadata follows");
/// # Ok::<(), credential_pool::Error>(())
/// ```
#[derive(Clone)]
pub struct Document {
    /// Text as it was read.
    text: String,
    /// Value after all changes; always an object.
    root: Value,
}

impl Document {
    /// Text of a document without logins and pools.
    pub const EMPTY: &str = "{\n  \"version\": 1,\n  \"providers\": {},\n  \"credential_pool\": {}\n}\n";

    /// Returns a document without logins and pools, for hosts without a file.
    pub fn empty() -> Self {
        Self { text: Self::EMPTY.to_owned(), root: json!({ "version": 1, LOGINS: {}, POOLS: {} }) }
    }

    /// Reads a document.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidDocument`] if the text is not JSON (with line and column), or does not have the shape of a
    /// document; [`ErrorCode::TooLarge`] if it is beyond the [`LIMITS`](crate::LIMITS), nested too deep for example. A
    /// host must then leave its file as it is.
    pub fn parse(text: &str) -> Result<Self, Error> {
        read(text).map(|root| Self { text: text.to_owned(), root }).map_err(|problem| {
            let code = match problem.code {
                ProblemCode::TooLarge => ErrorCode::TooLarge,
                _ => ErrorCode::InvalidDocument,
            };
            Error::new(code, format!("{}; nothing was overwritten", problem.message)).at(problem.pointer)
        })
    }

    /// Returns the keys of all pools as they are written in the document.
    pub fn pools(&self) -> Vec<String> {
        self.section(POOLS).into_iter().flat_map(Map::keys).cloned().collect()
    }

    /// Returns the keys of the custom endpoints' pools that have rows, sorted.
    pub fn custom_pools(&self) -> Vec<String> {
        let pools = self.section(POOLS).into_iter().flatten();
        let mut keys: Vec<_> = pools
            .filter(|(key, rows)| key.starts_with("custom:") && rows.as_array().is_some_and(|rows| !rows.is_empty()))
            .map(|(key, _)| key.clone())
            .collect();
        keys.sort_unstable();
        keys
    }

    /// Returns the stored state of a pool. Parts of the wrong shape count as absent; [`Document::check`] reports them.
    pub fn stored(&self, pool: &PoolKey) -> Stored {
        Stored {
            rows: self.list(POOLS, pool).to_vec(),
            absent: self.list(ABSENT, pool).to_vec(),
            suppressed_sources: texts(self.list(SUPPRESSED, pool)).map(|text| Source::from(text.to_owned())).collect(),
            strategy: self.entry(STRATEGIES, pool).and_then(Value::as_str).map(str::to_owned),
            policy: self.entry(POLICIES, pool).filter(|policy| policy.is_object()).cloned(),
            merge: self.entry(MERGES, pool).and_then(Merge::of).unwrap_or_default(),
        }
    }

    /// Returns another program's login for a provider: `providers.<id>`; `None` if there is none.
    pub fn login(&self, provider: &str) -> Option<&Value> {
        self.section(LOGINS)?.get(provider).filter(|login| !login.is_null())
    }

    /// Returns other programs' logins by provider: `providers`. `None` if the section has the wrong shape, so that no
    /// login counts as gone.
    pub fn logins(&self) -> Option<Map<String, Value>> {
        match self.root.get(LOGINS) {
            None | Some(Value::Null) => Some(Map::new()),
            Some(logins) => logins.as_object().cloned(),
        }
    }

    /// Applies changes to the stored state of a pool with [`apply`](crate::apply). Returns the changes that the document
    /// cannot take, because they would overwrite a value of the wrong shape, or are nested so deep that the document
    /// could not be read again. They hold up no other change.
    #[must_use = "refused changes are not in the document"]
    pub fn apply(&mut self, pool: &PoolKey, changes: &[Change]) -> Vec<Refusal> {
        let (entries, refused) = self.applied(pool, changes);
        self.put_all(pool, entries);
        refused
    }

    /// Applies all changes or none, for a person's edit.
    pub(crate) fn apply_whole(&mut self, pool: &PoolKey, changes: &[Change]) -> Result<(), Error> {
        let (entries, refused) = self.applied(pool, changes);
        match refused.into_iter().next() {
            Some(Refusal { error, .. }) => {
                Err(Error { message: format!("{}; nothing was changed", error.message).into(), ..error })
            }
            None => {
                self.put_all(pool, entries);
                Ok(())
            }
        }
    }

    /// Returns the text to write.
    pub fn to_text(&self) -> String {
        rewrite::rewrite(&self.text, &self.root)
    }

    /// Returns the rows of a pool, in the order of the document.
    pub(crate) fn rows(&self, pool: &PoolKey) -> &[Value] {
        self.list(POOLS, pool)
    }

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

    /// Returns the entries to put after these changes, and the changes that the document cannot take.
    fn applied(&self, pool: &PoolKey, changes: &[Change]) -> (Vec<(&'static EntryShape, Value)>, Vec<Refusal>) {
        let (taken, mut refused) = within_depth(changes, pool);
        let before = self.stored(pool);
        let mut after = before.clone();
        apply(&mut after, &taken, pool);
        let mut entries = self.changed(&before, after, pool);
        let blocked: Vec<_> =
            entries.iter().filter_map(|(shape, _)| Some((*shape, self.shape_error(shape, pool)?))).collect();
        if blocked.is_empty() {
            return (entries, refused);
        }
        let mut rest = taken;
        for (shape, error) in &blocked {
            let (stopped, others): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|change| changes_section(change, shape));
            rest = others;
            refused
                .push(Refusal { error: error.clone(), changes: stopped.into_iter().map(|change| change.by).collect() });
        }
        let mut after = before.clone();
        apply(&mut after, &rest, pool);
        entries = self.changed(&before, after, pool);
        entries.retain(|(shape, _)| blocked.iter().all(|(blocked, _)| blocked.section != shape.section));
        (entries, refused)
    }

    /// Returns the entries that differ between two states of a pool.
    fn changed(&self, before: &Stored, after: Stored, pool: &PoolKey) -> Vec<(&'static EntryShape, Value)> {
        let mut entries: Vec<(&EntryShape, Value)> = Vec::new();
        if after.rows != before.rows {
            entries.push((&LIST_OF_ROWS, Value::Array(after.rows)));
        }
        if after.absent != before.absent {
            entries.push((&LIST_OF_ABSENT_ROWS, Value::Array(after.absent)));
        }
        if after.suppressed_sources != before.suppressed_sources {
            let list = with_texts(self.list(SUPPRESSED, pool), &after.suppressed_sources);
            entries.push((&LIST_OF_SOURCES, Value::Array(list)));
        }
        if after.strategy != before.strategy {
            entries.push((&STRATEGY, after.strategy.map_or(Value::Null, Value::String)));
        }
        if after.policy != before.policy {
            entries.push((&POLICY, after.policy.unwrap_or_default()));
        }
        if after.merge != before.merge {
            entries.push((&MERGE, after.merge.to_value()));
        }
        entries
    }

    /// Returns the error if an entry would overwrite anything but an entry of the same shape.
    fn shape_error(&self, shape: &EntryShape, pool: &PoolKey) -> Option<Error> {
        let section = self.root.get(shape.section).unwrap_or(&Value::Null);
        let entry = section.get(pool.as_str()).unwrap_or(&Value::Null);
        let problem = shape.section_problem(section).or_else(|| shape.entry_problem(pool.as_str(), entry))?;
        Some(Error::new(ErrorCode::InvalidDocument, problem.message).at(problem.pointer))
    }

    fn put_all(&mut self, pool: &PoolKey, entries: Vec<(&'static EntryShape, Value)>) {
        for (shape, value) in entries {
            self.put(shape.section, pool, value);
        }
        self.drop_empty(ABSENT, pool);
    }

    /// Removes an empty list from a section, and the section with its last entry.
    fn drop_empty(&mut self, section: &str, pool: &PoolKey) {
        let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        let Value::Object(root) = &mut self.root else { return };
        let Some(Value::Object(entries)) = root.get_mut(section) else { return };
        if entries.get(pool.as_str()).is_some_and(is_empty) {
            entries.shift_remove(pool.as_str());
            if entries.is_empty() {
                root.shift_remove(section);
            }
        }
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

/// Returns the document's value, or the problem for which the text is not a document.
pub(super) fn read(text: &str) -> Result<Value, Problem> {
    let root = raw::parse(text)?;
    if !root.is_object() {
        return Err(Problem::error(
            ProblemCode::WrongType,
            "",
            "a document must be an object: `{…}`; check that this is the right file, or restore its content",
        ));
    }
    match root.get(POOLS) {
        None | Some(Value::Null | Value::Object(_)) => Ok(root),
        Some(_) => Err(not_an_object(POOLS)),
    }
}

fn texts(list: &[Value]) -> impl Iterator<Item = &str> {
    list.iter().filter_map(Value::as_str)
}

/// Returns the list with these sources as its strings; other values in the list are kept.
fn with_texts(list: &[Value], sources: &[Source]) -> Vec<Value> {
    let is_source = |text: &str| sources.iter().any(|source| source.as_str() == text);
    let kept = list.iter().filter(|item| item.as_str().is_none_or(is_source)).cloned();
    let added = sources.iter().map(Source::as_str).filter(|source| texts(list).all(|text| text != *source));
    kept.chain(added.map(Value::from)).collect()
}

/// Returns the changes whose values can be read again from a document, and refusals of the others.
fn within_depth(changes: &[Change], pool: &PoolKey) -> (Vec<Change>, Vec<Refusal>) {
    let (mut taken, mut rows, mut policies) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        let fits = |fields: &Map<String, Value>, above: usize| {
            fields.values().all(|value| nests_within(value, LIMITS.nesting.saturating_sub(above)))
        };
        match &change.edit {
            Edit::Add { row: fields } | Edit::Set { set: fields, .. } | Edit::Tokens { set: fields, .. }
                if !fits(&fields.0, 4) =>
            {
                rows.push(change.by.clone());
            }
            Edit::SetPolicy { policy } if !nests_within(policy, LIMITS.nesting.saturating_sub(2)) => {
                policies.push(change.by.clone());
            }
            _ => taken.push(change.clone()),
        }
    }
    let refusal = |code, message, section: &str, changes: Vec<_>| {
        let error = Error::new(code, message).at(pointer_step(section) + &pointer_step(pool.as_str()));
        (!changes.is_empty()).then_some(Refusal { error, changes })
    };
    let rows =
        refusal(ErrorCode::InvalidRow, "a row is nested too deep; reduce the nesting of its fields", POOLS, rows);
    let policies =
        refusal(ErrorCode::InvalidPolicy, "the policy is nested too deep; reduce its nesting", POLICIES, policies);
    (taken, rows.into_iter().chain(policies).collect())
}

/// Returns whether a change of a pool changes this section. Merge metadata belongs to no change alone.
fn changes_section(change: &Change, shape: &EntryShape) -> bool {
    match &change.edit {
        Edit::MarkAbsent { .. } => [POOLS, ABSENT].contains(&shape.section),
        Edit::Add { .. }
        | Edit::Remove { .. }
        | Edit::Identify { .. }
        | Edit::Set { .. }
        | Edit::Status { .. }
        | Edit::ModelCooldown { .. }
        | Edit::Tokens { .. }
        | Edit::Claim { .. }
        | Edit::Release { .. }
        | Edit::Used { .. } => shape.section == POOLS,
        Edit::Suppress { .. } | Edit::Unsuppress { .. } => shape.section == SUPPRESSED,
        Edit::SetStrategy { .. } => shape.section == STRATEGIES,
        Edit::SetPolicy { .. } => shape.section == POLICIES,
        Edit::SignOff => false,
    }
}

/// Returns whether a value has at most `levels` levels of lists and objects.
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
