//! Opening a pool: parsing of rows, repair of ids, discovery, absent sources, ranking.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value};

use crate::{
    credential::{Credential, Source},
    discovery::{Found, Sources, configured_policy, configured_strategy, discover, is_shown},
    error::{INVALID_SECRET, Problem, ProblemCode, pointer_step},
    id::CredentialId,
    oauth::refresh,
    policy::Policy,
    pool_key::PoolKey,
    providers::{self, provider::LoginPlace},
    random::Random,
    stamp::HostId,
    step::{Opened, Step},
    store::{change::Edit, stored::Stored},
    strategy::Strategy,
    time::Timestamp,
};

use super::{
    Configured, Pool,
    leases::Leases,
    member::{AttemptNumber, Member},
    outage::Outages,
    outbox::Outbox,
    roster::Roster,
    slot::Slot,
    status::TokensBy,
};

impl Pool {
    /// Opens a pool: reads its stored rows, discovers credentials in `sources`, and orders them. A borrowed credential
    /// whose source is gone goes; the document remembers its row without the secret until the source is found again.
    /// A login whose tokens live in its row stays.
    ///
    /// Opening never fails: an unreadable row is set aside with a problem as the reason, and stays in the document
    /// unchanged. `seed` is the only randomness of the pool; the seed must be random and used for one pool only.
    pub fn open(
        key: PoolKey,
        stored: &Stored,
        sources: &Sources,
        seed: [u8; 32],
        now: Timestamp,
    ) -> (Self, Step<Opened>) {
        let mut problems = Vec::new();
        let name = configured_strategy(sources, &key).filter(|name| !name.is_null());
        let given = configured_policy(sources, &key).filter(|policy| !policy.is_null());
        let configured = Configuration {
            strategy: name.map(|name| strategy(name.as_str(), &key, &mut problems)),
            policy: given.map(|given| policy(given, &key, &mut problems)),
        };
        let mut pool = Self::from_stored(key, stored, configured, seed, now, &mut problems);
        pool.discover(sources, &mut problems);
        pool.opened(problems)
    }

    /// Opens a pool without a host: from stored rows alone, without discovery.
    pub(crate) fn open_stored(key: PoolKey, stored: &Stored, seed: [u8; 32], now: Timestamp) -> (Self, Step<Opened>) {
        let mut problems = Vec::new();
        let pool = Self::from_stored(key, stored, Configuration::default(), seed, now, &mut problems);
        pool.opened(problems)
    }

