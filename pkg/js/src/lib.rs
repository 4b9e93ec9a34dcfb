//! JavaScript face: class `CredentialPool`; class `CredentialLogin` in `login`; functions without a pool in
//! `functions`.
//!
//! Converts values and makes no decisions. Arguments are read as JSON, so that a cycle, a throwing getter or `NaN` is a
//! typed error and never a trap inside the pool. Answers are plain objects.

mod functions;
mod host;
mod login;
mod step_cache;
mod values;

use js_sys::{Function, Reflect};
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;

use credential_pool::{
    CredentialId, Endpoints, IntentId, LeaseId, Pool, PoolKey, Request, Response, Sources, Strategy, Timestamp,
};

use host::{function, moment, seed};
use step_cache::StepCache;
use values::{Answer, read, read_id, read_stored, read_text, thrown, write};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
import type {
  AppliedChanges, Change, Claim, Diagnosis, Endpoints, Entry, Explanation, Failure, Host, Intent, LeaseRequest, Limits, NextMove, OpenOptions, Opened, Outcome, Policy, Problem, ProviderFacts,
  Reading, Refreshing, ResolvedPolicy, Response, Row, Runtime, Selection, Settled, Sources, Step, Stored, Strategy, Wake,
  Wanted,
} from "./core/types.js";
export type * from "./core/types.js";
"#;

/// Credential pool of one provider. Does no IO: every method returns a step with intents for the host to carry out.
#[wasm_bindgen(js_name = CredentialPool)]
pub struct JsPool {
    pool: Pool,
    now: Option<Function>,
    steps: StepCache,
}

#[wasm_bindgen(js_class = "CredentialPool")]
impl JsPool {
    /// Opens a pool: reads the stored rows, discovers credentials and orders the rows. An unreadable row is set aside
    /// with a problem and stays in the store.
    #[wasm_bindgen(unchecked_return_type = "Step<Opened> & { pool: CredentialPool }")]
    pub fn open(#[wasm_bindgen(unchecked_param_type = "OpenOptions")] options: &JsValue) -> Answer {
        let field = |name: &str| Reflect::get(options, &name.into()).unwrap_or_default();
        let key: PoolKey = read(&field("key"), "key")?;
        let stored = read_stored(&field("stored"))?;
        let sources: Option<Sources> = read(&field("sources"), "sources")?;
        let host = field("host");
        let now = function(&host, "now")?;
        let at = moment(field("now").as_f64(), now.as_ref())?;
        let seed = seed(function(&host, "random")?)?;
        let (pool, step) = Pool::open(key, &stored.unwrap_or_default(), &sources.unwrap_or_default(), seed, at);
        let answer = write(&step)?;
        Reflect::set(&answer, &"pool".into(), &Self { pool, now, steps: StepCache::default() }.into())?;
        Ok(answer)
    }

    /// Chooses the credential for the next request and makes it the current credential.
    #[wasm_bindgen(unchecked_return_type = "Step<Selection>")]
    pub fn select(&mut self, now: Option<f64>) -> Answer {
        let step = self.pool.select(self.at(now)?);
        self.steps.selection(&step)
    }

    /// Cools down a failed credential and all credentials with the same secret, and selects the next.
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

    /// Refreshes a login now, whether its refresh is due or not. While a refresh of the login is under way, returns
    /// that refresh.
    #[wasm_bindgen(unchecked_return_type = "Step<Refreshing>")]
    pub fn refresh(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        write(&self.pool.refresh(&read_id(id)?, self.at(now)?).map_err(thrown)?)
    }

    /// Counts a use. Use counts are saved with the next `persist`, at the latest after the wake `unsaved_changes`.
    #[wasm_bindgen(js_name = markUsed, unchecked_return_type = "Step<null>")]
    pub fn mark_used(&mut self, #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue) -> Answer {
        let step = self.pool.mark_used(&read_id(id)?).map_err(thrown)?;
        self.steps.empty(&step)
    }

    /// Chooses a credential for a request and returns the first move with a lease. Any number of sessions share a pool;
    /// each request has its own lease.
    #[wasm_bindgen(unchecked_return_type = "Step<NextMove>")]
    pub fn lease(
        &mut self,
        #[wasm_bindgen(unchecked_optional_param_type = "LeaseRequest | null")] request: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "number | null")] now: Option<f64>,
    ) -> Answer {
        let request: Option<Request> = read(request, "request")?;
        write(&self.pool.lease(request.unwrap_or_default(), self.at(now)?))
    }

