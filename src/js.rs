//! The JavaScript face: class `CredentialPool` and the functions on documents.
//!
//! Converts, and decides nothing. Objects come in as JSON, so that a cycle, a getter that throws or
//! a `NaN` is an error here and never a trap inside the pool; they go out as plain objects.

use js_sys::{Function, Object, Reflect, Uint8Array};
use rustc_hash::FxHashMap;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Number, Value};
use wasm_bindgen::prelude::*;

use crate::{
    Change, CredentialId, Document, Error, ErrorCode, IntentId, Pool, PoolKey, Sources, Step, Stored, Strategy,
    Timestamp, Wake, apply, check, diagnose, pool_key_for_base_url, protocol, wanted,
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
import type {
  Change, Diagnosis, Entry, Failure, Host, Intent, OpenOptions, Opened, Outcome, Problem, Reading, Refreshing, Response, Row, Runtime,
  Selection, Settled, Step, Stored, Strategy, Wake, Wanted,
} from "./types.js";
export type * from "./types.js";
"#;

#[wasm_bindgen(raw_module = "./host.js")]
extern "C" {
    type PoolError;

    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str, pointer: Option<String>) -> PoolError;

    #[wasm_bindgen(catch, js_name = toJson)]
    fn to_json(value: &JsValue) -> Result<Option<String>, JsValue>;
}

type Answer = Result<JsValue, JsValue>;

/// The credentials of one provider, and the decisions about them. Does no IO: every method answers
/// a step with intents for the host to carry out.
#[wasm_bindgen(js_name = CredentialPool)]
pub struct JsPool {
    pool: Pool,
    now: Option<Function>,
    steps: Steps,
}

#[wasm_bindgen(js_class = "CredentialPool")]
impl JsPool {
    /// Opens a pool: reads its stored rows, discovers, prunes and orders. A row that cannot be read
    /// is set aside with a reason, and stays in the store as it is.
    #[wasm_bindgen(unchecked_return_type = "Step<Opened> & { pool: CredentialPool }")]
    pub fn open(#[wasm_bindgen(unchecked_param_type = "OpenOptions")] options: &JsValue) -> Answer {
        let field = |name: &str| Reflect::get(options, &name.into()).unwrap_or_default();
        let key: PoolKey = read(&field("key"), "key")?;
        let stored: Option<Stored> = read(&field("stored"), "stored")?;
        let sources: Option<Sources> = read(&field("sources"), "sources")?;
        let host = field("host");
        let now = function(&host, "now")?;
        let at = moment(field("now").as_f64(), now.as_ref())?;
        let seed = seed(function(&host, "random")?)?;
        let (pool, step) = Pool::open(key, &stored.unwrap_or_default(), &sources.unwrap_or_default(), seed, at);
        let answer = write(&step)?;
        Reflect::set(&answer, &"pool".into(), &Self { pool, now, steps: Steps::default() }.into())?;
        Ok(answer)
    }

    /// Chooses the credential for the next request, and makes it the current one.
    #[wasm_bindgen(unchecked_return_type = "Step<Selection>")]
    pub fn select(&mut self, now: Option<f64>) -> Answer {
        let step = self.pool.select(self.at(now)?);
        self.steps.selection(&step)
    }

