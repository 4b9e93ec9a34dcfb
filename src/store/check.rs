//! Check of a document: problems with code, message and JSON pointer.

use rustc_hash::FxHashSet;
use serde_json::Value;

use super::{
    document::{Document, read},
    raw::{self, Container},
    section::{
        ABSENT, EntryShape, LIST_OF_ABSENT_ROWS, LIST_OF_ROWS, LIST_OF_SOURCES, LOGINS, MERGE, MERGES, POLICIES,
        POLICY, POOLS, STRATEGIES, STRATEGY, SUPPRESSED, not_an_object,
    },
};
use crate::{
    credential::{AuthType, Credential, Status},
    error::{INVALID_SECRET, Problem, ProblemCode, pointer_step},
    id::CredentialId,
    limits::LIMITS,
    policy::Policy,
    pool_key::PoolKey,
    secret::{Secret, text},
    strategy::Strategy,
    time::{Timestamp, UnixSeconds},
};

/// Returns the problems of a document's text, as many as [`LIMITS`](crate::LIMITS) says; if the text is not a document, that problem alone.
///
/// ```
/// use credential_pool::{ProblemCode, Timestamp, check};
///
/// let now = Timestamp::from_millis(1_775_757_580_000);
/// let problems = check(r#"{"credential_pool": {"openrouter": [{"id": "a1b2c3"}]}}"#, now);
/// assert_eq!(problems[0].code, ProblemCode::NoSecret);
/// assert_eq!(problems[0].pointer, "/credential_pool/openrouter/0");
/// ```
pub fn check(text: &str, now: Timestamp) -> Vec<Problem> {
    match read(text) {
        Ok(root) => problems(text, &root, now),
        Err(problem) => vec![problem],
    }
}

impl Document {
    /// Returns the problems of the document as it would be written.
    pub fn check(&self, now: Timestamp) -> Vec<Problem> {
        problems(&self.to_text(), self.root(), now)
    }
}

/// Returns the problems of a document, section by section.
fn problems(text: &str, root: &Value, now: Timestamp) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_version(root, &mut problems);
    check_logins(root, &mut problems);
    for (key, rows) in entries(root, &LIST_OF_ROWS, &mut problems) {
        check_pool(key, rows, now, &mut problems);
    }
    for (key, rows) in entries(root, &LIST_OF_ABSENT_ROWS, &mut problems) {
        check_absent(key, rows, &mut problems);
    }
    for (key, sources) in entries(root, &LIST_OF_SOURCES, &mut problems) {
        check_sources(key, sources, &mut problems);
    }
    for (key, strategy) in entries(root, &STRATEGY, &mut problems) {
        check_strategy(key, strategy, &mut problems);
    }
    for (key, policy) in entries(root, &POLICY, &mut problems) {
        check_policy(key, policy, &mut problems);
    }
    for (key, merge) in entries(root, &MERGE, &mut problems) {
        check_stamps(merge, now, &(pointer_step(MERGES) + &pointer_step(key)), &mut problems);
    }
    check_names(raw::without_bom(text).trim(), "", &mut problems);
    problems.truncate(LIMITS.problems);
    problems
}

fn check_version(root: &Value, problems: &mut Vec<Problem>) {
    let version = root.get("version").filter(|version| !version.is_null());
    if version.is_some_and(|version| version.as_f64() != Some(1.0)) {
        problems.push(Problem::warning(
            ProblemCode::UnknownVersion,
            "/version",
            "this library supports version 1 of the document; update the library before it writes this file",
        ));
    }
}

/// Checks only the shape of the section: logins belong to other programs.
fn check_logins(root: &Value, problems: &mut Vec<Problem>) {
    if root.get(LOGINS).is_some_and(|logins| !logins.is_null() && !logins.is_object()) {
        problems.push(not_an_object(LOGINS));
    }
}

