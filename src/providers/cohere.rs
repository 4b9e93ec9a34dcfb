//! Cohere ("Using Cohere models via the OpenAI SDK"; `CO_API_KEY`: its Python client, `COHERE_API_KEY`: its examples and
//! LangChain). `CO_API_URL` names the root of its native API and not this base URL.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "cohere",
    name: "Cohere",
    hosts: &["api.cohere.com", "api.cohere.ai"],
    base_url: Some("https://api.cohere.ai/compatibility/v1"),
    key_variables: &["CO_API_KEY", "COHERE_API_KEY"],
    ..GENERIC
};
