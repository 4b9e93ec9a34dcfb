//! The table of failures: which status, code, words or header mean what. The first rule that fits
//! decides, so quota stands before rate limit, and what a provider says in its own way before what
//! a status means in general.
//!
//! Sources, unless a rule names another: Anthropic "Errors" and "Rate limits"; OpenAI "Error codes";
//! OpenRouter "Errors and debugging"; Google "Gemini API troubleshooting" and `google.rpc`; Groq
//! "API error codes"; DeepSeek "Error codes".

use super::{
    FailureKind,
    FailureKind::*,
    evidence::Evidence,
    words::{
        FORBIDDEN_CODES, FORBIDDEN_TEXTS, GONE_CODES, GONE_TEXTS, MODEL_CODE_PARTS, MODEL_CODES, MODEL_TEXTS,
        OVERLOADED_CODES, OVERLOADED_TEXTS, QUOTA_CODES, QUOTA_TEXTS, RATE_CODES, REQUEST_CODES, REQUEST_TEXTS,
        REVOKED_CODES, REVOKED_TEXTS, UNAUTHORIZED_CODES, UNAUTHORIZED_TEXTS,
    },
};

/// What the answer means.
pub(super) fn kind(evidence: &Evidence<'_>) -> FailureKind {
    [OWN, GENERAL, STATUSES].into_iter().flatten().find(|rule| rule.fits(evidence)).map_or(Unknown, |rule| rule.kind)
}

/// Whether a failure of this kind holds for the request's model alone.
pub(super) fn names_model(evidence: &Evidence<'_>, kind: FailureKind) -> bool {
    match kind {
        ModelGone => true,
        Transient | RateLimited | Quota | Forbidden => {
            evidence.names_model
                || Code(MODEL_CODES).fits(evidence)
                || CodeWith(MODEL_CODE_PARTS).fits(evidence)
                || Text(MODEL_TEXTS).fits(evidence)
                || is_window_of_a_model(evidence)
        }
        Unauthorized | Revoked | RequestFault | Unknown => false,
    }
}

/// Whether Anthropic's windows say that only one that is a model's own is spent. They are named
/// `5h` and `7d` for all models, and `7d_…` for one.
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

/// What an answer must be, and what it then means.
struct Rule {
    /// The pools it is for; none means all.
    pools: &'static [&'static str],
    on: On,
    says: Says,
    kind: FailureKind,
}

/// Which statuses a rule is for.
enum On {
    Any,
    Only(&'static [u16]),
    Between(u16, u16),
    /// No answer came.
    Nothing,
}

/// What the answer must say. Everything is in lower case.
enum Says {
    Anything,
    /// One of these is a code of it.
    Code(&'static [&'static str]),
    /// One of these is a part of a code.
    CodeWith(&'static [&'static str]),
    /// One of these is in its messages; `*` stands for anything between.
    Text(&'static [&'static str]),
    /// This header has this value.
    Header(&'static str, &'static str),
    /// It is a page for browsers.
    Page,
}

use On::{Any, Between, Nothing, Only};
use Says::{Anything, Code, CodeWith, Header, Page, Text};

impl Rule {
    const fn new(kind: FailureKind, on: On, says: Says) -> Self {
        Self { pools: &[], on, says, kind }
    }

    const fn of(pools: &'static [&'static str], kind: FailureKind, on: On, says: Says) -> Self {
        Self { pools, on, says, kind }
    }

    fn fits(&self, evidence: &Evidence<'_>) -> bool {
        let is_status = match (&self.on, evidence.status) {
            (Any, _) | (Nothing, None) => true,
            (Only(statuses), Some(status)) => statuses.contains(&status),
            (Between(first, last), Some(status)) => (*first..=*last).contains(&status),
            (Nothing, Some(_)) | (Only(_) | Between(..), None) => false,
        };
        is_status && (self.pools.is_empty() || self.pools.contains(&evidence.pool)) && self.says.fits(evidence)
    }
}

