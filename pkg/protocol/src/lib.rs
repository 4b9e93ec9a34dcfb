//! `call(json) -> json`: every input of the core as JSON text, for hosts that pass text alone.
//!
//! A call is `{ "call": NAME, "args": { … } }`. Names and arguments are those of the JavaScript package, except that
//! names of calls on a login contain `login`. An answer is `{ "ok": … }` with the package's shapes, or
//! `{ "error": { "code", "message", "pointer"? } }`; an error means that nothing changed. A call beyond the `limits` is
//! `too_large`, before it is parsed.
//!
//! | calls | arguments |
//! | --- | --- |
//! | `open` | `key`, `stored`?, `sources`?, `seed` (32 bytes as 64 hex digits), `now`; returns a step and `pool`, the pool's number for later calls |
//! | `close`, `key`, `strategy`, `policy`, `hasCredentials`, `current`, `rows`, `setAside`, `outstanding`, `wake` | `pool` |
//! | `select`, `tick`, `flush`, `signOff`, `peek`, `entries` | `pool`, `now` |
//! | `runtime`, `markUsed` | `pool`, `id` |
//! | `address` | `pool`, `id`, `url`, `endpoints`? |
//! | `limits` | none |
//! | `refresh`, `remove` | `pool`, `id`, `now` |
//! | `rotate` | `pool`, `id`, `failure`?, `now` |
//! | `lease`, `explain` | `pool`, `request`?, `now` |
//! | `resume`, `release` | `pool`, `lease`, `now` |
//! | `report` | `pool`, `lease`, `response`, `now` |
//! | `reset` | `pool`, `id`?, `now` |
//! | `settle` | `pool`, `intent`, `outcome`, `now` |
//! | `sync` | `pool`, `stored`, `sources`?, `now` |
//! | `claim` | `pool`, `intent`, `now` |
//! | `add` | `pool`, `row`, `now` |
//! | `update` | `pool`, `id`, `fields`, `now` |
//! | `moveTo` | `pool`, `id`, `place`, `now` |
//! | `setStrategy` | `pool`, `strategy`, `now` |
//! | `setPolicy` | `pool`, `policy`, `now` |
//! | `readPolicy` | `policy`; returns the policy with all settings that it leaves to its preset |
//! | `diagnose` | `key`, `response`, `baseUrl`?, `now` |
//! | `readRequest` | `url`, `headers`?, `body`?; returns the model and the affinity of a request, for `lease` |
//! | `providers` | none |
//! | `wanted` | `key` |
//! | `poolKeyForBaseUrl` | `baseUrl`, `config` |
//! | `applyChanges` | `key`, `stored`, `changes` |
//! | `emptyDocument` | none |
//! | `readDocument` | `text`, `key` |
//! | `applyToDocument` | `text`, `key`, `changes`; returns the new `text`, and in `refused` the changes that the document could not take |
//! | `checkDocument` | `text`, `now` |
//! | `pools`, `customPools` | `text` |
//! | `startLogin` | `key`, `config`?, `flow`?, `seed`, `now`; returns the first move and `login`, the login's number for later calls |
//! | `answerLogin` | `login`, `response`, `now` |
//! | `resumeLogin` | `login`, `now` |
//! | `loginListening` | `login`, `port`, `now` |
//! | `loginRedirected` | `login`, `url`, `now` |
//! | `closeLogin` | `login` |
//!
//! Times are whole milliseconds since the Unix epoch.
//!
//! The outcome of a `persist` is `{ "type": "saved" }` or `{ "type": "failed" }`. The outcome of a `refresh` is
//! `{ "type": "response", "status", "headers"?, "body" }` with the response to its request, `{ "type": "unreachable" }` if
//! the request was not sent, or `{ "type": "lost" }` if no response came. A host with its own OAuth client settles with `{ "type": "tokens", "set" }` or
//! `{ "type": "refused" }`.
//!
//! ```
//! use credential_pool_protocol::Session;
//!
//! let mut session = Session::default();
//! let seed = "07".repeat(32);
//! let opened = session.call(&format!(
//!     r#"{{ "call": "open", "args": {{ "key": "openrouter", "seed": "{seed}", "now": 1775757580463, "stored": {{
//!          "rows": [{{ "id": "a1b2c3", "access_token": "sk-first" }}] }} }} }}"#
//! ));
//! assert!(opened.starts_with(r#"{"ok":{"pool":1,"value":{"hasCredentials":true"#));
//!
//! let selected = session.call(r#"{ "call": "select", "args": { "pool": 1, "now": 1775757580463 } }"#);
//! assert_eq!(selected, r#"{"ok":{"value":{"type":"selected","credential":"a1b2c3"},"intents":[],"events":[],"wake":null}}"#);
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use credential_pool::{
    Change, CredentialId, Document, Endpoints, Error, ErrorCode, Failure, Headers, IntentId, LIMITS, LeaseId, Login,
    LoginConfig, LoginFlow, LoginMove, Outcome, Policy, Pool, PoolKey, Refusal, Request, Response, Sources, Step,
    Stored, Strategy, Timestamp, apply, check, diagnose, pointer_step, pool_key_for_base_url, providers, read_request,
    wanted,
};

