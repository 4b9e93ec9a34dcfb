//! Class `CredentialLogin`: state machine of a new login.

use js_sys::{Function, Object, Reflect};
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;

use credential_pool::{Login, LoginConfig, LoginFlow, PoolKey, Response, Timestamp};

use super::{
    host::{function, moment, seed},
    values::{Answer, read, read_text, thrown, write},
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
import type { LoginMove, LoginOptions } from "./core/types.js";
"#;

/// State machine of a new login. Does no IO: every method returns the next move of the host. Dropping the object
/// cancels the login.
#[wasm_bindgen(js_name = CredentialLogin)]
pub struct JsLogin {
    login: Login,
    now: Option<Function>,
}

#[wasm_bindgen(js_class = "CredentialLogin")]
impl JsLogin {
    /// Starts a login for a pool's provider, configured by `credential_pool_logins` or built in.
    #[wasm_bindgen(unchecked_return_type = "{ login: CredentialLogin; move: LoginMove }")]
    pub fn start(#[wasm_bindgen(unchecked_param_type = "LoginOptions")] options: &JsValue) -> Answer {
        let field = |name: &str| Reflect::get(options, &name.into()).unwrap_or_default();
        let key: PoolKey = read(&field("key"), "key")?;
        let config: Option<Map<String, Value>> = read(&field("config"), "config")?;
        let flow: Option<LoginFlow> = read(&field("flow"), "flow")?;
        let host = field("host");
        let now = function(&host, "now")?;
        let at = moment(field("now").as_f64(), now.as_ref())?;
        let config = LoginConfig::of(&key, config.as_ref(), flow).map_err(thrown)?;
        let (login, first) = Login::start(config, seed(function(&host, "random")?)?, at);
        let answer = Object::new();
        Reflect::set(&answer, &"move".into(), &write(&first)?)?;
        Reflect::set(&answer, &"login".into(), &Self { login, now }.into())?;
        Ok(answer.into())
    }

    /// Passes the response to the request of a `send`, whatever its status; `{}` if no response came.
    #[wasm_bindgen(unchecked_return_type = "LoginMove")]
    pub fn answer(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Response")] response: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let response: Response = read(response, "response")?;
        write(&self.login.answer(&response, self.at(now)?).map_err(thrown)?)
    }

    /// Continues after a wait. Before its end, returns the same wait again.
    #[wasm_bindgen(unchecked_return_type = "LoginMove")]
    pub fn resume(&mut self, now: Option<f64>) -> Answer {
        write(&self.login.resume(self.at(now)?).map_err(thrown)?)
    }

    /// Reports that the host listens on this port, after the move `listen`.
    #[wasm_bindgen(unchecked_return_type = "LoginMove")]
    pub fn listening(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "number")] port: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let port: u16 = read(port, "port")?;
        write(&self.login.listening(port, self.at(now)?).map_err(thrown)?)
    }

    /// Passes the URL that the browser requested on the port, absolute or from the path on. Throws `foreign_redirect`
    /// if the URL does not belong to this login.
    #[wasm_bindgen(unchecked_return_type = "LoginMove")]
    pub fn redirected(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "string")] url: &JsValue,
        now: Option<f64>,
    ) -> Answer {
        let url = read_text(url, "url")?;
        write(&self.login.redirected(&url, self.at(now)?).map_err(thrown)?)
    }

    fn at(&self, now: Option<f64>) -> Result<Timestamp, JsValue> {
        moment(now, self.now.as_ref())
    }
}
