//! WebAssembly component face: `call(json) -> json`, without imports.

use std::cell::RefCell;

use bindings::Guest;
use credential_pool_protocol::Session;

mod bindings {
    #![expect(unsafe_code, reason = "`generate!` generates the exported functions")]

    wit_bindgen::generate!({ path: "../wit", world: "pool" });

    use super::Component;

    export!(Component with_types_in self);
}

thread_local! {
    static SESSION: RefCell<Session> = RefCell::default();
}

struct Component;

impl Guest for Component {
    fn call(request: String) -> String {
        SESSION.with_borrow_mut(|session| session.call(&request))
    }
}
