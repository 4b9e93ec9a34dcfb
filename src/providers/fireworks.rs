//! Fireworks AI ("OpenAI compatibility").

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "fireworks",
    aliases: &["fireworks-ai"],
    name: "Fireworks AI",
    hosts: &["api.fireworks.ai"],
    base_url: Some("https://api.fireworks.ai/inference/v1"),
    key_variables: &["FIREWORKS_API_KEY"],
    ..GENERIC
};
