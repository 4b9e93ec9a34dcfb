//! MiniMax in China.

use super::{
    minimax,
    provider::{GENERIC, Provider},
};

pub(super) static PROVIDER: Provider = Provider {
    id: "minimax-cn",
    aliases: &["minimax-china"],
    name: "MiniMax (China)",
    hosts: &["api.minimaxi.com"],
    base_url: Some("https://api.minimaxi.com/anthropic"),
    key_variables: &["MINIMAX_CN_API_KEY"],
    base_url_variable: Some("MINIMAX_CN_BASE_URL"),
    rules: minimax::RULES,
    ..GENERIC
};
