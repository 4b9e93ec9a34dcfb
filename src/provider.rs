//! The table of providers, and what differs between them.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};

/// Names one pool in the document: a provider id, or `custom:<name>`.
///
/// ```
/// use credential_pool::PoolKey;
///
/// assert_eq!(PoolKey::parse(" OpenRouter ")?.as_str(), "openrouter");
/// assert_eq!(PoolKey::custom(" My Box ").as_str(), "custom:my-box");
/// # Ok::<(), credential_pool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PoolKey(String);

impl PoolKey {
    const CUSTOM: &'static str = "custom:";

    /// Reads a pool key: trimmed and in lower case.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidPoolKey`] if nothing is left.
    pub fn parse(key: &str) -> Result<Self, Error> {
        let key = key.trim().to_lowercase();
        match key.is_empty() {
            true => Err(Error::new(
                ErrorCode::InvalidPoolKey,
                "a pool key is a provider such as `openrouter`, or `custom:<name>`; it cannot be empty",
            )),
            false => Ok(Self(key)),
        }
    }

    /// The pool of a custom endpoint with this name: trimmed, in lower case, spaces as dashes.
    pub fn custom(name: &str) -> Self {
        Self(format!("{}{}", Self::CUSTOM, name.trim().to_lowercase().replace(' ', "-")))
    }

    /// The key as it stands in the document.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the pool of a custom endpoint.
    pub fn is_custom(&self) -> bool {
        self.0.starts_with(Self::CUSTOM)
    }

    /// What the table knows of the pool's provider.
    pub(crate) fn provider(&self) -> Option<&'static Provider> {
        PROVIDERS.iter().find(|provider| provider.id == self.0)
    }

    pub(crate) fn is_anthropic(&self) -> bool {
        self.0 == "anthropic"
    }

    pub(crate) fn is_nous(&self) -> bool {
        self.0 == "nous"
    }
}

impl TryFrom<String> for PoolKey {
    type Error = Error;

    fn try_from(key: String) -> Result<Self, Error> {
        Self::parse(&key)
    }
}

/// What the pool knows of a provider.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: ProviderKind,
    pub(crate) base_url: &'static str,
    /// The environment variables that may hold its keys, in the order of discovery.
    pub(crate) key_variables: &'static [&'static str],
    /// The environment variable that overrides its base URL.
    pub(crate) base_url_variable: Option<&'static str>,
}

/// How a provider is paid and called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProviderKind {
    /// With keys, which are found in the environment.
    ApiKey,
    /// With a login that a device code makes.
    DeviceCode,
    /// With a login that another program makes.
    External,
    /// Through a program on this machine.
    Process,
}

use ProviderKind::{ApiKey, DeviceCode, External, Process};

/// All known providers.
pub(crate) const PROVIDERS: [Provider; 17] = [
    Provider {
        id: "nous",
        name: "Nous Portal",
        kind: DeviceCode,
        base_url: "https://inference-api.nousresearch.com/v1",
        key_variables: &[],
        base_url_variable: None,
    },
    Provider {
        id: "openai-codex",
        name: "OpenAI Codex",
        kind: External,
        base_url: "https://chatgpt.com/backend-api/codex",
        key_variables: &[],
        base_url_variable: None,
    },
    Provider {
        id: "copilot",
        name: "GitHub Copilot",
        kind: ApiKey,
        base_url: "https://api.githubcopilot.com",
        key_variables: &["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"],
        base_url_variable: None,
    },
    Provider {
        id: "copilot-acp",
        name: "GitHub Copilot ACP",
        kind: Process,
        base_url: "acp://copilot",
        key_variables: &[],
        base_url_variable: Some("COPILOT_ACP_BASE_URL"),
    },
    Provider {
        id: "zai",
        name: "Z.AI / GLM",
        kind: ApiKey,
        base_url: "https://api.z.ai/api/paas/v4",
        key_variables: &["GLM_API_KEY", "ZAI_API_KEY", "Z_AI_API_KEY"],
        base_url_variable: Some("GLM_BASE_URL"),
    },
    Provider {
        id: "kimi-coding",
        name: "Kimi / Moonshot",
        kind: ApiKey,
        base_url: "https://api.moonshot.ai/v1",
        key_variables: &["KIMI_API_KEY"],
        base_url_variable: Some("KIMI_BASE_URL"),
    },
    Provider {
        id: "minimax",
        name: "MiniMax",
        kind: ApiKey,
        base_url: "https://api.minimax.io/anthropic",
        key_variables: &["MINIMAX_API_KEY"],
        base_url_variable: Some("MINIMAX_BASE_URL"),
    },
    Provider {
        id: "anthropic",
        name: "Anthropic",
        kind: ApiKey,
        base_url: "https://api.anthropic.com",
        key_variables: &["ANTHROPIC_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY"],
        base_url_variable: None,
    },
    Provider {
        id: "alibaba",
        name: "Alibaba Cloud (DashScope)",
        kind: ApiKey,
        base_url: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        key_variables: &["DASHSCOPE_API_KEY"],
        base_url_variable: Some("DASHSCOPE_BASE_URL"),
    },
    Provider {
        id: "minimax-cn",
        name: "MiniMax (China)",
        kind: ApiKey,
        base_url: "https://api.minimaxi.com/anthropic",
        key_variables: &["MINIMAX_CN_API_KEY"],
        base_url_variable: Some("MINIMAX_CN_BASE_URL"),
    },
    Provider {
        id: "deepseek",
        name: "DeepSeek",
        kind: ApiKey,
        base_url: "https://api.deepseek.com/v1",
        key_variables: &["DEEPSEEK_API_KEY"],
        base_url_variable: Some("DEEPSEEK_BASE_URL"),
    },
    Provider {
        id: "ai-gateway",
        name: "AI Gateway",
        kind: ApiKey,
        base_url: "https://ai-gateway.vercel.sh/v1",
        key_variables: &["AI_GATEWAY_API_KEY"],
        base_url_variable: Some("AI_GATEWAY_BASE_URL"),
    },
    Provider {
        id: "opencode-zen",
        name: "OpenCode Zen",
        kind: ApiKey,
        base_url: "https://opencode.ai/zen/v1",
        key_variables: &["OPENCODE_ZEN_API_KEY"],
        base_url_variable: Some("OPENCODE_ZEN_BASE_URL"),
    },
    Provider {
        id: "opencode-go",
        name: "OpenCode Go",
        kind: ApiKey,
        base_url: "https://opencode.ai/zen/go/v1",
        key_variables: &["OPENCODE_GO_API_KEY"],
        base_url_variable: Some("OPENCODE_GO_BASE_URL"),
    },
    Provider {
        id: "kilocode",
        name: "Kilo Code",
        kind: ApiKey,
        base_url: "https://api.kilo.ai/api/gateway",
        key_variables: &["KILOCODE_API_KEY"],
        base_url_variable: Some("KILOCODE_BASE_URL"),
    },
    Provider {
        id: "huggingface",
        name: "Hugging Face",
        kind: ApiKey,
        base_url: "https://router.huggingface.co/v1",
        key_variables: &["HF_TOKEN"],
        base_url_variable: Some("HF_BASE_URL"),
    },
    Provider {
        id: "openrouter",
        name: "OpenRouter",
        kind: ApiKey,
        base_url: "https://openrouter.ai/api/v1",
        key_variables: &["OPENROUTER_API_KEY"],
        base_url_variable: None,
    },
];
