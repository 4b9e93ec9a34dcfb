//! Fixes: repairs of a document's problems as edits of its text.

mod place;
mod repair;
mod syntax;

use serde_json::{Map, Value};

use super::{
    raw,
    section::{ABSENT, LOGINS, MERGES, POLICIES, POOLS, STRATEGIES, SUPPRESSED},
    span::Splice,
};
use crate::{
    credential::Credential,
    error::ProblemCode,
    id::CredentialId,
    pool_key::PoolKey,
    secret::{self, Secret},
    strategy::Strategy,
};

pub use repair::Fix;

use place::Place;

/// Returns the repairs of a problem that [`check`](crate::check) found, the likeliest first; empty if the repair needs
/// a person's knowledge. All other text keeps its bytes.
///
/// ```
/// use credential_pool::{Timestamp, check, fixes};
///
/// let text = r#"{"credential_pool": {"zai": [{"id": "a", "access_token": "k", "priority": "3"}]}}"#;
/// let problem = check(text, Timestamp::from_millis(0)).remove(0);
/// let fix = fixes(text, problem.code, &problem.pointer).remove(0);
/// assert_eq!(fix.label, "Remove the quotes");
/// assert_eq!(fix.apply(text), text.replace("\"3\"", "3"));
/// ```
pub fn fixes(text: &str, code: ProblemCode, pointer: &str) -> Vec<Fix> {
    if code == ProblemCode::NotJson {
        return syntax::fixes(text);
    }
    let Some(steps) = place::steps(pointer).filter(|_| raw::fault(text).is_none()) else { return Vec::new() };
    let repair: fn(&str, &[String]) -> Vec<Option<Fix>> = match code {
        ProblemCode::WrongType => wrong_type,
        ProblemCode::DuplicateKey => duplicate_key,
        ProblemCode::MissingId => id,
        ProblemCode::DuplicateId => id,
        ProblemCode::DuplicateSecret | ProblemCode::NoSecret => row,
        ProblemCode::InvalidSecret => secret,
        ProblemCode::UnknownAuthType => auth_type,
        ProblemCode::UnknownStatus | ProblemCode::StatusInFuture => status,
        ProblemCode::StampInFuture => stamp,
        ProblemCode::UnknownStrategy => strategy,
        ProblemCode::InvalidPolicy => policy,
        ProblemCode::UnreachablePool => pool_key,
        ProblemCode::UnknownVersion | ProblemCode::NoRefreshToken | ProblemCode::NotJson | ProblemCode::TooLarge => {
            return Vec::new();
        }
    };
    repair(text, &steps).into_iter().flatten().collect()
}

fn wrong_type(text: &str, steps: &[String]) -> Vec<Option<Fix>> {
    let Some(place) = Place::at(text, steps) else { return Vec::new() };
    let names: Vec<_> = steps.iter().map(String::as_str).collect();
    let is_object = place.value.starts_with('{');
    let is_text = place.value.starts_with('"');
    let around = |open: &str, close: &str| vec![place.before(open), place.behind(close)];
    match *names.as_slice() {
        [POOLS, pool, _, field] => vec![retyped(&place, pool, field), Fix::new("Delete this field", place.deleted())],
        [POOLS, _] if is_object => {
            vec![Fix::new("Wrap the value in a list", around("[", "]")), Fix::new("Delete the value", place.deleted())]
        }
        [ABSENT, _, _, _] => vec![Fix::new("Delete this field", place.deleted())],
        [SUPPRESSED, _] if is_text => {
            vec![Fix::new("Wrap the value in a list", around("[", "]")), Fix::new("Delete the value", place.deleted())]
        }
        [POOLS | ABSENT, _, _] => vec![Fix::new("Remove this row", place.deleted())],
        [LOGINS | POOLS | ABSENT | SUPPRESSED | STRATEGIES | POLICIES | MERGES] | [_, _] | [SUPPRESSED, _, _] => {
            vec![Fix::new("Delete the value", place.deleted())]
        }
        _ => Vec::new(),
    }
}

/// Adds or removes quotes, if the field of a row accepts the value then.
fn retyped(place: &Place<'_>, pool: &str, field: &str) -> Option<Fix> {
    let pool = PoolKey::parse(pool).ok()?;
    let fits = |json: &str| {
        let value: Value = serde_json::from_str(json).ok()?;
        let row = Value::Object(Map::from_iter([(field.to_owned(), value)]));
        Credential::parse(&row, &pool).ok()
    };
    match place.value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) => {
            let number = inside.trim();
            fits(number)?;
            let (before, after) = place.value.split_once(number)?;
            let (from, to) = (place.span.from, place.span.to);
            let edits = vec![
                Splice { from, to: from.saturating_add(before.len()), text: String::new() },
                Splice { from: to.saturating_sub(after.len()), to, text: String::new() },
            ];
            Fix::new("Remove the quotes", edits)
        }
        None => {
            serde_json::from_str::<serde_json::Number>(place.value).ok()?;
            fits(&format!("\"{}\"", place.value))?;
            Fix::new("Put the value in quotes", vec![place.before("\""), place.behind("\"")])
        }
    }
}

fn duplicate_key(text: &str, steps: &[String]) -> Vec<Option<Fix>> {
    vec![Fix::new("Delete all but the last", place::without_duplicates(text, steps))]
}