    fn from_stored(
        key: PoolKey,
        stored: &Stored,
        configured: Configuration,
        seed: [u8; 32],
        now: Timestamp,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let is_configured = Configured { strategy: configured.strategy.is_some(), policy: configured.policy.is_some() };
        let strategy = configured.strategy.or_else(|| stored_strategy(stored, problems, &key)).unwrap_or_default();
        let policy = configured.policy.or_else(|| stored_policy(stored, problems, &key)).unwrap_or_default();
        let mut pool = Self {
            roster: Roster::new(key, strategy),
            outbox: Outbox::new(HostId::of(&seed)),
            random: Random::from_seed(seed),
            now,
            current: None,
            used: Vec::new(),
            flush_at: None,
            failed_writes: 0,
            suppressed: stored.suppressed_sources.clone(),
            policy,
            configured: is_configured,
            leases: Leases::default(),
            outages: Outages::default(),
            last_attempt: AttemptNumber::default(),
            events: Vec::new(),
            set_aside: Vec::new(),
            absent: Vec::new(),
            removed: FxHashSet::default(),
        };
        pool.outbox.observe(now, stored.merge.latest());
        pool.roster.set_caps(pool.policy.max_in_flight);
        pool.read(stored, problems);
        let slots: Vec<_> = pool.roster.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            pool.bound_cooldown_start(slot);
        }
        pool
    }

    fn opened(mut self, problems: Vec<Problem>) -> (Self, Step<Opened>) {
        let ranking = providers::source_ranking(self.key());
        if !ranking.is_empty() {
            self.rank_sources(ranking);
        }
        let opened = Opened { has_credentials: self.has_credentials(), problems };
        let step = self.step(opened, None);
        (self, step)
    }

    /// Reads stored rows, and gives an id to each row without a unique id. Returns the slots of the rows.
    pub(super) fn read(&mut self, stored: &Stored, problems: &mut Vec<Problem>) -> FxHashSet<Slot> {
        let place = format!("/credential_pool{}", pointer_step(self.key().as_str()));
        let mut identified = Vec::new();
        let mut unread = Vec::new();
        self.set_aside.clear();
        self.removed = stored.merge.removed_ids().map(str::to_owned).collect();
        let absent = stored.absent.iter().filter_map(|row| Credential::parse(row, self.key()).ok());
        let with_context = |credential| (stored.merge.context(&credential), credential);
        self.absent = absent.map(|(_, credential)| with_context(credential)).collect();
        for (index, row) in stored.rows.iter().enumerate() {
            match Credential::parse(row, self.key()) {
                Ok((id, credential)) => {
                    let key = credential.runtime_key(self.key());
                    if !key.is_empty() && !key.is_sendable() {
                        let pointer = format!("{place}/{index}{}", credential.runtime_key_pointer(self.key()));
                        problems.push(Problem::warning(ProblemCode::InvalidSecret, pointer, INVALID_SECRET));
                    }
                    unread.push((index, id, credential));
                }
                Err(wrong) => {
                    problems.extend(wrong.into_iter().map(|problem| problem.under(&format!("{place}/{index}"))));
                    self.set_aside.push(row.clone());
                }
            }
        }
        let (mut slots, mut new) = (FxHashSet::default(), Vec::new());
        let mut attempts: FxHashMap<_, u32> = FxHashMap::default();
        for (index, id, mut credential) in unread {
            match id {
                Some(id) if !self.roster.slot(id.as_str()).is_some_and(|slot| slots.contains(&slot)) => {
                    credential.id = id
                }
                was => {
                    problems.push(id_problem(was.is_some(), format!("{place}/{index}/id")));
                    let fingerprint = credential.access_token.fingerprint();
                    let name = ["row", was.as_ref().map_or("", CredentialId::as_str), fingerprint.as_str()];
                    let attempt = attempts.entry((was.clone(), fingerprint.clone())).or_default();
                    credential.id = self.id_of(&name, attempt);
                    identified.push(Edit::Identify { id: credential.id.clone(), was, fingerprint });
                }
            }
            let context = stored.merge.context(&credential);
            let slot = match self.roster.slot(credential.id.as_str()) {
                Some(slot) => {
                    self.replace(slot, credential, context);
                    slot
                }
                None => {
                    let slot = self.roster.insert(credential);
                    self.roster.change(slot, |member| member.context = context);
                    new.push(slot);
                    slot
                }
            };
            slots.insert(slot);
        }
        // An `Identify` applies to the last matching row, so the last row's edit is recorded first.
        for change in identified.into_iter().rev() {
            self.outbox.record(change);
        }
        for slot in new {
            self.plan_probe(slot);
        }
        slots
    }

    /// Adds and updates the credentials that discovery finds. A borrowed credential whose source the host shows without
    /// it goes, and its row is remembered without the secret; a login whose tokens live in the row stays.
    pub(super) fn discover(&mut self, sources: &Sources, problems: &mut Vec<Problem>) {
        let mut all = discover(self.key(), sources);
        all.retain(|found| !self.suppressed.contains(&found.source));
        for found in &all {
            self.restore_source(&found.source);
            self.upsert(found, problems);
        }
        let is_gone = |credential: &Credential| {
            let source = &credential.source;
            !source.is_manual()
                && source.is_discovered()
                && !credential.owns_tokens()
                && is_shown(source, sources)
                && all.iter().all(|found| found.source != *source)
        };
        let gone: Vec<_> =
            self.roster.iter().filter(|(_, member)| is_gone(&member.credential)).map(|(slot, _)| slot).collect();
        for slot in gone {
            self.mark_absent(slot);
        }
    }

    /// Brings the absent row of a source back, if no row has this source.
    fn restore_source(&mut self, source: &Source) {
        if self.roster.iter().all(|(_, member)| member.credential.source != *source)
            && let Some(at) = self.absent.iter().position(|(_, credential)| credential.source == *source)
        {
            let (context, credential) = self.absent.remove(at);
            self.restore(credential, context);
        }
    }

    /// Updates the row of a source, or adds a row. Of several rows of the source it is the row with the found secret, else
    /// the first. Id, priority and a present label are kept; so are the tokens of a login that this pool refreshed later
    /// than the source.
    fn upsert(&mut self, found: &Found, problems: &mut Vec<Problem>) {
        let new = Credential::parse(&Value::Object(found.fields.0.clone()), self.key()).ok();
        let of_source = || self.roster.iter().filter(|(_, member)| member.credential.source == found.source);
        let token = new.as_ref().map(|(_, new)| new.token_fingerprint());
        let has_secret = |(_, member): &(Slot, &Member)| Some(member.credential.token_fingerprint()) == token;
        let Some((slot, member)) = of_source().find(has_secret).or_else(|| of_source().next()) else {
            return self.add_found(found, problems);
        };
        let existing = &member.credential;
        let missing = new.filter(|(_, new)| existing.lacks_secrets_of(new));
        if let Some((_, new)) = missing {
            self.roster.edit(slot, |credential| credential.copy_secrets_of(&new));
        }
        self.roster.change(slot, |member| member.is_found = true);
        let Some(member) = self.roster.get(slot) else { return };
        let row = member.credential.to_row();
        let mut fields = found.fields.0.clone();
        fields.retain(|name, value| {
            let is_label_there = name == "label" && !member.credential.label.is_empty();
            row.get(name) != Some(value) && !is_label_there
        });
        // The policy changed how unchanged borrowed secrets are stored.
        let is_stored_differently =
            self.is_kept_as_fingerprint(&member.credential) != member.credential.is_stored_as_fingerprint();
        if is_stored_differently && !self.has_new_secret(slot, &fields) {
            self.set_tokens(slot, &Map::new(), TokensBy::Discovery);
        }
        let Some(member) = self.roster.get(slot) else { return };
        if fields.is_empty() {
            return;
        }
        match member.credential.with(&fields, self.key()) {
            Ok(login) if is_before(refresh::expires_at(&login, self.key()), member.expires_at) => {}
            Ok(_) => self.set_fields(slot, fields, TokensBy::Discovery),
            Err(wrong) => problems.extend(wrong.into_iter().map(|problem| not_discovered(problem, found))),
        }
    }

    fn add_found(&mut self, found: &Found, problems: &mut Vec<Problem>) {
        match Credential::parse(&Value::Object(found.fields.0.clone()), self.key()) {
            Ok((_, mut credential)) => {
                credential.id = self.id_of(&["source", credential.source.as_str()], &mut 0);
                credential.store_as_fingerprint(self.is_kept_as_fingerprint(&credential));
                let slot = self.add_member(credential);
                self.roster.change(slot, |member| member.is_found = true);
            }
            Err(wrong) => problems.extend(wrong.into_iter().map(|problem| not_discovered(problem, found))),
        }
    }

    /// Orders the members by their sources, as the provider ranks them. Credentials added by hand come first.
    fn rank_sources(&mut self, ranking: &[&str]) {
        fn rank<'a>(credential: &'a Credential, ranking: &[&str]) -> (usize, i64, &'a str) {
            match credential.source.is_manual() {
                true => (0, credential.priority, ""),
                false => {
                    let source = credential.source.as_str();
                    let place = ranking.iter().position(|ranked| *ranked == source).unwrap_or(ranking.len());
                    (place.saturating_add(1), credential.priority, &credential.label)
                }
            }
        }
        let members =
            self.roster.sorted(&|one, other| rank(&one.credential, ranking).cmp(&rank(&other.credential, ranking)));
        let order: Vec<_> = members.into_iter().map(|(slot, _)| slot).collect();
        self.set_priorities(&order);
    }
}

