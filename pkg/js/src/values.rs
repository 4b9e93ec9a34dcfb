//! Conversion of arguments, answers and errors between JavaScript and Rust.

use js_sys::JsString;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Number, Value};
use wasm_bindgen::{JsCast, prelude::*};

use credential_pool::{CredentialId, Error, ErrorCode, LIMITS, Stored};
use credential_pool_protocol as protocol;

pub(super) type Answer = Result<JsValue, JsValue>;

pub(super) fn read_text(text: &JsValue, name: &str) -> Result<String, JsValue> {
    let text = text.dyn_ref::<JsString>().ok_or_else(|| {
        thrown(Error::new(ErrorCode::InvalidArgument, "this argument must be a string").at(format!("/{name}")))
    })?;
    copied(text, name)
}

/// Copies a text into the wasm, if it is not longer than a document may be: the memory of a wasm never shrinks.
fn copied(text: &JsString, name: &str) -> Result<String, JsValue> {
    let limit = LIMITS.document_bytes;
    // A UTF-16 unit is at least a byte.
    match usize::try_from(text.length()).is_ok_and(|units| units <= limit) {
        true => Ok(text.into()),
        false => {
            let message = format!("the limit is {limit} bytes of an argument, and this has more; pass less at a time");
            Err(thrown(Error::new(ErrorCode::TooLarge, message).at(format!("/{name}"))))
        }
    }
}

pub(super) fn read_id(id: &JsValue) -> Result<CredentialId, JsValue> {
    read_text(id, "id").map(CredentialId::from)
}

/// Reads an argument as JSON; `undefined` counts as null.
pub(super) fn read<T: DeserializeOwned>(value: &JsValue, name: &str) -> Result<T, JsValue> {
    let json = to_json(value).map_err(|_| {
        let message =
            "this argument has no JSON form: it contains NaN, an infinity, a BigInt or a cycle, is nested too deep, or is \
             an object without own fields such as a fetch `Response`: pass `{ status, headers, body }`";
        thrown(Error::new(ErrorCode::InvalidArgument, message).at(format!("/{name}")))
    })?;
    let nested = |_| {
        let message = format!("the limit is {} levels of nesting; reduce the nesting", LIMITS.nesting);
        thrown(Error::new(ErrorCode::TooLarge, message).at(format!("/{name}")))
    };
    let json = json.map_or_else(|| Ok("null".to_owned()), |json| copied(&json, name))?;
    let value: Value = serde_json::from_str(&json).map_err(nested)?;
    protocol::read(value).map_err(|error| {
        let pointer = format!("/{name}{}", error.pointer.unwrap_or_default());
        thrown(Error { pointer: Some(pointer), ..error })
    })
}

/// Writes an answer as plain objects. Integers from 2^53 up are rounded, as `JSON.parse` does.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Answer {
    let not_json =
        |_| thrown(Error::new(ErrorCode::InvalidArgument, "the answer has no JSON form; report this as a bug"));
    let mut value = serde_json::to_value(value).map_err(not_json)?;
    round(&mut value);
    if has_prototype_name(&value) {
        return js_sys::JSON::parse(&value.to_string());
    }
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(JsValue::from)
}

/// Returns whether a value has a member `__proto__`, which an assignment would make the prototype of its object;
/// `JSON.parse` makes it a member.
fn has_prototype_name(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(has_prototype_name),
        Value::Object(fields) => fields.iter().any(|(name, value)| name == "__proto__" || has_prototype_name(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Rounds integers beyond JavaScript's safe integers to the nearest float.
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

/// Reads a stored state, within the limits.
pub(super) fn read_stored(stored: &JsValue) -> Result<Option<Stored>, JsValue> {
    let stored: Option<Stored> = read(stored, "stored")?;
    let prefixed = |error: Error| {
        let pointer = format!("/stored{}", error.pointer.unwrap_or_default());
        thrown(Error { pointer: Some(pointer), ..error })
    };
    stored.as_ref().map_or(Ok(()), Stored::within_limits).map_err(prefixed)?;
    Ok(stored)
}

/// Returns the `PoolError` to throw for an error.
pub(super) fn thrown(error: Error) -> JsValue {
    let code = serde_json::to_value(error.code).ok();
    let code = code.as_ref().and_then(Value::as_str).unwrap_or("invalid_argument");
    PoolError::new(code, &error.message, error.pointer).into()
}

#[wasm_bindgen(raw_module = "./core/errors.js")]
extern "C" {
    type PoolError;

    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str, pointer: Option<String>) -> PoolError;
}

#[wasm_bindgen(raw_module = "./core/json.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = toJson)]
    fn to_json(value: &JsValue) -> Result<Option<JsString>, JsValue>;
}
