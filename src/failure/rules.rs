//! The general rules: the kind of failure that a status, a code, a phrase or a header means. The first rule that fits
//! decides, so the provider's own rules come first, quota comes before rate limit, and a bare status comes last.
//!
//! Sources, unless a rule names another: Anthropic "Errors" and "Rate limits"; OpenAI "Error codes";
//! OpenRouter "Errors and debugging"; Google "Gemini API troubleshooting" and `google.rpc`; Groq
//! "API error codes"; DeepSeek "Error codes".

use super::{
    evidence::Evidence,
    kind::{FailureKind, FailureKind::*},
    phrases::{
        AWS_FORBIDDEN_CODES, AWS_OVERLOADED_CODES, AWS_UNAUTHORIZED_CODES, FORBIDDEN_CODES, FORBIDDEN_TEXTS,
        GONE_CODES, GONE_TEXTS, MODEL_CODE_PARTS, MODEL_CODES, MODEL_TEXTS, OVERLOADED_CODES, OVERLOADED_TEXTS,
        PROJECT_CODES, QUOTA_CODES, QUOTA_TEXTS, RATE_CODES, REQUEST_CODES, REQUEST_TEXTS, REVOKED_CODES,
        REVOKED_TEXTS, SERVER_CODES, THROTTLING_CODES, UNAUTHORIZED_CODES, UNAUTHORIZED_TEXTS,
    },
    rule::{
        On::{Any, Between, Nothing, Only},
        Rule, Says,
        Says::{Anything, Code, CodeWith, Header, Literal, Page, Sentence, Text},
    },
    shapes, words,
};

/// Returns the kind of failure that the answer tells of.
pub(super) fn kind(evidence: &Evidence<'_>) -> FailureKind {
    [evidence.own_rules(), GENERAL, STATUSES]
        .into_iter()
        .flatten()
        .find(|rule| fits(rule, evidence))
        .map_or(Unknown, |rule| rule.kind)
}

/// Returns whether a failure of this kind holds for the request's model alone.
pub(super) fn names_model(evidence: &Evidence<'_>, kind: FailureKind) -> bool {
    match kind {
        ModelGone => true,
        Transient | RateLimited | Quota | Forbidden => {
            evidence.names_model
                || has(evidence, Code(MODEL_CODES))
                || has(evidence, CodeWith(MODEL_CODE_PARTS))
                || has(evidence, Text(MODEL_TEXTS))
                || has(evidence, shapes::MODEL_DENIED)
                || has(evidence, Literal(&["model: "]))
                || is_window_of_a_model(evidence)
        }
        Unauthorized | Revoked | RequestFault | Unknown => false,
    }
}

/// Returns whether Anthropic's headers tell that the spent window is one model's own. Windows of all models are named
/// `5h` and `7d`, and a model's window is named `7d_…`.
fn is_window_of_a_model(evidence: &Evidence<'_>) -> bool {
    const WINDOW: &str = "anthropic-ratelimit-unified-";
    let is_open = |window| {
        let status = evidence.header(&format!("{WINDOW}{window}-status"));
        status.is_some_and(|status| status.starts_with("allowed"))
    };
    let mut spent = evidence.headers.iter().filter(|(_, status)| status == "rejected");
    let is_one_model_s = |name: &str| name.strip_prefix(WINDOW).is_some_and(|window| window.starts_with("7d_"));
    let claim = evidence.header("anthropic-ratelimit-unified-representative-claim").unwrap_or_default();
    claim.starts_with("seven_day_") || is_open("5h") && is_open("7d") && spent.any(|(name, _)| is_one_model_s(name))
}

/// Returns whether the rule fits the answer.
fn fits(rule: &Rule, evidence: &Evidence<'_>) -> bool {
    let is_status = match (rule.on, evidence.status) {
        (Any, _) | (Nothing, None) => true,
        (Only(statuses), Some(status)) => statuses.contains(&status),
        (Between(first, last), Some(status)) => (first..=last).contains(&status),
        (Nothing, Some(_)) | (Only(_) | Between(..), None) => false,
    };
    is_status && has(evidence, rule.says)
}