impl Says {
    fn fits(&self, evidence: &Evidence<'_>) -> bool {
        let codes = &evidence.codes;
        match self {
            Anything => true,
            Code(wanted) => codes.iter().any(|code| wanted.contains(&code.as_str())),
            CodeWith(parts) => codes.iter().any(|code| parts.iter().any(|part| code.contains(part))),
            Text(patterns) => patterns.iter().any(|pattern| contains(&evidence.text, pattern)),
            Header(name, value) => evidence.header(name) == Some(value),
            Page => evidence.is_page,
        }
    }
}

/// Whether the parts of `pattern`, between its `*`, are in `text` in this order.
fn contains(text: &str, pattern: &str) -> bool {
    let mut rest = Some(text);
    for part in pattern.split('*') {
        rest = rest.and_then(|rest| rest.split_once(part)).map(|(_, after)| after);
    }
    rest.is_some()
}

const ZAI: &[&str] = &["zai"];
const MINIMAX: &[&str] = &["minimax", "minimax-cn"];
const OPENCODE: &[&str] = &["opencode-zen", "opencode-go"];
const ALIBABA: &[&str] = &["alibaba"];

/// What a provider says in its own way, where another would mean something else by it.
const OWN: &[Rule] = &[
    // Z.AI, "Error codes".
    Rule::of(
        ZAI,
        Quota,
        Any,
        Code(&["1113", "1304", "1308", "1309", "1310", "1316", "1317", "1318", "1319", "1320", "1321"]),
    ),
    Rule::of(ZAI, RateLimited, Any, Code(&["1302", "1303", "1305", "1313"])),
    Rule::of(ZAI, Transient, Any, Code(&["500", "1120", "1200", "1230", "1234", "1312"])),
    Rule::of(ZAI, Revoked, Any, Code(&["1112", "1121"])),
    Rule::of(ZAI, Unauthorized, Any, Code(&["1000", "1001", "1002", "1003", "1004", "1100", "1110", "1111"])),
    Rule::of(ZAI, ModelGone, Any, Code(&["1211", "1221", "1222"])),
    Rule::of(ZAI, Forbidden, Any, Code(&["1220", "1311"])),
    Rule::of(ZAI, RequestFault, Any, Code(&["1210", "1212", "1213", "1214", "1215", "1231", "1261", "1300", "1301"])),
    Rule::of(ZAI, Forbidden, Only(&[434]), Anything),
    Rule::of(ZAI, RequestFault, Only(&[435]), Anything),
    // MiniMax, "Error codes": in `base_resp` or at the end of the message, under any status.
    Rule::of(MINIMAX, Quota, Any, Code(&["1008", "2056"])),
    Rule::of(MINIMAX, RateLimited, Any, Code(&["1002", "1039", "1041", "2045"])),
    Rule::of(MINIMAX, Transient, Any, Code(&["1000", "1001", "1013", "1024", "1033"])),
    Rule::of(MINIMAX, Unauthorized, Any, Code(&["1004", "2049"])),
    Rule::of(MINIMAX, Forbidden, Any, Code(&["2061"])),
    Rule::of(MINIMAX, RequestFault, Any, Code(&["1026", "1027", "1042", "2013"])),
    // OpenCode Zen, its console's source: these types come with 401, and what the provider behind
    // it says is of its own account there.
    Rule::of(OPENCODE, RateLimited, Only(&[429]), Text(&["error from provider"])),
    Rule::of(OPENCODE, Transient, Only(&[401, 402, 403]), Text(&["error from provider"])),
    Rule::of(
        OPENCODE,
        Quota,
        Any,
        CodeWith(&["creditserror", "monthlylimiterror", "userlimiterror", "usagelimiterror"]),
    ),
    Rule::of(OPENCODE, ModelGone, Any, Code(&["modelerror"])),
    Rule::of(OPENCODE, Forbidden, Any, Code(&["modelaccesserror", "regionerror"])),
    // Alibaba Model Studio, "Rate limits": `insufficient_quota` is a minute's tokens, unless it is
    // the free ones.
    Rule::of(ALIBABA, Quota, Any, Text(&["free allocated quota", "free tier of the model has been exhausted"])),
    Rule::of(ALIBABA, RateLimited, Only(&[429]), Anything),
];

