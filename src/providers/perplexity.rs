//! Perplexity ("Perplexity SDK"; variables: its Python client).

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "perplexity",
    name: "Perplexity",
    hosts: &["api.perplexity.ai"],
    base_url: Some("https://api.perplexity.ai"),
    key_variables: &["PERPLEXITY_API_KEY"],
    base_url_variable: Some("PERPLEXITY_BASE_URL"),
    ..GENERIC
};