/// Open pools and logins of a caller, by number.
#[derive(Debug, Default)]
pub struct Session {
    pools: BTreeMap<u32, Pool>,
    last_pool: u32,
    logins: BTreeMap<u32, Login>,
    last_login: u32,
}

impl Session {
    /// Answers a call. Never panics: invalid text is an error.
    pub fn call(&mut self, json: &str) -> String {
        let answer = LIMITS.check_call(json).and_then(|()| parse(json)).and_then(|call| self.answer(call));
        let answer = match &answer {
            Ok(ok) => serde_json::to_string(&Answer::Ok(ok)),
            Err(error) => serde_json::to_string(&Answer::<()>::Error(error)),
        };
        answer.unwrap_or_else(|_| {
            r#"{"error":{"code":"invalid_argument","message":"the answer has no JSON form; report this as a bug"}}"#
                .to_owned()
        })
    }

    fn answer(&mut self, call: Call) -> Result<Value, Error> {
        match call {
            Call::Open { key, stored, sources, seed, now } => {
                stored.within_limits()?;
                let (pool, step) = Pool::open(key, &stored, &sources, seed.0, now);
                self.last_pool = self.last_pool.saturating_add(1);
                self.pools.insert(self.last_pool, pool);
                json(&Opening { pool: self.last_pool, step })
            }
            Call::Close { pool } => {
                self.pool(pool)?;
                self.pools.remove(&pool);
                Ok(Value::Null)
            }
            Call::Select { pool, now } => json(&self.pool(pool)?.select(now)),
            Call::Rotate { pool, id, failure, now } => json(&self.pool(pool)?.rotate(&id, failure, now)?),
            Call::Refresh { pool, id, now } => json(&self.pool(pool)?.refresh(&id, now)?),
            Call::MarkUsed { pool, id } => json(&self.pool(pool)?.mark_used(&id)?),
            Call::Lease { pool, request, now } => json(&self.pool(pool)?.lease(request.unwrap_or_default(), now)),
            Call::Resume { pool, lease, now } => json(&self.pool(pool)?.resume(lease, now)?),
            Call::Report { pool, lease, response, now } => json(&self.pool(pool)?.report(lease, &response, now)?),
            Call::Release { pool, lease, now } => json(&self.pool(pool)?.release(lease, now)?),
            Call::Settle { pool, intent, outcome, now } => json(&self.pool(pool)?.settle(intent, outcome, now)?),
            Call::Tick { pool, now } => json(&self.pool(pool)?.tick(now)),
            Call::Flush { pool, now } => json(&self.pool(pool)?.flush(now)),
            Call::SignOff { pool, now } => json(&self.pool(pool)?.sign_off(now)),
            Call::Sync { pool, stored, sources, now } => {
                stored.within_limits()?;
                json(&self.pool(pool)?.sync(&stored, sources.as_deref(), now))
            }
            Call::Claim { pool, intent, now } => json(&self.pool(pool)?.claim(intent, now)?),
            Call::Add { pool, row, now } => json(&self.pool(pool)?.add(&row, now)?),
            Call::Update { pool, id, fields, now } => json(&self.pool(pool)?.update(&id, &fields, now)?),
            Call::Remove { pool, id, now } => json(&self.pool(pool)?.remove(&id, now)?),
            Call::MoveTo { pool, id, place, now } => {
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                json(&self.pool(pool)?.move_to(&id, place, now)?)
            }
            Call::Reset { pool, id, now } => json(&self.pool(pool)?.reset(id.as_ref(), now)?),
            Call::SetStrategy { pool, strategy, now } => {
                json(&self.pool(pool)?.set_strategy(Strategy::parse(&strategy)?, now))
            }
            Call::SetPolicy { pool, policy, now } => json(&self.pool(pool)?.set_policy(&policy, now)?),
            Call::Key { pool } => json(self.pool(pool)?.key()),
            Call::Strategy { pool } => json(&self.pool(pool)?.strategy()),
            Call::Policy { pool } => Ok(self.pool(pool)?.policy().to_value()),
            Call::HasCredentials { pool } => json(&self.pool(pool)?.has_credentials()),
            Call::Current { pool } => json(&self.pool(pool)?.current()),
            Call::Peek { pool, now } => json(&self.pool(pool)?.peek(now)),
            Call::Entries { pool, now } => json(&self.pool(pool)?.entries(now)),
            Call::Explain { pool, request, now } => json(&self.pool(pool)?.explain(&request.unwrap_or_default(), now)),
            Call::Runtime { pool, id } => json(&self.pool(pool)?.runtime(&id)?),
            Call::Address { pool, id, url, endpoints } => {
                json(&self.pool(pool)?.address(&id, &url, &endpoints.unwrap_or_default())?)
            }
            Call::Limits {} => json(&LIMITS),
            Call::Rows { pool } => json(&self.pool(pool)?.rows()),
            Call::SetAside { pool } => json(&self.pool(pool)?.set_aside()),
            Call::Outstanding { pool } => json(&self.pool(pool)?.outstanding()),
            Call::Wake { pool } => json(&self.pool(pool)?.wake()),
            Call::ReadPolicy { policy } => json(&Policy::parse(&policy)?),
            Call::Diagnose { key, response, base_url, now } => {
                response.within_limits()?;
                json(&diagnose(&response, &key, base_url.as_deref(), now))
            }
            Call::ReadRequest { url, headers, body } => json(&read_request(&url, &headers.0, &body)),
            Call::Providers {} => json(&providers()),
            Call::Wanted { key } => json(&wanted(&key)),
            Call::PoolKeyForBaseUrl { base_url, config } => json(&pool_key_for_base_url(&base_url, &config)),
            Call::ApplyChanges { key, mut stored, changes } => {
                stored.within_limits()?;
                apply(&mut stored, &changes, &key);
                json(&stored)
            }
            Call::EmptyDocument {} => json(&Document::empty().to_text()),
            Call::ReadDocument { text, key } => json(&Reading::of(&document(&text)?, &key)),
            Call::ApplyToDocument { text, key, changes } => json(&Applied::to(document(&text)?, &key, &changes)),
            Call::CheckDocument { text, now } => {
                LIMITS.check_call(&text)?;
                json(&check(&text, now))
            }
            Call::Pools { text } => json(&document(&text)?.pools()),
            Call::CustomPools { text } => json(&document(&text)?.custom_pools()),
            Call::StartLogin { key, config, flow, seed, now } => {
                let config = LoginConfig::of(&key, config.as_ref(), flow)?;
                let (login, first) = Login::start(config, seed.0, now);
                self.last_login = self.last_login.saturating_add(1);
                self.logins.insert(self.last_login, login);
                json(&LoginStart { login: self.last_login, first })
            }
            Call::AnswerLogin { login, response, now } => json(&self.login(login)?.answer(&response, now)?),
            Call::ResumeLogin { login, now } => json(&self.login(login)?.resume(now)?),
            Call::LoginListening { login, port, now } => json(&self.login(login)?.listening(port, now)?),
            Call::LoginRedirected { login, url, now } => json(&self.login(login)?.redirected(&url, now)?),
            Call::CloseLogin { login } => {
                self.login(login)?;
                self.logins.remove(&login);
                Ok(Value::Null)
            }
        }
    }

