//! Groq ("API reference"; variable: its Python client). The client adds `/openai/v1` to its own `GROQ_BASE_URL`, so that
//! variable cannot stand for the base URL here.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "groq",
    name: "Groq",
    hosts: &["api.groq.com"],
    base_url: Some("https://api.groq.com/openai/v1"),
    key_variables: &["GROQ_API_KEY"],
    ..GENERIC
};
