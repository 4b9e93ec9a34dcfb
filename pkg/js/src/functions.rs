//! Functions of the package that need no pool.

use credential_pool_protocol::{Applied, Reading};
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;

use credential_pool::{
    Change, Document, Headers, LIMITS, Policy, PoolKey, Response, apply, check, diagnose, pool_key_for_base_url,
    providers, read_request, wanted,
};

use super::{
    host::moment,
    values::{Answer, read, read_stored, read_text, thrown, write},
};

/// Judges a provider's answer: whose fault a failure is, and when the provider says that it is over. The base URL finds
/// the provider of a custom endpoint.
#[wasm_bindgen(js_name = diagnose, unchecked_return_type = "Diagnosis")]
pub fn js_diagnose(
    #[wasm_bindgen(unchecked_param_type = "string")] key: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Response")] response: &JsValue,
    now: Option<f64>,
    #[wasm_bindgen(unchecked_optional_param_type = "string | null")] base_url: &JsValue,
) -> Answer {
    let (key, response): (PoolKey, Response) = (read(key, "key")?, read(response, "response")?);
    let base_url: Option<String> = read(base_url, "baseUrl")?;
    response.within_limits().map_err(thrown)?;
    write(&diagnose(&response, &key, base_url.as_deref(), moment(now, None)?))
}

/// Returns the model and the affinity that a request names, for `lease`: in its URL, its headers and its JSON body.
#[wasm_bindgen(js_name = readRequest, unchecked_return_type = "LeaseRequest")]
pub fn js_read_request(
    #[wasm_bindgen(unchecked_param_type = "string")] url: &JsValue,
    #[wasm_bindgen(unchecked_optional_param_type = "Response[\"headers\"]")] headers: &JsValue,
    #[wasm_bindgen(unchecked_optional_param_type = "string | null")] body: &JsValue,
) -> Answer {
    let (url, body): (String, Option<String>) = (read(url, "url")?, read(body, "body")?);
    let headers: Option<Headers> = read(headers, "headers")?;
    write(&read_request(&url, &headers.unwrap_or_default().0, &body.unwrap_or_default()))
}

/// The facts of all providers, by id, for people who add a credential.
#[wasm_bindgen(js_name = providers, unchecked_return_type = "ProviderFacts[]")]
pub fn js_providers() -> Answer {
    write(&providers())
}

/// Returns the limits of what the pool reads, so that a host need not read more.
#[wasm_bindgen(js_name = limits, unchecked_return_type = "Limits")]
pub fn js_limits() -> Answer {
    write(&LIMITS)
}

/// Resolves a stored policy: fills in all settings that it leaves to its preset. For editors.
#[wasm_bindgen(js_name = readPolicy, unchecked_return_type = "ResolvedPolicy")]
pub fn js_read_policy(#[wasm_bindgen(unchecked_param_type = "unknown")] policy: &JsValue) -> Answer {
    write(&Policy::parse(&read::<Value>(policy, "policy")?).map_err(thrown)?)
}

/// Returns the sources that discovery reads for a pool, so that a host need not show others.
#[wasm_bindgen(js_name = wanted, unchecked_return_type = "Wanted")]
pub fn js_wanted(#[wasm_bindgen(unchecked_param_type = "string")] key: &JsValue) -> Answer {
    write(&wanted(&read(key, "key")?))
}

/// Returns the pool key of the custom endpoint with this base URL, by the configuration's `custom_providers`; null if
/// there is none.
#[wasm_bindgen(js_name = poolKeyForBaseUrl, unchecked_return_type = "string | null")]
pub fn js_pool_key_for_base_url(
    #[wasm_bindgen(unchecked_param_type = "string")] base_url: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "object")] config: &JsValue,
) -> Answer {
    let (base_url, config): (String, Map<String, Value>) = (read(base_url, "baseUrl")?, read(config, "config")?);
    write(&pool_key_for_base_url(&base_url, &config))
}

/// Applies changes, in the given order, to the stored state of a pool.
#[wasm_bindgen(js_name = applyChanges, unchecked_return_type = "Stored")]
pub fn js_apply_changes(
    #[wasm_bindgen(unchecked_param_type = "string")] key: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Stored")] stored: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Change[]")] changes: &JsValue,
) -> Answer {
    let (key, mut stored): (PoolKey, _) = (read(key, "key")?, read_stored(stored)?.unwrap_or_default());
    apply(&mut stored, &read::<Vec<Change>>(changes, "changes")?, &key);
    write(&stored)
}

/// Returns the text of a document without credentials.
#[wasm_bindgen(js_name = emptyDocument)]
pub fn js_empty_document() -> String {
    Document::empty().to_text()
}

/// Reads the options for opening a pool from a document's text.
#[wasm_bindgen(js_name = readDocument, unchecked_return_type = "Reading")]
pub fn js_read_document(
    #[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "string")] key: &JsValue,
) -> Answer {
    write(&Reading::of(&document(text)?, &read(key, "key")?))
}

/// Returns the document's text with changes of one pool applied, and the changes that the document could not take. All
/// other text keeps its bytes.
#[wasm_bindgen(js_name = applyToDocument, unchecked_return_type = "AppliedChanges")]
pub fn js_apply_to_document(
    #[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "string")] key: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Change[]")] changes: &JsValue,
) -> Answer {
    let key: PoolKey = read(key, "key")?;
    write(&Applied::to(document(text)?, &key, &read::<Vec<Change>>(changes, "changes")?))
}

/// Returns the problems of a document's text.
#[wasm_bindgen(js_name = checkDocument, unchecked_return_type = "Problem[]")]
pub fn js_check_document(#[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue, now: Option<f64>) -> Answer {
    write(&check(&read_text(text, "text")?, moment(now, None)?))
}

/// Returns the keys of all pools of a document.
#[wasm_bindgen(js_name = pools, unchecked_return_type = "string[]")]
pub fn js_pools(#[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue) -> Answer {
    write(&document(text)?.pools())
}

/// Returns the keys of the custom endpoints' pools that have rows, sorted.
#[wasm_bindgen(js_name = customPools, unchecked_return_type = "string[]")]
pub fn js_custom_pools(#[wasm_bindgen(unchecked_param_type = "string")] text: &JsValue) -> Answer {
    write(&document(text)?.custom_pools())
}

fn document(text: &JsValue) -> Result<Document, JsValue> {
    Document::parse(&read_text(text, "text")?).map_err(thrown)
}