    /// Continues a request after the moves `retry`, `wait` and `refresh`.
    #[wasm_bindgen(unchecked_return_type = "Step<NextMove>")]
    pub fn resume(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "number")] lease: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let lease: LeaseId = read(lease, "lease")?;
        write(&self.pool.resume(lease, self.at(now)?).map_err(thrown)?)
    }

    /// Judges the provider's answer to a request and returns the request's next move.
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

    /// Ends a request without a report. The credential's status does not change.
    #[wasm_bindgen(unchecked_return_type = "Step<null>")]
    pub fn release(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "number")] lease: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let lease: LeaseId = read(lease, "lease")?;
        write(&self.pool.release(lease, self.at(now)?).map_err(thrown)?)
    }

    /// Settles an intent with its outcome.
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

    /// Handles the wake: does all work that is due.
    #[wasm_bindgen(unchecked_return_type = "Step<null>")]
    pub fn tick(&mut self, now: Option<f64>) -> Answer {
        write(&self.pool.tick(self.at(now)?))
    }

    /// Hands out all unsaved changes and signs this host off in the store, before it closes: the store then forgets the host
    /// before long. A later change signs it on again.
    #[wasm_bindgen(js_name = signOff, unchecked_return_type = "Step<null>")]
    pub fn sign_off(&mut self, now: Option<f64>) -> Answer {
        write(&self.pool.sign_off(self.at(now)?))
    }

    /// Returns all unsaved changes as an intent, for a host that is about to close.
    #[wasm_bindgen(unchecked_return_type = "Step<null>")]
    pub fn flush(&mut self, now: Option<f64>) -> Answer {
        write(&self.pool.flush(self.at(now)?))
    }

    /// Merges the store's current state. Unsaved changes are kept. With `sources` the pool discovers again: another program
    /// may have refreshed a login that it keeps in a file of its own.
    #[wasm_bindgen(unchecked_return_type = "Step<Opened>")]
    pub fn sync(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Stored")] stored: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "Sources | null")] sources: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "number | null")] now: Option<f64>,
    ) -> Answer {
        let shown: Option<Sources> = read(sources, "sources")?;
        let stored = read_stored(stored)?.unwrap_or_default();
        write(&self.pool.sync(&stored, shown.as_ref(), self.at(now)?))
    }

    /// Claims the login's token before the request of a refresh is sent, so that hosts that share a store spend a
    /// refresh token once.
    #[wasm_bindgen(unchecked_return_type = "Step<Claim>")]
    pub fn claim(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "number")] intent: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        write(&self.pool.claim(read(intent, "intent")?, self.at(now)?).map_err(thrown)?)
    }

    /// Adds a credential after all others. Returns its id.
    #[wasm_bindgen(unchecked_return_type = "Step<string>")]
    pub fn add(&mut self, #[wasm_bindgen(unchecked_param_type = "Row")] row: &JsValue, now: Option<f64>) -> Answer {
        let row: Map<String, Value> = read(row, "row")?;
        write(&self.pool.add(&row, self.at(now)?).map_err(thrown)?)
    }

    /// Sets fields of a credential's row; null deletes a field. A new secret clears status and cooldowns.
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

    /// Removes a credential. The source of a discovered credential is suppressed until the credential is added by hand.
    #[wasm_bindgen(unchecked_return_type = "Step<null>")]
    pub fn remove(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        write(&self.pool.remove(&read_id(id)?, self.at(now)?).map_err(thrown)?)
    }

    /// Moves a credential to a position in the order of priority; 0 is the first.
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

    /// Clears the status and cooldowns of a credential, or of all. Returns the number of credentials that had a status.
    #[wasm_bindgen(unchecked_return_type = "Step<number>")]
    pub fn reset(
        &mut self,
        #[wasm_bindgen(unchecked_optional_param_type = "string | null")] id: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "number | null")] now: Option<f64>,
    ) -> Answer {
        let id: Option<CredentialId> = read(id, "id")?;
        write(&self.pool.reset(id.as_ref(), self.at(now)?).map_err(thrown)?)
    }

    /// Sets and stores the strategy.
    #[wasm_bindgen(js_name = setStrategy, unchecked_return_type = "Step<null>")]
    pub fn set_strategy(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Strategy")] strategy: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let strategy = Strategy::parse(&read::<String>(strategy, "strategy")?).map_err(thrown)?;
        write(&self.pool.set_strategy(strategy, self.at(now)?))
    }

    /// Sets and stores the policy: a preset and the settings that differ from it.
    #[wasm_bindgen(js_name = setPolicy, unchecked_return_type = "Step<null>")]
    pub fn set_policy(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Policy")] policy: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let policy: Value = read(policy, "policy")?;
        write(&self.pool.set_policy(&policy, self.at(now)?).map_err(thrown)?)
    }

    /// Returns the pool key.
    pub fn key(&self) -> String {
        self.pool.key().as_str().to_owned()
    }

    /// Returns the strategy.
    #[wasm_bindgen(unchecked_return_type = "Strategy")]
    pub fn strategy(&self) -> String {
        self.pool.strategy().name().to_owned()
    }

    /// Returns the policy in its stored form: the preset and the settings that differ from it.
    #[wasm_bindgen(unchecked_return_type = "Policy")]
    pub fn policy(&self) -> Answer {
        write(&self.pool.policy().to_value())
    }

    /// Returns whether the pool has any credential, available or not.
    #[wasm_bindgen(js_name = hasCredentials)]
    pub fn has_credentials(&self) -> bool {
        self.pool.has_credentials()
    }

    /// Returns the credential that was selected last; null if it has failed since or was removed.
    #[wasm_bindgen(unchecked_return_type = "string | null")]
    pub fn current(&self) -> JsValue {
        self.pool.current().map_or(JsValue::NULL, |id| id.as_str().into())
    }

    /// Returns the current credential, else the first available credential in the order; null if none is available.
    #[wasm_bindgen(unchecked_return_type = "string | null")]
    pub fn peek(&self, now: Option<f64>) -> Answer {
        Ok(self.pool.peek(self.at(now)?).map_or(JsValue::NULL, |id| id.as_str().into()))
    }

    /// Returns all credentials in their order, without their secrets.
    #[wasm_bindgen(unchecked_return_type = "Entry[]")]
    pub fn entries(&self, now: Option<f64>) -> Answer {
        write(&self.pool.entries(self.at(now)?))
    }

    /// Explains for each credential why it would or would not serve a request.
    #[wasm_bindgen(unchecked_return_type = "Explanation")]
    pub fn explain(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "LeaseRequest | null")] request: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "number | null")] now: Option<f64>,
    ) -> Answer {
        let request: Option<Request> = read(request, "request")?;
        write(&self.pool.explain(&request.unwrap_or_default(), self.at(now)?))
    }

    /// Returns the key and the base URL of requests with this credential.
    #[wasm_bindgen(unchecked_return_type = "Runtime")]
    pub fn runtime(&self, #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue) -> Answer {
        write(&self.pool.runtime(&read_id(id)?).map_err(thrown)?)
    }

    /// Returns the URL of a request with this credential. `url` is relative to the credential's base URL, or an absolute
    /// URL below the base URL of any credential. Throws `foreign_origin` if the URL leads elsewhere.
    #[wasm_bindgen(unchecked_return_type = "string")]
    pub fn address(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "string")] url: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "Endpoints | null")] endpoints: &JsValue,
    ) -> Answer {
        let (id, url): (_, String) = (read_id(id)?, read_text(url, "url")?);
        let endpoints: Option<Endpoints> = read(endpoints, "endpoints")?;
        Ok(self.pool.address(&id, &url, &endpoints.unwrap_or_default()).map_err(thrown)?.into())
    }

    /// Returns all rows in their order and stored form, with their secrets.
    #[wasm_bindgen(unchecked_return_type = "Row[]")]
    pub fn rows(&self) -> Answer {
        write(&self.pool.rows())
    }

    /// Returns the unreadable rows in their stored form.
    #[wasm_bindgen(js_name = setAside, unchecked_return_type = "unknown[]")]
    pub fn set_aside(&self) -> Answer {
        write(self.pool.set_aside())
    }

    /// Returns all unsettled intents, for a host that lost its own list.
    #[wasm_bindgen(unchecked_return_type = "Intent[]")]
    pub fn outstanding(&self) -> Answer {
        write(&self.pool.outstanding())
    }

    /// Returns the next moment at which the pool's state changes by itself; null if there is none.
    #[wasm_bindgen(unchecked_return_type = "Wake | null")]
    pub fn wake(&self) -> Answer {
        write(&self.pool.wake())
    }

    fn at(&self, now: Option<f64>) -> Result<Timestamp, JsValue> {
        moment(now, self.now.as_ref())
    }
}
