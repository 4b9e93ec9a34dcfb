//! OpenCode Zen (failures: its console's source).

use super::provider::{GENERIC, Provider};
use crate::failure::{
    kind::FailureKind::{Forbidden, ModelGone, Quota, RateLimited, Transient},
    rule::{
        On::{Any, Only},
        Rule,
        Says::{Code, CodeWith, Text},
    },
};

pub(super) static PROVIDER: Provider = Provider {
    id: "opencode-zen",
    aliases: &["opencode"],
    name: "OpenCode Zen",
    hosts: &["opencode.ai"],
    base_url: Some("https://opencode.ai/zen/v1"),
    key_variables: &["OPENCODE_ZEN_API_KEY"],
    base_url_variable: Some("OPENCODE_ZEN_BASE_URL"),
    rules: RULES,
    ..GENERIC
};

/// The types of errors come with 401. An answer of the provider behind OpenCode judges OpenCode's own account there.
pub(super) const RULES: &[Rule] = &[
    Rule::new(RateLimited, Only(&[429]), Text(&["error from provider"])),
    Rule::new(Transient, Only(&[401, 402, 403]), Text(&["error from provider"])),
    Rule::new(Quota, Any, CodeWith(&["creditserror", "monthlylimiterror", "userlimiterror", "usagelimiterror"])),
    Rule::new(ModelGone, Any, Code(&["modelerror"])),
    Rule::new(Forbidden, Any, Code(&["modelaccesserror", "regionerror"])),
];