    /// Benches the credential that failed, with all that hold the same secret, and selects the next.
    #[wasm_bindgen(unchecked_return_type = "Step<Selection>")]
    pub fn rotate(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "Failure")] failure: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let (id, failure) = (read_id(id)?, read(failure, "failure")?);
        write(&self.pool.rotate(&id, failure, self.at(now)?).map_err(thrown)?)
    }

    /// Refreshes a login now, whether it is due or not. One at a time: while one is under way, this
    /// answers with it.
    #[wasm_bindgen(unchecked_return_type = "Step<Refreshing>")]
    pub fn refresh(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        write(&self.pool.refresh(&read_id(id)?, self.at(now)?).map_err(thrown)?)
    }

    /// Counts a use. Counts are written with the next `persist`, or when the wake says so.
    #[wasm_bindgen(js_name = markUsed, unchecked_return_type = "Step<null>")]
    pub fn mark_used(&mut self, #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue) -> Answer {
        let step = self.pool.mark_used(&read_id(id)?).map_err(thrown)?;
        self.steps.nothing(&step)
    }

    /// Takes in how an intent ended.
    #[wasm_bindgen(unchecked_return_type = "Step<Settled>")]
    pub fn settle(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "number")] intent: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "Outcome")] outcome: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let (intent, outcome) = (read::<IntentId>(intent, "intent")?, read(outcome, "outcome")?);
        write(&self.pool.settle(intent, outcome, self.at(now)?).map_err(thrown)?)
    }

    /// The wake-up: what should happen by now, happens.
    #[wasm_bindgen(unchecked_return_type = "Step<null>")]
    pub fn tick(&mut self, now: Option<f64>) -> Answer {
        write(&self.pool.tick(self.at(now)?))
    }

    /// Hands out everything that is unsaved, for a host that is about to close.
    #[wasm_bindgen(unchecked_return_type = "Step<null>")]
    pub fn flush(&mut self, now: Option<f64>) -> Answer {
        write(&self.pool.flush(self.at(now)?))
    }

    /// Adds a credential behind all others; answers its id.
    #[wasm_bindgen(unchecked_return_type = "Step<string>")]
    pub fn add(&mut self, #[wasm_bindgen(unchecked_param_type = "Row")] row: &JsValue, now: Option<f64>) -> Answer {
        let row: Map<String, Value> = read(row, "row")?;
        write(&self.pool.add(&row, self.at(now)?).map_err(thrown)?)
    }

    /// Sets fields of a credential's row; null takes one away. A new secret starts fresh.
    #[wasm_bindgen(unchecked_return_type = "Step<null>")]
    pub fn update(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "Row")] fields: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let (id, fields): (_, Map<String, Value>) = (read_id(id)?, read(fields, "fields")?);
        write(&self.pool.update(&id, &fields, self.at(now)?).map_err(thrown)?)
    }

    /// Takes a credential out of the pool. If it was discovered, its source is left alone from now
    /// on, until it is added by hand.
    #[wasm_bindgen(unchecked_return_type = "Step<null>")]
    pub fn remove(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        write(&self.pool.remove(&read_id(id)?, self.at(now)?).map_err(thrown)?)
    }

    /// Moves a credential to a place in the order of priority, 0 being the first.
    #[wasm_bindgen(js_name = moveTo, unchecked_return_type = "Step<null>")]
    pub fn move_to(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "number")] place: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let (id, place): (_, u32) = (read_id(id)?, read(place, "place")?);
        write(&self.pool.move_to(&id, usize::try_from(place).unwrap_or(usize::MAX), self.at(now)?).map_err(thrown)?)
    }

    /// Ends the rest of one credential, or of all; answers how many had a status.
    #[wasm_bindgen(unchecked_return_type = "Step<number>")]
    pub fn reset(
        &mut self,
        #[wasm_bindgen(unchecked_optional_param_type = "string | null")] id: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "number | null")] now: Option<f64>,
    ) -> Answer {
        let id: Option<CredentialId> = read(id, "id")?;
        write(&self.pool.reset(id.as_ref(), self.at(now)?).map_err(thrown)?)
    }

    /// Chooses from now on by another strategy, and stores it.
    #[wasm_bindgen(js_name = setStrategy, unchecked_return_type = "Step<null>")]
    pub fn set_strategy(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Strategy")] strategy: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let strategy = Strategy::parse(&read::<String>(strategy, "strategy")?).map_err(thrown)?;
        write(&self.pool.set_strategy(strategy, self.at(now)?))
    }

    /// Names the pool.
    pub fn key(&self) -> String {
        self.pool.key().as_str().to_owned()
    }

    /// How the next credential is chosen.
    #[wasm_bindgen(unchecked_return_type = "Strategy")]
    pub fn strategy(&self) -> String {
        self.pool.strategy().name().to_owned()
    }

    /// Whether the pool has any credential, resting or not.
    #[wasm_bindgen(js_name = hasCredentials)]
    pub fn has_credentials(&self) -> bool {
        self.pool.has_credentials()
    }

    /// The credential that was selected last, unless it was benched or went away.
    #[wasm_bindgen(unchecked_return_type = "string | null")]
    pub fn current(&self) -> JsValue {
        self.pool.current().map_or(JsValue::NULL, |id| id.as_str().into())
    }

    /// The current credential, else the first in the order that could serve.
    #[wasm_bindgen(unchecked_return_type = "string | null")]
    pub fn peek(&self, now: Option<f64>) -> Answer {
        Ok(self.pool.peek(self.at(now)?).map_or(JsValue::NULL, |id| id.as_str().into()))
    }

    /// All credentials in their order, without their secrets.
    #[wasm_bindgen(unchecked_return_type = "Entry[]")]
    pub fn entries(&self, now: Option<f64>) -> Answer {
        write(&self.pool.entries(self.at(now)?))
    }

    /// The key and the base URL that a request with this credential uses.
    #[wasm_bindgen(unchecked_return_type = "Runtime")]
    pub fn runtime(&self, #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue) -> Answer {
        write(&self.pool.runtime(&read_id(id)?).map_err(thrown)?)
    }

    /// All rows in their order as they are stored, secrets and all.
    #[wasm_bindgen(unchecked_return_type = "Row[]")]
    pub fn rows(&self) -> Answer {
        write(&self.pool.rows())
    }

    /// Rows that cannot be read, as they were stored.
    #[wasm_bindgen(js_name = setAside, unchecked_return_type = "unknown[]")]
    pub fn set_aside(&self) -> Answer {
        write(self.pool.set_aside())
    }

    /// All intents that are not settled, for a host that lost its own list.
    #[wasm_bindgen(unchecked_return_type = "Intent[]")]
    pub fn outstanding(&self) -> Answer {
        write(&self.pool.outstanding())
    }

    /// The next moment at which something changes by itself.
    #[wasm_bindgen(unchecked_return_type = "Wake | null")]
    pub fn wake(&self) -> Answer {
        write(&self.pool.wake())
    }

    fn at(&self, now: Option<f64>) -> Result<Timestamp, JsValue> {
        moment(now, self.now.as_ref())
    }
}