    fn login(&mut self, login: u32) -> Result<&mut Login, Error> {
        let message = "no login has this number; use the number that `startLogin` returned";
        let unknown = || Error::new(ErrorCode::InvalidArgument, message).at("/args/login");
        self.logins.get_mut(&login).ok_or_else(unknown)
    }

    fn pool(&mut self, pool: u32) -> Result<&mut Pool, Error> {
        self.pools.get_mut(&pool).ok_or_else(|| {
            Error::new(ErrorCode::InvalidArgument, "no open pool has this number; use the number that `open` returned")
                .at("/args/pool")
        })
    }
}

/// All calls.
#[derive(Deserialize)]
#[serde(tag = "call", content = "args", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Call {
    Open {
        key: PoolKey,
        #[serde(default)]
        stored: Stored,
        #[serde(default)]
        sources: Box<Sources>,
        seed: Seed,
        now: Timestamp,
    },
    Close {
        pool: u32,
    },
    Select {
        pool: u32,
        now: Timestamp,
    },
    Rotate {
        pool: u32,
        id: CredentialId,
        #[serde(default)]
        failure: Failure,
        now: Timestamp,
    },
    Refresh {
        pool: u32,
        id: CredentialId,
        now: Timestamp,
    },
    MarkUsed {
        pool: u32,
        id: CredentialId,
    },
    Lease {
        pool: u32,
        #[serde(default)]
        request: Option<Request>,
        now: Timestamp,
    },
    Resume {
        pool: u32,
        lease: LeaseId,
        now: Timestamp,
    },
    Report {
        pool: u32,
        lease: LeaseId,
        response: Response,
        now: Timestamp,
    },
    Release {
        pool: u32,
        lease: LeaseId,
        now: Timestamp,
    },
    Settle {
        pool: u32,
        intent: IntentId,
        outcome: Outcome,
        now: Timestamp,
    },
    Tick {
        pool: u32,
        now: Timestamp,
    },
    Flush {
        pool: u32,
        now: Timestamp,
    },
    SignOff {
        pool: u32,
        now: Timestamp,
    },
    Sync {
        pool: u32,
        stored: Stored,
        #[serde(default)]
        sources: Option<Box<Sources>>,
        now: Timestamp,
    },
    Claim {
        pool: u32,
        intent: IntentId,
        now: Timestamp,
    },
    Add {
        pool: u32,
        row: Map<String, Value>,
        now: Timestamp,
    },
    Update {
        pool: u32,
        id: CredentialId,
        fields: Map<String, Value>,
        now: Timestamp,
    },
    Remove {
        pool: u32,
        id: CredentialId,
        now: Timestamp,
    },
    MoveTo {
        pool: u32,
        id: CredentialId,
        place: u32,
        now: Timestamp,
    },
    Reset {
        pool: u32,
        #[serde(default)]
        id: Option<CredentialId>,
        now: Timestamp,
    },
    SetStrategy {
        pool: u32,
        strategy: String,
        now: Timestamp,
    },
    SetPolicy {
        pool: u32,
        policy: Value,
        now: Timestamp,
    },
    Key {
        pool: u32,
    },
    Strategy {
        pool: u32,
    },
    Policy {
        pool: u32,
    },
    HasCredentials {
        pool: u32,
    },
    Current {
        pool: u32,
    },
    Peek {
        pool: u32,
        now: Timestamp,
    },
    Entries {
        pool: u32,
        now: Timestamp,
    },
    Explain {
        pool: u32,
        #[serde(default)]
        request: Option<Request>,
        now: Timestamp,
    },
    Runtime {
        pool: u32,
        id: CredentialId,
    },
    Address {
        pool: u32,
        id: CredentialId,
        url: String,
        #[serde(default)]
        endpoints: Option<Endpoints>,
    },
    Limits {},
    Rows {
        pool: u32,
    },
    SetAside {
        pool: u32,
    },
    Outstanding {
        pool: u32,
    },
    Wake {
        pool: u32,
    },
    ReadPolicy {
        policy: Value,
    },
    Diagnose {
        key: PoolKey,
        response: Response,
        #[serde(default)]
        base_url: Option<String>,
        now: Timestamp,
    },
    ReadRequest {
        url: String,
        #[serde(default)]
        headers: Headers,
        #[serde(default)]
        body: String,
    },
    Providers {},
    Wanted {
        key: PoolKey,
    },
    PoolKeyForBaseUrl {
        base_url: String,
        config: Map<String, Value>,
    },
    ApplyChanges {
        key: PoolKey,
        stored: Stored,
        changes: Vec<Change>,
    },
    EmptyDocument {},
    ReadDocument {
        text: String,
        key: PoolKey,
    },
    ApplyToDocument {
        text: String,
        key: PoolKey,
        changes: Vec<Change>,
    },
    CheckDocument {
        text: String,
        now: Timestamp,
    },
    Pools {
        text: String,
    },
    CustomPools {
        text: String,
    },
    StartLogin {
        key: PoolKey,
        #[serde(default)]
        config: Option<Map<String, Value>>,
        #[serde(default)]
        flow: Option<LoginFlow>,
        seed: Seed,
        now: Timestamp,
    },
    AnswerLogin {
        login: u32,
        response: Response,
        now: Timestamp,
    },
    ResumeLogin {
        login: u32,
        now: Timestamp,
    },
    LoginListening {
        login: u32,
        port: u16,
        now: Timestamp,
    },
    LoginRedirected {
        login: u32,
        url: String,
        now: Timestamp,
    },
    CloseLogin {
        login: u32,
    },
}