/// What any provider means by it.
const GENERAL: &[Rule] = &[
    // A proxy's answer is not the provider's. Cloudflare, "Detect a challenge page response".
    Rule::new(Transient, Any, Header("cf-mitigated", "challenge")),
    Rule::new(Transient, Only(&[403, 429]), Page),
    Rule::new(Transient, Between(500, 599), Page),
    Rule::new(Transient, Only(&[403, 429]), Text(&["error code: 10"])),
    // OpenRouter and who resells it: the account that failed is the reseller's.
    Rule::new(Transient, Only(&[401, 402, 403]), Text(&["provider returned error"])),
    Rule::new(RateLimited, Only(&[429]), Text(&["provider returned error"])),
    // Larger than the limit itself (OpenAI 429, Groq 413), or than the plan allows: waiting never helps.
    Rule::new(RequestFault, Any, Text(&["request too large for", "required for long context requests"])),
    // Google says "exceeded your current quota" of a minute's quota too: the quota's name tells.
    Rule::new(Transient, Any, Code(&["model_capacity_exhausted"])),
    Rule::new(Quota, Any, Text(&["prepayment credits are depleted"])),
    Rule::new(Quota, Any, CodeWith(&["perday", "permonth"])),
    Rule::new(Quota, Any, Code(&["quota_exhausted", "dailylimitexceeded", "quotaexceeded"])),
    Rule::new(RateLimited, Any, Code(&["resource_exhausted", "ratelimitexceeded", "userratelimitexceeded"])),
    Rule::new(Quota, Any, Code(QUOTA_CODES)),
    Rule::new(Quota, Any, Text(QUOTA_TEXTS)),
    Rule::new(Quota, Only(&[429]), Header("anthropic-ratelimit-unified-status", "rejected")),
    Rule::new(Quota, Only(&[402]), Anything),
    Rule::new(Revoked, Only(&[400, 401, 403]), Code(REVOKED_CODES)),
    // RFC 6750, section 3.1: `invalid_token` is also an expired one.
    Rule::new(Unauthorized, Only(&[401]), Text(&["token*expired"])),
    Rule::new(Revoked, Only(&[400, 401, 403]), Text(REVOKED_TEXTS)),
    Rule::new(Revoked, Only(&[401]), Code(&["invalid_token"])),
    Rule::new(Forbidden, Any, Code(FORBIDDEN_CODES)),
    Rule::new(Forbidden, Only(&[400, 401, 403, 404, 451]), Text(FORBIDDEN_TEXTS)),
    Rule::new(RequestFault, Any, Code(REQUEST_CODES)),
    Rule::new(RequestFault, Only(&[400, 403, 404, 413, 422, 500]), Text(REQUEST_TEXTS)),
    Rule::new(Forbidden, Only(&[403]), Code(&["model_not_found"])),
    Rule::new(ModelGone, Any, Code(GONE_CODES)),
    Rule::new(ModelGone, Only(&[400, 404, 422]), Text(GONE_TEXTS)),
    // The second is Anthropic's whole message.
    Rule::new(ModelGone, Only(&[404]), Text(&["model*not found", "model: "])),
    Rule::new(Transient, Any, Code(OVERLOADED_CODES)),
    Rule::new(Transient, Only(&[400, 403, 429]), Text(OVERLOADED_TEXTS)),
    Rule::new(Unauthorized, Any, Code(UNAUTHORIZED_CODES)),
    Rule::new(Unauthorized, Only(&[400, 403]), Text(UNAUTHORIZED_TEXTS)),
    Rule::new(RateLimited, Any, Code(RATE_CODES)),
    Rule::new(RateLimited, Only(&[400, 403]), Text(&["rate limit", "too many requests"])),
];

/// What a status means where nothing else tells.
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