/// Settings of a pool in the host's configuration.
#[derive(Default)]
struct Configuration {
    strategy: Option<Strategy>,
    policy: Option<Policy>,
}

/// Returns the strategy of the document; `None` if the document has none.
pub(super) fn stored_strategy(stored: &Stored, problems: &mut Vec<Problem>, key: &PoolKey) -> Option<Strategy> {
    Some(strategy(Some(stored.strategy.as_deref()?), key, problems))
}

/// Returns the policy of the document; `None` if the document has none.
pub(super) fn stored_policy(stored: &Stored, problems: &mut Vec<Problem>, key: &PoolKey) -> Option<Policy> {
    Some(policy(stored.policy.as_ref()?, key, problems))
}

fn strategy(name: Option<&str>, key: &PoolKey, problems: &mut Vec<Problem>) -> Strategy {
    name.and_then(|name| Strategy::parse(name).ok()).unwrap_or_else(|| {
        problems.push(Problem::warning(
            ProblemCode::UnknownStrategy,
            format!("/credential_pool_strategies{}", pointer_step(key.as_str())),
            "no strategy has this name, so the pool uses `fill_first`; choose `fill_first`, `round_robin`, \
             `random`, `least_used` or `least_in_flight`",
        ));
        Strategy::default()
    })
}

fn policy(policy: &Value, key: &PoolKey, problems: &mut Vec<Problem>) -> Policy {
    Policy::parse(policy).unwrap_or_else(|error| {
        problems.push(Problem::warning(
            ProblemCode::InvalidPolicy,
            format!(
                "/credential_pool_policies{}{}",
                pointer_step(key.as_str()),
                error.pointer.as_deref().unwrap_or_default()
            ),
            format!("{}; until then the pool uses the preset `adaptive`", error.message),
        ));
        Policy::default()
    })
}

/// Returns whether both tokens expire, `one` before `other`.
fn is_before(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one < other)
}

fn id_problem(is_shared: bool, pointer: String) -> Problem {
    match is_shared {
        true => Problem::warning(
            ProblemCode::DuplicateId,
            pointer,
            "an earlier row has the same id; this row got a new id, which is written with the next change",
        ),
        false => Problem::warning(
            ProblemCode::MissingId,
            pointer,
            "the row had no id; the row got an id, which is written with the next change",
        ),
    }
}

fn not_discovered(problem: Problem, found: &Found) -> Problem {
    let kept = providers::kept_login(found.source.as_str()).map(|login| login.place);
    let place = if kept == Some(LoginPlace::Document) { "/providers" } else { "" };
    Problem { message: format!("a discovered login was left out: {}", problem.message).into(), ..problem }.under(place)
}
