//! SiliconFlow ("API reference"), outside of China at `.com` and in China at `.cn`.

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "siliconflow",
    name: "SiliconFlow",
    hosts: &["api.siliconflow.com", "api.siliconflow.cn"],
    base_url: Some("https://api.siliconflow.com/v1"),
    key_variables: &["SILICONFLOW_API_KEY"],
    ..GENERIC
};
