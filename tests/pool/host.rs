//! A host for tests: it has a store in memory, and carries out intents at once.

use credential_pool::{
    Change, Credential, CredentialId, Entry, Failure, Intent, IntentId, Opened, Outcome, Pool, PoolKey, Selection,
    Sources, State, Step, Stored, Timestamp, apply,
};
use serde_json::{Map, Value, json};

pub const START: Timestamp = Timestamp::from_millis(1_775_757_580_463);
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

pub struct Host {
    pub key: PoolKey,
    pub pool: Pool,
    pub stored: Stored,
    pub sources: Sources,
    pub now: Timestamp,
    /// Refresh intents that are not settled yet.
    pub refreshes: Vec<(IntentId, CredentialId)>,
    pub changes: Vec<Change>,
    pub opened: Opened,
}

impl Host {
    pub fn open(key: &str, rows: Value) -> Self {
        Self::open_with(key, rows, json!({}))
    }

    /// Opens a pool with these sources.
    pub fn open_with(key: &str, rows: Value, sources: Value) -> Self {
        let stored = Stored { rows: rows.as_array().unwrap().clone(), ..Stored::default() };
        Self::open_stored(key, stored, sources, START)
    }

    pub fn open_stored(key: &str, stored: Stored, sources: Value, now: Timestamp) -> Self {
        let key = PoolKey::parse(key).unwrap();
        let sources: Sources = serde_json::from_value(sources).unwrap();
        let (pool, step) = Pool::open(key.clone(), &stored, &sources, [7; 32], now);
        let opened = step.value.clone();
        let (refreshes, changes) = (Vec::new(), Vec::new());
        let mut host = Self { key, pool, stored, sources, now, refreshes, changes, opened };
        host.carry_out(step);
        host
    }

    /// Closes the pool and opens it again from the store.
    pub fn reopen(&mut self) {
        self.reopen_with(serde_json::to_value(&self.sources).unwrap());
    }

    pub fn reopen_with(&mut self, sources: Value) {
        let step = self.pool.flush(self.now);
        self.carry_out(step);
        *self = Self::open_stored(self.key.as_str(), self.stored.clone(), sources, self.now);
    }

    pub fn later(&mut self, millis: i64) -> &mut Self {
        self.now = Timestamp::from_millis(self.now.as_millis() + millis);
        self
    }

    pub fn select(&mut self) -> Selection {
        let step = self.pool.select(self.now);
        self.carry_out(step)
    }

    /// Selects, and returns the id of the selected credential; `None` if no credential is selected.
    pub fn serves(&mut self) -> Option<String> {
        match self.select() {
            Selection::Selected { credential } => Some(credential.as_str().to_owned()),
            Selection::Refreshing { .. } | Selection::Exhausted { .. } | Selection::Empty => None,
        }
    }

    pub fn rotate(&mut self, id: &str, status: i64) -> Selection {
        let step = self.pool.rotate(&id.into(), Failure::status(status), self.now).unwrap();
        self.carry_out(step)
    }

    pub fn mark_used(&mut self, id: &str) {
        let step = self.pool.mark_used(&id.into()).unwrap();
        self.carry_out(step);
    }

    /// Settles the oldest refresh, and returns the id of its credential.
    pub fn settle_refresh(&mut self, outcome: Outcome) -> String {
        let (intent, credential) = self.refreshes.remove(0);
        let step = self.pool.settle(intent, outcome, self.now).unwrap();
        self.carry_out(step);
        credential.as_str().to_owned()
    }

    /// Returns the stored row of a credential.
    pub fn row(&self, id: &str) -> &Map<String, Value> {
        self.stored.rows.iter().find(|row| row["id"] == id).unwrap().as_object().unwrap()
    }

    pub fn state(&self, id: &str) -> State {
        self.entry(id).state
    }

    pub fn entry(&self, id: &str) -> Entry {
        self.pool.entries(self.now).into_iter().find(|entry| entry.id.as_str() == id).unwrap()
    }

    pub fn ids(&self) -> Vec<String> {
        self.pool.entries(self.now).into_iter().map(|entry| entry.id.as_str().to_owned()).collect()
    }

    pub fn carry_out<T>(&mut self, step: Step<T>) -> T {
        for intent in step.intents {
            match intent {
                Intent::Persist { id, changes } => {
                    apply(&mut self.stored, &changes, &self.key);
                    self.changes.extend(changes);
                    let settled = self.pool.settle(id, Outcome::Saved, self.now).unwrap();
                    assert_eq!(settled.intents, []);
                }
                Intent::Refresh { id, credential, .. } => self.refreshes.push((id, credential)),
            }
        }
        step.value
    }
}

/// Returns the readable rows of a store, sorted by id, with defaults for missing fields.
pub fn readable_rows(stored: &Stored, key: &PoolKey) -> Vec<Map<String, Value>> {
    let read = |row: &Value| Credential::parse(row, key).ok().map(|(_, credential)| credential.to_row());
    let mut rows: Vec<_> = stored.rows.iter().filter_map(read).collect();
    rows.sort_by_key(|row| row["id"].as_str().map(str::to_owned));
    rows
}

pub fn tokens(fields: Value) -> Outcome {
    serde_json::from_value(json!({ "type": "tokens", "set": fields })).unwrap()
}

pub fn key(id: &str, priority: i64) -> Value {
    json!({ "id": id, "label": id, "source": "manual", "access_token": format!("sk-{id}"), "priority": priority })
}

/// Returns an anthropic login whose access token expires at `expires_at`.
pub fn login(id: &str, priority: i64, expires_at: Timestamp) -> Value {
    json!({
        "id": id, "label": id, "source": "manual:hermes_pkce", "auth_type": "oauth", "priority": priority,
        "access_token": format!("at-{id}"), "refresh_token": format!("rt-{id}"), "expires_at_ms": expires_at.as_millis(),
    })
}

pub fn after(millis: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + millis)
}