/// What a provider's answer means: whose fault a failure is, and when the provider says it is over.
#[wasm_bindgen(js_name = diagnose, unchecked_return_type = "Diagnosis")]
pub fn js_diagnose(
    #[wasm_bindgen(unchecked_param_type = "string")] key: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Response")] response: &JsValue,
    now: Option<f64>,
) -> Answer {
    let (key, response): (PoolKey, crate::Response) = (read(key, "key")?, read(response, "response")?);
    write(&diagnose(&response, &key, moment(now, None)?))
}

/// What the pool with this key looks at, so that a host need not show it everything it has.
#[wasm_bindgen(js_name = wanted, unchecked_return_type = "Wanted")]
pub fn js_wanted(#[wasm_bindgen(unchecked_param_type = "string")] key: &JsValue) -> Answer {
    write(&wanted(&read(key, "key")?))
}

/// The pool of the custom endpoint with this base URL, by the configuration's `custom_providers`.
#[wasm_bindgen(js_name = poolKeyForBaseUrl, unchecked_return_type = "string | null")]
pub fn js_pool_key_for_base_url(
    #[wasm_bindgen(unchecked_param_type = "string")] base_url: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "object")] config: &JsValue,
) -> Answer {
    let (base_url, config): (String, Map<String, Value>) = (read(base_url, "baseUrl")?, read(config, "config")?);
    write(&pool_key_for_base_url(&base_url, &config))
}

/// Applies changes, in their order, to what a store keeps of a pool.
#[wasm_bindgen(js_name = applyChanges, unchecked_return_type = "Stored")]
pub fn js_apply_changes(
    #[wasm_bindgen(unchecked_param_type = "string")] key: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Stored")] stored: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Change[]")] changes: &JsValue,
) -> Answer {
    let (key, mut stored): (PoolKey, Stored) = (read(key, "key")?, read(stored, "stored")?);
    apply(&mut stored, &read::<Vec<Change>>(changes, "changes")?, &key);
    write(&stored)
}

