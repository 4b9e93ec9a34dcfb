//! Mistral AI ("API specs"; variable: its Python client).

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "mistral",
    aliases: &["mistralai"],
    name: "Mistral AI",
    hosts: &["api.mistral.ai"],
    base_url: Some("https://api.mistral.ai/v1"),
    key_variables: &["MISTRAL_API_KEY"],
    ..GENERIC
};
