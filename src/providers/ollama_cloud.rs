//! Ollama's cloud ("Authentication"). `OLLAMA_HOST` and its like name a server on this machine, so no variable stands for
//! the base URL: the key would go there.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "ollama-cloud",
    name: "Ollama Cloud",
    hosts: &["ollama.com"],
    base_url: Some("https://ollama.com/v1"),
    key_variables: &["OLLAMA_API_KEY"],
    ..GENERIC
};
