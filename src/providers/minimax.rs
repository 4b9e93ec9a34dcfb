//! MiniMax ("Error codes": in `base_resp` or at the end of the message, under any status). Its address for Anthropic's
//! protocol takes `Authorization: Bearer` as well ("Anthropic API compatibility").

use super::provider::{GENERIC, Provider};
use crate::failure::{
    kind::FailureKind::{Forbidden, Quota, RateLimited, RequestFault, Transient, Unauthorized},
    rule::{On::Any, Rule, Says::Code},
};

pub(super) static PROVIDER: Provider = Provider {
    id: "minimax",
    name: "MiniMax",
    hosts: &["api.minimax.io"],
    base_url: Some("https://api.minimax.io/anthropic"),
    key_variables: &["MINIMAX_API_KEY"],
    base_url_variable: Some("MINIMAX_BASE_URL"),
    rules: RULES,
    ..GENERIC
};

pub(super) const RULES: &[Rule] = &[
    Rule::new(Quota, Any, Code(&["1008", "2056"])),
    Rule::new(RateLimited, Any, Code(&["1002", "1039", "1041", "2045"])),
    Rule::new(Transient, Any, Code(&["1000", "1001", "1013", "1024", "1033"])),
    Rule::new(Unauthorized, Any, Code(&["1004", "2049"])),
    Rule::new(Forbidden, Any, Code(&["2061"])),
    Rule::new(RequestFault, Any, Code(&["1026", "1027", "1042", "2013"])),
];