/// Returns the entries of a section with the right shape, and adds a problem for each other entry.
fn entries<'a>(root: &'a Value, shape: &EntryShape, problems: &mut Vec<Problem>) -> Vec<(&'a str, &'a Value)> {
    let section = root.get(shape.section).unwrap_or(&Value::Null);
    problems.extend(shape.section_problem(section));
    let mut entries = Vec::new();
    for (key, entry) in section.as_object().into_iter().flatten() {
        match shape.entry_problem(key, entry) {
            Some(problem) => problems.push(problem),
            None => entries.push((key.as_str(), entry)),
        }
    }
    entries
}

fn check_pool(key: &str, rows: &Value, now: Timestamp, problems: &mut Vec<Problem>) {
    let pointer = pointer_step(POOLS) + &pointer_step(key);
    let Ok(pool) = PoolKey::parse(key) else {
        problems.push(unreachable(pointer));
        return;
    };
    if pool.as_str() != key {
        problems.push(unreachable(pointer.clone()));
    }
    let mut seen = Seen::default();
    for (index, row) in rows.as_array().into_iter().flatten().enumerate() {
        let found = match Credential::parse(row, &pool) {
            Ok((id, credential)) => row_problems(id, &credential, &pool, now, &mut seen),
            Err(problems) => problems,
        };
        let pointer = format!("{pointer}/{index}");
        problems.extend(found.into_iter().map(|problem| problem.under(&pointer)));
    }
}

/// Checks only the types of fields: absent rows have no secrets and are not chosen.
fn check_absent(key: &str, rows: &Value, problems: &mut Vec<Problem>) {
    let pointer = pointer_step(ABSENT) + &pointer_step(key);
    let Ok(pool) = PoolKey::parse(key) else { return };
    for (index, row) in rows.as_array().into_iter().flatten().enumerate() {
        let found = Credential::parse(row, &pool).err().unwrap_or_default();
        problems.extend(found.into_iter().map(|problem| problem.under(&format!("{pointer}/{index}"))));
    }
}

fn unreachable(pointer: String) -> Problem {
    Problem::warning(
        ProblemCode::UnreachablePool,
        pointer,
        "no pool reads these rows, because pool keys are in lower case and without spaces around; rename the key",
    )
}

/// Ids and secrets of a pool's earlier rows.
#[derive(Default)]
struct Seen {
    ids: FxHashSet<CredentialId>,
    secrets: FxHashSet<Secret>,
}

fn row_problems(
    id: Option<CredentialId>,
    row: &Credential,
    pool: &PoolKey,
    now: Timestamp,
    seen: &mut Seen,
) -> Vec<Problem> {
    use ProblemCode::{
        DuplicateId, DuplicateSecret, InvalidSecret, MissingId, NoRefreshToken, NoSecret, StatusInFuture,
        UnknownAuthType, UnknownStatus,
    };

    let secret = row.runtime_key(pool);
    let is_from_environment = row.source.as_str().starts_with("env:");
    let has_id = id.is_some();
    let is_duplicate_id = id.is_some_and(|id| !seen.ids.insert(id));
    let is_duplicate_secret = !secret.is_empty() && !seen.secrets.insert(secret.clone());
    let is_login = row.auth_type == AuthType::OAuth;
    [
        (!has_id, MissingId, "", "the row has no `id`; the pool assigns an id when it opens"),
        (is_duplicate_id, DuplicateId, "/id", "an earlier row has this id; the pool assigns another id to this row when it opens"),
        (
            secret.is_empty() && !row.is_stored_as_fingerprint(),
            NoSecret,
            "",
            "the row has no key or token and is never chosen; add a key or token, or remove the row",
        ),
        (
            !secret.is_empty() && !secret.is_sendable(),
            InvalidSecret,
            row.runtime_key_pointer(pool),
            INVALID_SECRET,
        ),
        (
            secret.is_sendable() && text::cleaned(secret.expose()) != secret.expose(),
            InvalidSecret,
            row.runtime_key_pointer(pool),
            "the key stands in quotes or behind a name, which the provider takes for a part of the key; remove them",
        ),
        (
            is_duplicate_secret,
            DuplicateSecret,
            "",
            "an earlier row holds the same secret, so both rows cool down together; remove one of them",
        ),
        (
            is_login && !is_from_environment && row.refresh_token.as_ref().is_none_or(Secret::is_empty),
            NoRefreshToken,
            "",
            "the login has no `refresh_token` and ends when its access token expires; log in again to get a refresh token",
        ),
        (
            matches!(row.auth_type, AuthType::Other(_)),
            UnknownAuthType,
            "/auth_type",
            "this kind of credential is unknown and is treated as a key; use `api_key` or `oauth`",
        ),
        (
            matches!(row.last_status, Some(Status::Other(_))),
            UnknownStatus,
            "/last_status",
            "this status is unknown, so the credential counts as available; use `ok`, `exhausted`, `dead` or null",
        ),
        (
            row.last_status_at.is_some_and(|at| at > UnixSeconds::from(now)),
            StatusInFuture,
            "/last_status_at",
            "this time is in the future and counts as now; check the clocks of the hosts, and that the value is in seconds",
        ),
    ]
    .into_iter()
    .filter(|(found, ..)| *found)
    .map(|(_, code, pointer, message)| Problem::warning(code, pointer, message))
    .collect()
}