/// The text of a document without credentials.
#[wasm_bindgen(js_name = emptyDocument)]
pub fn js_empty_document() -> String {
    Document::empty().to_text()
}

/// What a pool is opened with, out of a document's text.
#[wasm_bindgen(js_name = readDocument, unchecked_return_type = "Reading")]
pub fn js_read_document(
    #[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "string")] key: &JsValue,
) -> Answer {
    write(&protocol::Reading::of(&document(text)?, &read(key, "key")?))
}

/// The document's text with these changes of one pool; all else stays as it was, to the letter.
#[wasm_bindgen(js_name = applyToDocument, unchecked_return_type = "string")]
pub fn js_apply_to_document(
    #[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "string")] key: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Change[]")] changes: &JsValue,
) -> Answer {
    let mut document = document(text)?;
    document.apply(&read(key, "key")?, &read::<Vec<Change>>(changes, "changes")?).map_err(thrown)?;
    Ok(document.to_text().into())
}

/// Everything in a document that a person should look at.
#[wasm_bindgen(js_name = checkDocument, unchecked_return_type = "Problem[]")]
pub fn js_check_document(#[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue, now: Option<f64>) -> Answer {
    write(&check(&read_text(text, "text")?, moment(now, None)?))
}

/// The keys of all pools of a document.
#[wasm_bindgen(js_name = pools, unchecked_return_type = "string[]")]
pub fn js_pools(#[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue) -> Answer {
    write(&document(text)?.pools())
}

/// The keys of the custom endpoints' pools that hold rows, sorted.
#[wasm_bindgen(js_name = customPools, unchecked_return_type = "string[]")]
pub fn js_custom_pools(#[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue) -> Answer {
    write(&document(text)?.custom_pools())
}

/// Answers of the hot path, made once: a selection without intents is the same frozen object until
/// the wake changes.
#[derive(Default)]
struct Steps {
    selections: FxHashMap<CredentialId, (Option<Wake>, JsValue)>,
    nothing: Option<(Option<Wake>, JsValue)>,
}

impl Steps {
    fn selection(&mut self, step: &Step<crate::Selection>) -> Answer {
        let crate::Selection::Selected { credential } = &step.value else { return write(step) };
        if !step.intents.is_empty() {
            return write(step);
        }
        match self.selections.get(credential) {
            Some((wake, made)) if *wake == step.wake => Ok(made.clone()),
            _ => {
                let made = frozen(write(step)?);
                self.selections.insert(credential.clone(), (step.wake, made.clone()));
                Ok(made)
            }
        }
    }

    fn nothing(&mut self, step: &Step<()>) -> Answer {
        match &self.nothing {
            Some((wake, made)) if *wake == step.wake && step.intents.is_empty() => Ok(made.clone()),
            _ => {
                let made = frozen(write(step)?);
                self.nothing = step.intents.is_empty().then(|| (step.wake, made.clone()));
                Ok(made)
            }
        }
    }
}

fn frozen(step: JsValue) -> JsValue {
    for name in ["value", "intents", "wake"] {
        if let Ok(part) = Reflect::get(&step, &name.into())
            && let Some(part) = part.dyn_ref::<Object>()
        {
            Object::freeze(part);
        }
    }
    Object::freeze(step.unchecked_ref::<Object>());
    step
}

fn function(host: &JsValue, name: &str) -> Result<Option<Function>, JsValue> {
    match Reflect::get(host, &name.into()) {
        Ok(found) if !found.is_undefined() => found.dyn_into().map(Some).map_err(|_| {
            thrown(
                Error::new(ErrorCode::InvalidArgument, "the host's clock and randomness must be functions")
                    .at(format!("/host/{name}")),
            )
        }),
        _ => Ok(None),
    }
}