/// Assigns the id that the pool would assign when it opens.
fn id(text: &str, steps: &[String]) -> Vec<Option<Fix>> {
    let [POOLS, key, index, ..] = steps.iter().map(String::as_str).collect::<Vec<_>>()[..] else { return Vec::new() };
    let made = || {
        let key = PoolKey::parse(key).ok()?;
        let (row, pool) = (Place::at(text, steps.get(..3)?)?, Place::at(text, steps.get(..2)?)?);
        let rows = raw::value(pool.value);
        let (was, credential) = Credential::parse(rows.get(index.parse::<usize>().ok()?)?, &key).ok()?;
        let fingerprint = credential.access_token.fingerprint();
        let name = ["row", was.as_ref().map_or("", CredentialId::as_str), fingerprint.as_str()];
        let taken: rustc_hash::FxHashSet<_> =
            rows.as_array()?.iter().filter_map(|row| row.get("id").and_then(Value::as_str)).collect();
        let id = CredentialId::derived_from(&key, &name, &mut 0, &|id| taken.contains(id));
        let quoted = format!("\"{}\"", id.as_str());
        let edit = match row.item("id") {
            Some(old) => old.replaced(quoted),
            None => row.with_first("\"id\"", &quoted),
        };
        Fix::new(format!("Assign the id {}", id.as_str()), vec![edit])
    };
    vec![made()]
}

/// Leaves the key alone of what was pasted with it.
fn secret(text: &str, steps: &[String]) -> Vec<Option<Fix>> {
    let Some(place) = Place::at(text, steps) else { return Vec::new() };
    let pasted = raw::text(place.value);
    let key = secret::text::cleaned(&pasted);
    let is_clean = !key.is_empty() && key != pasted && secret::text::fault(key).is_none();
    let cleaned = is_clean.then(|| place.replaced(Value::from(key).to_string()));
    let mut fixes = vec![cleaned.and_then(|edit| Fix::new("Leave the key alone", vec![edit]))];
    fixes.extend(row(text, steps));
    fixes
}

fn row(text: &str, steps: &[String]) -> Vec<Option<Fix>> {
    let row = steps.get(..3).and_then(|steps| Place::at(text, steps));
    vec![row.and_then(|row| Fix::new("Remove this row", row.deleted()))]
}

fn auth_type(text: &str, steps: &[String]) -> Vec<Option<Fix>> {
    let Some(place) = Place::at(text, steps) else { return Vec::new() };
    let row = steps.get(..3).and_then(|steps| Place::at(text, steps));
    let refresh_token = row.and_then(|row| row.item("refresh_token").map(|token| Secret::new(raw::text(token.value))));
    let mut kinds = [("api_key", "Use `api_key`"), ("oauth", "Use `oauth`")];
    if refresh_token.is_some_and(|token| !token.is_empty()) {
        kinds.reverse();
    }
    kinds.map(|(kind, label)| Fix::new(label, vec![place.replaced(format!("\"{kind}\""))])).into()
}

fn status(text: &str, steps: &[String]) -> Vec<Option<Fix>> {
    const STATUS_FIELDS: [&str; 6] = [
        "last_status",
        "last_status_at",
        "last_error_code",
        "last_error_reason",
        "last_error_message",
        "last_error_reset_at",
    ];
    let Some(row) = steps.get(..3).and_then(|steps| Place::at(text, steps)) else { return Vec::new() };
    let fields = STATUS_FIELDS.into_iter().filter_map(|name| row.item(name)).filter(|field| field.value != "null");
    vec![Fix::new("Clear the status", fields.map(|field| field.replaced("null".to_owned())).collect())]
}

/// Sets the time of a stamp to the earliest, so that every change is later.
fn stamp(text: &str, steps: &[String]) -> Vec<Option<Fix>> {
    let place = Place::at(text, steps);
    vec![place.and_then(|place| Fix::new("Count the change as the earliest", vec![place.replaced("0".to_owned())]))]
}

fn strategy(text: &str, steps: &[String]) -> Vec<Option<Fix>> {
    let Some(place) = Place::at(text, steps) else { return Vec::new() };
    let bare = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let meant = bare(&raw::text(place.value));
    let meant = Strategy::ALL.into_iter().find(|strategy| bare(strategy.name()) == meant).unwrap_or_default();
    let used = Fix::new(format!("Use `{}`", meant.name()), vec![place.replaced(format!("\"{}\"", meant.name()))]);
    vec![used, Fix::new("Delete the strategy", place.deleted())]
}

fn policy(text: &str, steps: &[String]) -> Vec<Option<Fix>> {
    let setting = Place::at(text, steps).filter(|_| steps.len() > 2);
    let policy = steps.get(..2).and_then(|steps| Place::at(text, steps));
    vec![
        setting.and_then(|setting| Fix::new("Delete this setting", setting.deleted())),
        policy.and_then(|policy| Fix::new("Delete the policy", policy.deleted())),
    ]
}

/// Renames a pool in every section that names it, where the new name is free.
fn pool_key(text: &str, steps: &[String]) -> Vec<Option<Fix>> {
    let [section, old] = steps else { return Vec::new() };
    let at = |section: &str, key: &str| Place::at(text, &[section.to_owned(), key.to_owned()]);
    let Some(pool) = at(section, old) else { return Vec::new() };
    let renamed = || {
        let new = PoolKey::parse(old).ok()?;
        if at(POOLS, new.as_str()).is_some() {
            return None;
        }
        let mut edits = Vec::new();
        for section in [POOLS, ABSENT, SUPPRESSED, STRATEGIES, POLICIES, MERGES] {
            if at(section, new.as_str()).is_none()
                && let Some(place) = at(section, old)
            {
                edits.extend(place.renamed(new.as_str()));
            }
        }
        Fix::new("Rename the pool to its lookup key", edits)
    };
    let is_empty = raw::value(pool.value).as_array().is_none_or(Vec::is_empty);
    vec![renamed(), is_empty.then(|| Fix::new("Delete this empty pool", pool.deleted())).flatten()]
}