/// Answer of `open`: the step, and the pool's number.
#[derive(Serialize)]
struct Opening {
    pool: u32,
    #[serde(flatten)]
    step: Step<credential_pool::Opened>,
}

/// Answer of `applyToDocument`.
#[derive(Serialize)]
pub struct Applied {
    /// Text of the document with the changes.
    text: String,
    /// Changes that the document could not take, by reason.
    refused: Vec<Refusal>,
}

impl Applied {
    /// Applies changes of a pool to a document.
    pub fn to(mut document: Document, key: &PoolKey, changes: &[Change]) -> Self {
        let refused = document.apply(key, changes);
        Self { text: document.to_text(), refused }
    }
}

/// Answer of `startLogin`.
#[derive(Serialize)]
struct LoginStart {
    login: u32,
    #[serde(rename = "move")]
    first: LoginMove,
}

/// Answer of `readDocument`: options for opening a pool.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    stored: Stored,
    document_logins: Option<Map<String, Value>>,
}

impl Reading {
    /// Reads the stored state of a pool and the logins of other programs.
    pub fn of(document: &Document, key: &PoolKey) -> Self {
        Self { stored: document.stored(key), document_logins: document.logins() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer<'a, T> {
    Ok(&'a T),
    Error(&'a Error),
}

/// 32 bytes as 64 hex digits.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Seed([u8; 32]);

impl TryFrom<String> for Seed {
    type Error = &'static str;

    fn try_from(hex: String) -> Result<Self, Self::Error> {
        const EXPECTED: &str = "a seed is 32 bytes as 64 hex digits";
        let digits: Vec<_> = hex.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>().ok_or(EXPECTED)?;
        let bytes: Vec<_> = digits
            .chunks(2)
            .filter_map(|pair| match pair {
                [high, low] => u8::try_from(high << 4 | low).ok(),
                _ => None,
            })
            .collect();
        if digits.len() != 64 {
            return Err(EXPECTED);
        }
        Ok(Self(bytes.try_into().map_err(|_| EXPECTED)?))
    }
}

/// Reads the text of a document that a call passes.
fn document(text: &str) -> Result<Document, Error> {
    LIMITS.check_call(text)?;
    Document::parse(text)
}

fn parse(json: &str) -> Result<Call, Error> {
    let not_a_call = |message| Error::new(ErrorCode::InvalidArgument, message);
    let call: Value = serde_json::from_str(json)
        .map_err(|_| not_a_call("a call is JSON text: { \"call\": NAME, \"args\": { … } }"))?;
    // With the name first, serde reads the arguments in place and errors have a path.
    let mut named = Map::new();
    if let Value::Object(mut fields) = call {
        for name in ["call", "args"] {
            let missing = || if name == "args" { Value::Object(Map::new()) } else { Value::Null };
            named.insert(name.to_owned(), fields.shift_remove(name).unwrap_or_else(missing));
        }
        named.extend(fields);
    }
    read(Value::Object(named))
}

/// Reads a value. An error has a pointer to the place that does not fit, and contains no value.
pub fn read<'de, T: DeserializeOwned>(value: impl serde::Deserializer<'de>) -> Result<T, Error> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let steps = error.path().iter().map(|step| match step {
            serde_path_to_error::Segment::Seq { index } => pointer_step(&index.to_string()),
            serde_path_to_error::Segment::Map { key } => pointer_step(key),
            serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => String::new(),
        });
        Error::new(
            ErrorCode::InvalidArgument,
            "this is not of the documented shape: a name or a type is wrong, or something is missing",
        )
        .at(steps.collect::<String>())
    })
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    serde_json::to_value(value)
        .map_err(|_| Error::new(ErrorCode::InvalidArgument, "the answer has no JSON form; report this as a bug"))
}
