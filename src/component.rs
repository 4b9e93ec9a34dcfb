//! The component face: one `call(json) -> json`, and not a single import.

#![expect(unsafe_code, reason = "`export!` makes the functions that the component's host calls")]

use std::cell::RefCell;

use crate::protocol::Session;

wit_bindgen::generate!({ path: "pkg/wit", world: "pool" });

thread_local! {
    static SESSION: RefCell<Session> = RefCell::default();
}

struct Component;

impl Guest for Component {
    fn call(request: String) -> String {
        SESSION.with_borrow_mut(|session| session.call(&request))
    }
}

export!(Component);
