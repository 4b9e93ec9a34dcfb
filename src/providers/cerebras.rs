//! Cerebras ("OpenAI compatibility"; variable: its Python client). The client adds `/v1` to its own `CEREBRAS_BASE_URL`, so
//! that variable cannot stand for the base URL here.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "cerebras",
    name: "Cerebras",
    hosts: &["api.cerebras.ai"],
    base_url: Some("https://api.cerebras.ai/v1"),
    key_variables: &["CEREBRAS_API_KEY"],
    ..GENERIC
};
