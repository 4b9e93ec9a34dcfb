//! Clock and randomness of the host.

use js_sys::{Function, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use credential_pool::{Error, ErrorCode, Timestamp};

use super::values::thrown;

/// Returns a function of the host by name; `None` if the host does not define it.
pub(super) fn function(host: &JsValue, name: &str) -> Result<Option<Function>, JsValue> {
    match Reflect::get(host, &name.into()) {
        Ok(found) if !found.is_undefined() => found.dyn_into().map(Some).map_err(|_| {
            thrown(
                Error::new(ErrorCode::InvalidArgument, "`now` and `random` of the host must be functions")
                    .at(format!("/host/{name}")),
            )
        }),
        _ => Ok(None),
    }
}

/// Returns the given time, else the host's, else `Date.now()`, in milliseconds since the Unix epoch.
pub(super) fn moment(now: Option<f64>, clock: Option<&Function>) -> Result<Timestamp, JsValue> {
    /// Last moment of a JavaScript `Date` (ECMA-262, Time Values and Time Range).
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

/// Returns 32 bytes from the host's `random`, else from `crypto.getRandomValues`.
pub(super) fn seed(random: Option<Function>) -> Result<[u8; 32], JsValue> {
    let no_seed = |message| thrown(Error::new(ErrorCode::InvalidArgument, message).at("/host/random"));
    let mut seed = [0; 32];
    match random {
        Some(random) => {
            let bytes = random.call1(&JsValue::UNDEFINED, &32.into())?;
            let bytes = bytes.dyn_into::<Uint8Array>().ok().filter(|bytes| bytes.length() == 32);
            bytes.ok_or_else(|| no_seed("`random(32)` must return a Uint8Array of 32 bytes"))?.copy_to(&mut seed);
        }
        None => getrandom::fill(&mut seed)
            .map_err(|_| no_seed("this host has no `crypto.getRandomValues`; pass `random` in `host`"))?,
    }
    Ok(seed)
}
