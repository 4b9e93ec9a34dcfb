//! Google's Gemini API ("Using Gemini API keys": of two variables `GOOGLE_API_KEY` goes first; "OpenAI compatibility":
//! keys are bearer tokens there, and nowhere else; `GEMINI_BASE_URL`: the reference's later versions).

use super::{
    auth_style::{AuthStyle, BEARER},
    provider::{AuthPlaces, GENERIC, Provider},
};

pub(super) static PROVIDER: Provider = Provider {
    id: "gemini",
    aliases: &["google", "google-gemini", "google-ai-studio"],
    name: "Google Gemini",
    hosts: &["generativelanguage.googleapis.com"],
    base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
    key_variables: &["GOOGLE_API_KEY", "GEMINI_API_KEY"],
    base_url_variable: Some("GEMINI_BASE_URL"),
    key_auth: AuthStyle::headers(&[("x-goog-api-key", "")]),
    key_auth_under: &[("openai", BEARER)],
    // Google Cloud, "Use API keys to access APIs".
    other_auth_places: AuthPlaces { headers: &[], query: &["key"] },
    ..GENERIC
};
