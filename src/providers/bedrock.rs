//! Amazon Bedrock with API keys ("Use an Amazon Bedrock API key", "Endpoints supported by Amazon Bedrock"). Each region has
//! a host of its own; the variable is the one of the AWS SDKs ("Service-specific endpoints").

use super::provider::{GENERIC, Provider};

pub(super) static PROVIDER: Provider = Provider {
    id: "bedrock",
    aliases: &["aws-bedrock", "amazon-bedrock"],
    name: "Amazon Bedrock",
    hosts: &["bedrock-runtime.*.amazonaws.com", "bedrock-runtime-fips.*.amazonaws.com", "bedrock-mantle.*.api.aws"],
    key_variables: &["AWS_BEARER_TOKEN_BEDROCK"],
    base_url_variable: Some("AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
    ..GENERIC
};
