//! Hugging Face's inference providers.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "huggingface",
    aliases: &["hf", "hugging-face"],
    name: "Hugging Face",
    hosts: &["router.huggingface.co"],
    base_url: Some("https://router.huggingface.co/v1"),
    key_variables: &["HF_TOKEN"],
    base_url_variable: Some("HF_BASE_URL"),
    ..GENERIC
};