/// Returns whether the answer has this content.
fn has(evidence: &Evidence<'_>, says: Says) -> bool {
    let codes = &evidence.codes;
    match says {
        Anything => true,
        Code(wanted) => codes.iter().any(|code| wanted.contains(&code.as_str())),
        CodeWith(parts) => codes.iter().any(|code| parts.iter().any(|part| code.contains(part))),
        Text(patterns) => patterns.iter().any(|pattern| words::contains(evidence.words.as_str(), pattern)),
        Sentence { has, without } => evidence.words.sentences().any(|sentence| {
            let has_one = |patterns: &[&str]| patterns.iter().any(|pattern| words::contains(sentence, pattern));
            has.iter().all(|patterns| has_one(patterns)) && !has_one(without)
        }),
        Literal(texts) => texts.iter().any(|text| evidence.text.contains(text)),
        Header(name, value) => evidence.header(name) == Some(value),
        Page => evidence.is_page,
    }
}

/// Rules of all providers.
const GENERAL: &[Rule] = &[
    // A proxy's answer is not the provider's. Cloudflare, "Detect a challenge page response".
    Rule::new(Transient, Any, Header("cf-mitigated", "challenge")),
    Rule::new(Transient, Only(&[403, 429]), Page),
    Rule::new(Transient, Between(500, 599), Page),
    Rule::new(Transient, Only(&[403, 429]), Text(&["error code 10~"])),
    // OpenRouter and who resells it: the failed account is the reseller's.
    Rule::new(Transient, Only(&[401, 402, 403]), Text(&["provider returned error"])),
    Rule::new(RateLimited, Only(&[429]), Text(&["provider returned error"])),
    // Larger than the limit itself (OpenAI 429, Groq 413), or than the plan allows: waiting never helps.
    Rule::new(RequestFault, Any, Text(&["request too large for", "required for long context requests"])),
    Rule::new(Transient, Any, Code(&["model_capacity_exhausted"])),
    Rule::new(Quota, Any, shapes::MONEY_MISSING),
    Rule::new(Quota, Any, shapes::BUDGET_SPENT),
    Rule::new(Quota, Any, shapes::ACCOUNT_DOES_NOT_PAY),
    Rule::new(Quota, Any, CodeWith(&["perday", "permonth", "monthly"])),
    Rule::new(Quota, Any, shapes::PERIOD_SPENT),
    Rule::new(Quota, Any, Code(&["quota_exhausted", "dailylimitexceeded", "quotaexceeded"])),
    // Alibaba's words for a minute's limit are those of a used-up quota elsewhere: its code tells.
    Rule::new(RateLimited, Any, Code(THROTTLING_CODES)),
    Rule::new(RateLimited, Any, shapes::MINUTE_EXCEEDED),
    Rule::new(Quota, Any, shapes::QUOTA_SPENT),
    // Google says "exceeded your current quota" of a minute's quota too: the quota's name tells.
    Rule::new(RateLimited, Any, Code(&["resource_exhausted", "ratelimitexceeded", "userratelimitexceeded"])),
    Rule::new(Quota, Any, Code(QUOTA_CODES)),
    Rule::new(Quota, Any, Text(QUOTA_TEXTS)),
    Rule::new(Quota, Any, shapes::QUOTA_EXCEEDED),
    Rule::new(Quota, Only(&[200, 402, 403, 412, 429]), shapes::ACCOUNT_LIMIT_REACHED),
    Rule::new(Quota, Nothing, shapes::ACCOUNT_LIMIT_REACHED),
    Rule::new(Quota, Only(&[429]), Header("anthropic-ratelimit-unified-status", "rejected")),
    Rule::new(Quota, Only(&[402]), Anything),
    Rule::new(Unauthorized, Only(&[403]), Text(&["only available for coding agents"])),
    Rule::new(Revoked, Only(&[400, 401, 403]), Code(REVOKED_CODES)),
    // RFC 6750, section 3.1: `invalid_token` is also an expired one.
    Rule::new(Unauthorized, Only(&[401]), Text(&["token*expired"])),
    Rule::new(Revoked, Only(&[400, 401, 403]), Text(REVOKED_TEXTS)),
    Rule::new(Revoked, Only(&[401]), Code(&["invalid_token"])),
    Rule::new(Unauthorized, Any, Code(PROJECT_CODES)),
    Rule::new(Unauthorized, Any, Code(AWS_UNAUTHORIZED_CODES)),
    Rule::new(Forbidden, Any, Code(FORBIDDEN_CODES)),
    Rule::new(Forbidden, Any, Code(AWS_FORBIDDEN_CODES)),
    Rule::new(Forbidden, Only(&[400, 401, 403, 404, 451]), Text(FORBIDDEN_TEXTS)),
    Rule::new(Forbidden, Only(&[400, 401, 403, 404]), shapes::MODEL_DENIED),
    Rule::new(Unauthorized, Only(&[400, 401, 403, 404]), shapes::KEY_OF_ANOTHER_USE),
    Rule::new(Unauthorized, Only(&[400, 401, 403, 412]), shapes::SERVICE_NOT_ENABLED),
    Rule::new(RequestFault, Any, Code(REQUEST_CODES)),
    Rule::new(RequestFault, Only(&[400, 403, 404, 413, 422, 500]), Text(REQUEST_TEXTS)),
    Rule::new(Forbidden, Only(&[403]), Code(&["model_not_found"])),
    Rule::new(ModelGone, Any, Code(GONE_CODES)),
    Rule::new(ModelGone, Only(&[400, 404, 422]), Text(GONE_TEXTS)),
    // The second is Anthropic's whole message.
    Rule::new(ModelGone, Only(&[404]), Text(&["(model|models) * not found"])),
    Rule::new(ModelGone, Only(&[404]), Literal(&["model: "])),
    Rule::new(Transient, Any, Code(OVERLOADED_CODES)),
    Rule::new(Transient, Any, Code(AWS_OVERLOADED_CODES)),
    Rule::new(Transient, Only(&[400, 403, 429]), Text(OVERLOADED_TEXTS)),
    Rule::new(Unauthorized, Any, Code(UNAUTHORIZED_CODES)),
    Rule::new(Unauthorized, Only(&[400, 403]), Text(UNAUTHORIZED_TEXTS)),
    Rule::new(Unauthorized, Only(&[200, 400, 403, 404, 412]), shapes::KEY_REFUSED),
    Rule::new(Unauthorized, Only(&[200, 400, 403]), shapes::NOT_AUTHENTICATED),
    // A gateway's status need not be the server's.
    Rule::new(Transient, Only(&[401, 403]), Code(SERVER_CODES)),
    Rule::new(Transient, Only(&[403]), shapes::SERVER_FAILED),
    Rule::new(RateLimited, Any, Code(RATE_CODES)),
    Rule::new(
        RateLimited,
        Only(&[400, 403]),
        Text(&["rate limit~", "too many requests", "rate exceeded", "request limit exceeded"]),
    ),
];

/// Rules of bare statuses, where nothing else tells.
const STATUSES: &[Rule] = &[
    Rule::new(Unauthorized, Only(&[401]), Anything),
    Rule::new(Forbidden, Only(&[403, 451]), Anything),
    Rule::new(ModelGone, Only(&[410]), Anything),
    Rule::new(RateLimited, Only(&[429]), Anything),
    // Groq: 498 is its flexible tier at its capacity.
    Rule::new(Transient, Only(&[408, 409, 425, 498, 499]), Anything),
    Rule::new(Transient, Between(500, 599), Anything),
    Rule::new(
        RequestFault,
        Only(&[400, 404, 405, 406, 411, 412, 413, 414, 415, 416, 417, 422, 424, 426, 428, 431]),
        Anything,
    ),
    // Types alone: an error in a stream has no status.
    Rule::new(Forbidden, Any, Code(&["permission_error", "permission_denied"])),
    Rule::new(RequestFault, Any, Code(&["invalid_request_error", "not_found_error", "invalid_argument"])),
    Rule::new(Transient, Any, Code(&["api_error", "server_error", "internal_server_error", "internal"])),
    Rule::new(Transient, Nothing, Anything),
];
