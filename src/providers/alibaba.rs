//! Alibaba Cloud Model Studio ("Rate limits").

use super::provider::{GENERIC, Provider};
use crate::failure::{
    kind::FailureKind::{Quota, RateLimited},
    rule::{
        On::{Any, Only},
        Rule,
        Says::{Anything, Text},
    },
};

pub(super) static PROVIDER: Provider = Provider {
    id: "alibaba",
    aliases: &["dashscope", "qwen"],
    name: "Alibaba Cloud (DashScope)",
    hosts: &["dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com", "dashscope.aliyuncs.com"],
    base_url: Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
    key_variables: &["DASHSCOPE_API_KEY"],
    base_url_variable: Some("DASHSCOPE_BASE_URL"),
    // `insufficient_quota` is a minute's tokens, unless the free tokens are used up.
    rules: &[
        Rule::new(
            Quota,
            Any,
            Text(&["(free|hour|week|month) allocated quota", "free tier of the model has been exhausted"]),
        ),
        Rule::new(RateLimited, Only(&[429]), Anything),
    ],
    ..GENERIC
};
