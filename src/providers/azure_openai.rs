//! Azure OpenAI ("Azure OpenAI REST API reference: Authentication": keys in `api-key`, Microsoft Entra ID tokens as bearer
//! tokens; "Realtime API": a key in the query). Each resource has a host of its own, which the variable names.

use super::{
    auth_style::AuthStyle,
    provider::{AuthPlaces, GENERIC, Provider},
};

pub(super) static PROVIDER: Provider = Provider {
    id: "azure-openai",
    aliases: &["azure"],
    name: "Azure OpenAI",
    hosts: &["openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com"],
    key_variables: &["AZURE_OPENAI_API_KEY"],
    base_url_variable: Some("AZURE_OPENAI_ENDPOINT"),
    key_auth: AuthStyle::headers(&[("api-key", "")]),
    other_auth_places: AuthPlaces { headers: &[], query: &["api-key"] },
    ..GENERIC
};
