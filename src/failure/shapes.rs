//! Shapes of the usual wordings: groups of words that a sentence must have, in any order, whoever wrote it and in English
//! or Chinese. `words` has the form of the patterns.

use super::rule::Says::{self, Sentence};

/// A limit of a day, a week, a month or some hours is reached.
pub(super) const PERIOD_SPENT: Says = Sentence { has: &[PERIODS, LIMITS, REACHED], without: MINUTES_AND_SIZES };

/// The limit of an account, a plan or a free tier is reached.
pub(super) const ACCOUNT_LIMIT_REACHED: Says = Sentence { has: &[ACCOUNTS, LIMITS, REACHED], without: RATES_AND_SIZES };

/// A quota or an allowance is used up.
pub(super) const QUOTA_SPENT: Says = Sentence { has: &[QUOTAS, SPENT], without: RATES };

/// A quota is exceeded or missing. Some providers say so of a minute's quota too.
pub(super) const QUOTA_EXCEEDED: Says = Sentence { has: &[QUOTAS, LACKING], without: RATES };

/// Money is missing or must be added.
pub(super) const MONEY_MISSING: Says =
    Sentence { has: &[MONEY, LACKING], without: &["charged", "refund~", "rate limit~"] };

/// A budget is spent. Models that think have budgets of tokens.
pub(super) const BUDGET_SPENT: Says = Sentence {
    has: &[&["budget", "budgets", "预算"], LACKING],
    without: &["thinking", "reasoning", "token", "tokens"],
};

/// The account does not pay, or cannot.
pub(super) const ACCOUNT_DOES_NOT_PAY: Says = Says::Text(&[
    "billing * (not active|inactive|not enabled|disabled|to be enabled|not configured|hard limit)",
    "(payment|invoice~) * (required|failed|overdue|past due|unpaid|declined|outstanding)",
    "(overdue|unpaid|past due|outstanding) (payment|invoice~|balance|bill)",
    "account * (overdue|arrears|in good standing)",
    "please (top up|recharge|add funds)",
    "please (add|purchase|buy) * credits",
    "欠费",
    "(请|先) * 充值",
    "账单 * (逾期|未支付)",
]);

/// Too many requests or tokens in a minute, or at the same time.
pub(super) const MINUTE_EXCEEDED: Says = Sentence { has: &[MINUTES, LIMITED], without: &[] };

/// A key or a token is not accepted.
pub(super) const KEY_REFUSED: Says = Sentence { has: &[KEYS, REFUSED], without: PARAMETERS };

/// A key or a login is good, but not for this use or for this organization.
pub(super) const KEY_OF_ANOTHER_USE: Says = Sentence { has: &[LOGINS, NOT_FOR_THIS], without: MODELS_AND_PLACES };

/// The project of the key has not enabled the service.
pub(super) const SERVICE_NOT_ENABLED: Says = Says::Text(&[
    "(api|service) * (has not been used|not been enabled|is not enabled|not activated|is disabled|not enabled)",
    "organization has disabled",
    "服务 * (未开通|未启用|未激活)",
    "未开通 * (服务|接口)",
]);

/// Nobody is logged in, or not with this key.
pub(super) const NOT_AUTHENTICATED: Says = Says::Text(&[
    "no (auth|authorization|authentication)",
    "(not authenticated|unauthenticated)",
    "authentication (failed|fails|error|required)",
]);

/// The account may not use the model.
pub(super) const MODEL_DENIED: Says = Sentence {
    has: &[HOLDERS, NO_ACCESS, &["model", "models", "模型"]],
    without: &["does not exist", "doesnt exist", "not found", "不存在"],
};

/// A server failed, whatever the status.
pub(super) const SERVER_FAILED: Says = Says::Text(&[
    "internal (error|failure)",
    "internal server (error|failure)",
    "(bad gateway|gateway timeout|service unavailable|server error)",
    "upstream * (error|failed|timeout|timed out|unavailable)",
    "(服务器|系统) * (错误|异常|繁忙)",
    "(服务|系统) (繁忙|异常)",
]);

const PERIODS: &[&str] = &[
    "(day|days|daily|week|weeks|weekly|month|monthly|today|tomorrow|tpd|rpd|hours|5h|24h|86400s|byday|session)",
    "(1|2|3|4|5|6|8|12|24) hour",
    "(hour|five hour) (window|allocated)",
    "userbymodelbyday",
    "(billing|usage) (cycle|period)",
    "(今|每|当|本|单) (日|天|周|月)",
    "(小时|周|月度|日限|自然日)",
];

const LIMITS: &[&str] = &[
    "(limit|limits|limited|quota|quotas|usage|cap|allowance|allocation|allocated|requests|calls|tokens|messages|credits)",
    "(限额|上限|额度|配额|用量|次数|限制|限量)",
];

const REACHED: &[&str] = &[
    "(reached|hit|exhausted|used|crossed|depleted|consumed|surpassed|over|exceeding)",
    "exceed~",
    "(run|ran|running) out",
    "out of",
    "too many",
    "limited to",
    "no more",
    "(达到|已达|用完|用尽|耗尽|超出|超过|超限|超额|已满|不足|用光|受限|上限)",
];

const ACCOUNTS: &[&str] = &[
    "(your|plan|free|trial|tier|subscription|account|individual|premium|included|package)",
    "(套餐|账户|账号|用户|免费|试用)",
];

const QUOTAS: &[&str] = &[
    "(quota|quotas|allowance|allotment|entitlement|entitlements)",
    "usage (limit|limits|cap|quota)",
    "(spend|spending) (limit|limits|cap)",
    "(额度|配额|限额|资源包|流量包|剩余次数|调用次数|使用次数|使用上限|点数|积分)",
];