/// The time that was given, else the host's, else `Date.now()`; in milliseconds.
fn moment(now: Option<f64>, clock: Option<&Function>) -> Result<Timestamp, JsValue> {
    /// The last moment that a JavaScript `Date` knows.
    const LAST: f64 = 8.64e15;
    let millis = match (now, clock) {
        (Some(now), _) => now,
        (None, Some(clock)) => clock.call0(&JsValue::UNDEFINED)?.as_f64().unwrap_or(f64::NAN),
        (None, None) => js_sys::Date::now(),
    };
    if !(-LAST..=LAST).contains(&millis) {
        let message = "a time is a number of milliseconds since the Unix epoch, such as `Date.now()`";
        return Err(thrown(Error::new(ErrorCode::InvalidArgument, message).at("/now")));
    }
    #[expect(clippy::cast_possible_truncation, reason = "within the range of a Date")]
    Ok(Timestamp::from_millis(millis.floor() as i64))
}

/// 32 bytes from the host's randomness, else from `crypto.getRandomValues`.
fn seed(random: Option<Function>) -> Result<[u8; 32], JsValue> {
    let no_seed = |message| thrown(Error::new(ErrorCode::InvalidArgument, message).at("/host/random"));
    let mut seed = [0; 32];
    match random {
        Some(random) => {
            let bytes = random.call1(&JsValue::UNDEFINED, &32.into())?;
            let bytes = bytes.dyn_into::<Uint8Array>().ok().filter(|bytes| bytes.length() == 32);
            bytes.ok_or_else(|| no_seed("`random(32)` must give a Uint8Array of 32 bytes"))?.copy_to(&mut seed);
        }
        None => getrandom::fill(&mut seed)
            .map_err(|_| no_seed("this host has no `crypto.getRandomValues`; pass `random` in `host`"))?,
    }
    Ok(seed)
}

fn document(text: &JsValue) -> Result<Document, JsValue> {
    Document::parse(&read_text(text, "text")?).map_err(thrown)
}

fn read_text(text: &JsValue, name: &str) -> Result<String, JsValue> {
    text.as_string()
        .ok_or_else(|| thrown(Error::new(ErrorCode::InvalidArgument, "this must be a string").at(format!("/{name}"))))
}

fn read_id(id: &JsValue) -> Result<CredentialId, JsValue> {
    read_text(id, "id").map(CredentialId::from)
}

/// Reads an argument of a known shape; `undefined` counts as null.
fn read<T: DeserializeOwned>(value: &JsValue, name: &str) -> Result<T, JsValue> {
    let json = to_json(value).map_err(|_| {
        let message =
            "this cannot be said as JSON: it holds NaN, an infinity, a BigInt or a cycle, or is nested too deep";
        thrown(Error::new(ErrorCode::InvalidArgument, message).at(format!("/{name}")))
    })?;
    let nested = |_| {
        let message = "this is nested too deep for JSON";
        thrown(Error::new(ErrorCode::InvalidArgument, message).at(format!("/{name}")))
    };
    let value: Value = serde_json::from_str(json.as_deref().unwrap_or("null")).map_err(nested)?;
    protocol::read(value).map_err(|error| {
        let pointer = format!("/{name}{}", error.pointer.unwrap_or_default());
        thrown(Error { pointer: Some(pointer), ..error })
    })
}

/// Writes an answer as plain objects. A whole number from 2^53 up is rounded, as `JSON.parse` does.
fn write<T: Serialize + ?Sized>(value: &T) -> Answer {
    let not_json = |_| thrown(Error::new(ErrorCode::InvalidArgument, "the answer is no JSON"));
    let mut value = serde_json::to_value(value).map_err(not_json)?;
    round(&mut value);
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(JsValue::from)
}

fn round(value: &mut Value) {
    match value {
        Value::Number(number) => {
            const SAFE: u64 = (1 << 53) - 1;
            let is_safe = number.as_i64().is_none_or(|whole| whole.unsigned_abs() <= SAFE)
                && number.as_u64().is_none_or(|whole| whole <= SAFE);
            if !is_safe && let Some(rounded) = number.as_f64().and_then(Number::from_f64) {
                *number = rounded;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(round),
        Value::Object(fields) => fields.values_mut().for_each(round),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn thrown(error: Error) -> JsValue {
    let code = serde_json::to_value(error.code).ok();
    let code = code.as_ref().and_then(Value::as_str).unwrap_or("invalid_argument");
    PoolError::new(code, &error.message, error.pointer).into()
}
