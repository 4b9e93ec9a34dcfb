//! The face for WebAssembly component hosts: `call(json) -> json`, without a single import.

use std::cell::RefCell;

use bindings::Guest;
use credential_pool_protocol::Session;

mod bindings {
    #![expect(unsafe_code, reason = "`generate!` makes the functions that the component's host calls")]

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