const SPENT: &[&str] = &[
    "(reached|hit|exhausted|depleted|consumed)",
    "used (up|all)",
    "(run|ran) out",
    "out of",
    "(达到|已达|用完|用尽|耗尽|用光|不足|不够|已满)",
];

const LACKING: &[&str] = &[
    "(insufficient|low|no|reached|hit|exhausted|depleted|consumed|crossed|negative|over|need|needs|require|requires|add|purchase|buy)",
    "(not|have|enough) enough",
    "dont have",
    "doesnt have",
    "(do|does) not have",
    "exceed~",
    "exhaust~",
    "used (up|all)",
    "(run|ran|running) out",
    "out of",
    "(top up|recharge)",
    "(不足|不够|用完|用尽|耗尽|用光|为0|为负|超出|超过|超限|超额|欠费|已满|达到|无可用|没有可用)",
];

const MONEY: &[&str] = &[
    "(credit|credits|balance|funds|prepaid|prepayment|wallet|extra usage)",
    "(spend|spending) (limit|limits|cap)",
    "(余额|余款|账户金额)",
];

const MINUTES: &[&str] = &[
    "(minute|second|rpm|tpm|rps|qps|tps|60s|1m|hourly|concurrency|concurrent|parallel|simultaneous)",
    "per (min|sec|hour)",
    "(每分钟|分钟内|每秒|并发|频率|限流|速率|过于频繁|太频繁|请求频繁)",
];

const LIMITED: &[&str] = &[
    "(limit|limits|limited|quota|rate|exceeded|exceeds|reached|too many|throttled)",
    "(限制|上限|超出|超过|达到|过高|过快|限流|频繁)",
];

/// Words of limits that are no account's window.
const RATES: &[&str] = &[
    "(minute|second|rpm|tpm|rps|qps|tps|60s|1m|hourly|rate|concurrency|concurrent|parallel|simultaneous|check quota)",
    "per (min|sec|hour)",
    "throttl~",
    "(每分钟|分钟内|每秒|并发|频率|限流|速率|频繁)",
];

const RATES_AND_SIZES: &[&str] = &[
    "(minute|second|rpm|tpm|rps|qps|tps|60s|1m|hourly|rate|concurrency|concurrent|parallel|simultaneous)",
    "per (min|sec|hour)",
    "throttl~",
    "(prompt|context|input|request|file|files|image|images|length|size|characters|tools|bytes|max_tokens|parameter)",
    "(每分钟|分钟内|每秒|并发|频率|限流|速率|长度|上下文|频繁)",
];

const MINUTES_AND_SIZES: &[&str] = &[
    "(minute|second|rpm|tpm|rps|qps|tps|60s|1m|hourly|concurrency|concurrent|parallel|simultaneous)",
    "per (min|sec|hour)",
    "(prompt|context|file|files|image|images|length|characters|tools|bytes|parameter|range)",
    "(每分钟|分钟内|每秒|并发|频率|长度|上下文)",
];

const KEYS: &[&str] = &[
    "(api|secret|access|subscription|auth|license|proxy|virtual) (key|keys)",
    "(apikey|api_key|x api key|credential|credentials|authorization)",
    "(api|access|auth|authentication|bearer|security|session|oauth|id|server|jwt|login) token",
    "(令牌|密钥|秘钥|鉴权|认证|身份验证|token)",
];

const REFUSED: &[&str] = &[
    "(invalid|incorrect|expired|wrong|missing|malformed|unknown|unrecognized|rejected|unauthorized)",
    "not (found|valid|recognized|provided|exist)",
    "(does|did) not exist",
    "doesnt exist",
    "no longer valid",
    "(无效|错误|不存在|过期|失效|不正确|失败|未提供|不合法|非法)",
];

const PARAMETERS: &[&str] = &[
    "(model|models|schema|json|tool|tools|function|functions|messages|unexpected|max_tokens|limit|tool_choice)",
    "(模型|参数)",
];

const LOGINS: &[&str] = &[
    "(credential|credentials|oauth|login|subscription|api key|access token|this key|this token|oauth token|scope|scopes)",
    "(key|token) (valid|is valid)",
    "(令牌|密钥|凭证)",
];

const NOT_FOR_THIS: &[&str] = &[
    "only (authorized|valid|allowed|permitted)",
    "(not|isnt|arent) * (allowed|authorized|permitted|supported|enabled)",
    "(cannot|can not|can only|may only) be used",
    "(does|do) not permit",
    "does not meet",
    "(insufficient|missing) * (scope|scopes)",
    "(insufficient|missing|lacks|lacking)",
    "(disabled|blocked)",
    "(仅限|不允许|不支持|被禁用|未授权)",
];

const MODELS_AND_PLACES: &[&str] = &[
    "(model|models|country|region|location|territory|ip|parameter|field|property|stream|tool|tools|schema)",
    "(模型|地区|参数)",
];

const HOLDERS: &[&str] = &[
    "(key|team|you|your|project|account|token|user|plan|group|organization|subscription|tier|app)",
    "(令牌|用户|您|账户|账号|分组|密钥|应用)",
];

const NO_ACCESS: &[&str] = &[
    "(not|cannot|cant) * (allowed|permitted|authorized|entitled|enabled) * (access|use|call|for|model)",
    "not (allowed|permitted|authorized|entitled)",
    "no (access|permission)",
    "(not|dont|doesnt) have * (access|permission)",
    "without access",
    "(cannot|cant|can only) access",
    "access denied",
    "(无权|没有权限|未开通|没有访问|无访问)",
];