/// Adds a problem for each stamp that is more than a day ahead, at every level.
fn check_stamps(merge: &Value, now: Timestamp, pointer: &str, problems: &mut Vec<Problem>) {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let latest = u64::try_from(now.as_millis().saturating_add(DAY_MS)).unwrap_or(0).saturating_mul(1000);
    let Some(fields) = merge.as_object() else { return };
    for (name, value) in fields {
        let pointer = format!("{pointer}{}", pointer_step(name));
        let is_time = name == "at" || pointer.ends_with(&format!("/hosts{}", pointer_step(name)));
        let is_ahead = value.as_u64().map_or_else(|| value.as_f64().is_some_and(|at| at > 1e19), |at| at > latest);
        match value {
            Value::Number(_) if is_time && is_ahead => problems.push(Problem::warning(
                ProblemCode::StampInFuture,
                pointer,
                "a host has stamped this change more than a day ahead; later changes still win; check the clocks of the \
                 hosts, or set the time to 0",
            )),
            _ => check_stamps(value, now, &pointer, problems),
        }
    }
}

fn check_sources(key: &str, sources: &Value, problems: &mut Vec<Problem>) {
    for (index, source) in sources.as_array().into_iter().flatten().enumerate() {
        if !source.is_string() {
            problems.push(Problem::error(
                ProblemCode::WrongType,
                format!("{}{}/{index}", pointer_step(SUPPRESSED), pointer_step(key)),
                "a source must be text in quotes, such as `\"env:OPENROUTER_API_KEY\"`; correct it or delete it",
            ));
        }
    }
}

fn check_strategy(key: &str, strategy: &Value, problems: &mut Vec<Problem>) {
    if let Some(Err(error)) = strategy.as_str().map(Strategy::parse) {
        problems.push(Problem::warning(
            ProblemCode::UnknownStrategy,
            pointer_step(STRATEGIES) + &pointer_step(key),
            error.message,
        ));
    }
}

fn check_policy(key: &str, policy: &Value, problems: &mut Vec<Problem>) {
    if !policy.is_null()
        && let Err(error) = Policy::parse(policy)
    {
        let message = format!("{}; until then the preset `adaptive` applies", error.message);
        let problem = Problem::warning(ProblemCode::InvalidPolicy, error.pointer.unwrap_or_default(), message);
        problems.push(problem.under(&(pointer_step(POLICIES) + &pointer_step(key))));
    }
}

/// Adds a problem for each duplicate name in an object, at every level.
fn check_names(raw: &str, pointer: &str, problems: &mut Vec<Problem>) {
    let Some(container) = Container::read(raw) else { return };
    let mut seen = FxHashSet::default();
    for (index, item) in container.items.iter().enumerate() {
        let step = match container.is_object {
            true => pointer_step(&raw::text(item.key)),
            false => format!("/{index}"),
        };
        let pointer = format!("{pointer}{step}");
        check_names(item.value, &pointer, problems);
        if container.is_object && !seen.insert(step) {
            problems.push(Problem::warning(
                ProblemCode::DuplicateKey,
                pointer,
                "this name occurs twice in its object and only the last value counts; delete the other",
            ));
        }
    }
}
