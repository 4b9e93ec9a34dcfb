//! The core as a Rust library.

use credential_pool_protocol::Session;

use super::{CallError, Face};

/// The core, called as a Rust library.
#[derive(Debug, Default)]
pub struct Native(Session);

impl Face for Native {
    fn exchange(&mut self, call: &str) -> Result<String, CallError> {
        Ok(self.0.call(call))
    }
}
