//! The JavaScript face: class `CredentialPool`, in `js::login` class `CredentialLogin`, and in `js::functions` what
//! needs neither.
//!
//! Converts, and decides nothing. Objects come in as JSON, so that a cycle, a getter that throws or
//! a `NaN` is an error here and never a trap inside the pool; they go out as plain objects.

mod functions;
mod host;
mod login;
mod steps;
mod values;

use js_sys::{Function, Reflect};
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;

use credential_pool::{
    CredentialId, IntentId, LeaseId, Pool, PoolKey, Request, Response, Sources, Stored, Strategy, Timestamp,
};

use host::{function, moment, seed};
use steps::Steps;
use values::{Answer, read, read_id, thrown, write};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
import type {
  Change, Claim, Diagnosis, Entry, Explanation, Failure, Host, Intent, LeaseRequest, NextMove, OpenOptions, Opened, Outcome, Policy, Problem, ProviderFacts,
  Reading, Refreshing, ResolvedPolicy, Response, Row, Runtime, Selection, Settled, Step, Stored, Strategy, Wake, Wanted,
} from "./core/types.js";
export type * from "./core/types.js";
"#;

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

    /// Chooses a credential for a request, and hands out a lease of it. Any number of sessions share
    /// a pool, each request with a lease of its own.
    #[wasm_bindgen(unchecked_return_type = "Step<NextMove>")]
    pub fn lease(
        &mut self,
        #[wasm_bindgen(unchecked_optional_param_type = "LeaseRequest | null")] request: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "number | null")] now: Option<f64>,
    ) -> Answer {
        let request: Option<Request> = read(request, "request")?;
        write(&self.pool.lease(request.unwrap_or_default(), self.at(now)?))
    }

    /// Goes on with a request that waited: after `retry`, `wait` and `refresh`.
    #[wasm_bindgen(unchecked_return_type = "Step<NextMove>")]
    pub fn resume(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "number")] lease: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let lease: LeaseId = read(lease, "lease")?;
        write(&self.pool.resume(lease, self.at(now)?).map_err(thrown)?)
    }

    /// Takes in what the provider answered to a request, and says what the request does next.
    #[wasm_bindgen(unchecked_return_type = "Step<NextMove>")]
    pub fn report(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "number")] lease: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "Response")] response: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let (lease, response): (LeaseId, Response) = (read(lease, "lease")?, read(response, "response")?);
        write(&self.pool.report(lease, &response, self.at(now)?).map_err(thrown)?)
    }

    /// Ends a request that its session gave up, and says nothing of its credential.
    #[wasm_bindgen(unchecked_return_type = "Step<null>")]
    pub fn release(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "number")] lease: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let lease: LeaseId = read(lease, "lease")?;
        write(&self.pool.release(lease, self.at(now)?).map_err(thrown)?)
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

    /// Takes in what the store has now, and keeps what is not saved yet.
    #[wasm_bindgen(unchecked_return_type = "Step<Opened>")]
    pub fn sync(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Stored")] stored: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        write(&self.pool.sync(&read(stored, "stored")?, self.at(now)?))
    }

    /// Asks, before the request of a refresh is sent, whether it still should be: where hosts share a
    /// store, so that a refresh token is spent once.
    #[wasm_bindgen(unchecked_return_type = "Step<Claim>")]
    pub fn claim(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "number")] intent: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        write(&self.pool.claim(read(intent, "intent")?, self.at(now)?).map_err(thrown)?)
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

    /// Judges from now on by another policy, and stores it: a preset and what differs from it.
    #[wasm_bindgen(js_name = setPolicy, unchecked_return_type = "Step<null>")]
    pub fn set_policy(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Policy")] policy: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let policy: Value = read(policy, "policy")?;
        write(&self.pool.set_policy(&policy, self.at(now)?).map_err(thrown)?)
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

    /// The pool's policy as it is stored: its preset and what differs from it.
    #[wasm_bindgen(unchecked_return_type = "Policy")]
    pub fn policy(&self) -> Answer {
        write(&self.pool.policy().to_value())
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

    /// Why each credential would or would not serve a request.
    #[wasm_bindgen(unchecked_return_type = "Explanation")]
    pub fn explain(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "LeaseRequest | null")] request: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "number | null")] now: Option<f64>,
    ) -> Answer {
        let request: Option<Request> = read(request, "request")?;
        write(&self.pool.explain(&request.unwrap_or_default(), self.at(now)?))
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
