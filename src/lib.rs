//! A pure, IO-free credential pool.
//!
//! An agent host holds several credentials for one provider: API keys, OAuth logins. A credential gets rate-limited,
//! runs out of money, expires. A [`Pool`] decides which credential serves the next request, how long a failed
//! credential cools down, when a login must be refreshed, and what has to be stored. The pool has no clock, randomness,
//! file or network: the host passes the time to every input and a 32-byte seed at [`Pool::open`], carries out the
//! [`Intent`]s of each [`Step`], and settles them with their [`Outcome`].
//!
//! ```
//! use credential_pool::{Pool, PoolKey, Selection, Sources, Stored, Timestamp};
//! use serde_json::json;
//!
//! let rows = vec![json!({ "id": "a1b2c3", "access_token": "sk-first" })];
//! let stored = Stored { rows, ..Stored::default() };
//! let now = Timestamp::from_millis(1_775_757_580_463);
//! // A real seed is random.
//! let (mut pool, _) = Pool::open(PoolKey::parse("openrouter")?, &stored, &Sources::default(), [7; 32], now);
//!
//! let Selection::Selected { credential } = pool.select(now).value else { panic!() };
//! assert_eq!(pool.runtime(&credential)?.key, "sk-first");
//! # Ok::<(), credential_pool::Error>(())
//! ```
//!
//! [`Pool`] shows a request that fails with one credential and is served by another. Stores apply each [`Change`] to
//! their latest state with [`apply`]; the file that holds rows is a [`Document`]; a [`Login`] makes new logins.
//!
//! # Map of the source
//!
//! | where | what |
//! | --- | --- |
//! | `pool`, `pool/` | the state machine: inputs; members, requests, cooldowns, refreshes, outbox |
//! | `step`, `lease`, `event`, `error` | results of inputs: steps and intents, moves of requests, explanations, errors |
//! | `policy/`, `strategy`, `cooldown` | policy as data, the order of choice, stored cooldowns |
//! | `providers/` | one file per provider: variables, URLs, authentication, flows, failure rules |
//! | `endpoints` | where a request may go |
//! | `failure/` | judgement of answers: kind of failure, hint |
//! | `oauth/` | logins and refreshes as requests and answers |
//! | `discovery` | credentials in the environment, the configuration and other programs' files |
//! | `credential/` | a row: fields, defaults, JSON form |
//! | `store/` | the stored state: changes, merge, document, check, fix, masking |
//! | `editor` | edits of a document by a person |
//! | `id`, `stamp`, `pool_key`, `time`, `secret`, `random`, `jwt`, `web_address`, `http_request`, `limits`, `sorted` | the ground, which every other part builds on |

#![forbid(unsafe_code)]

mod auth;
mod cooldown;
mod credential;
mod discovery;
mod editor;
mod endpoints;
mod error;
mod event;
mod failure;
mod http_request;
mod id;
mod jwt;
mod lease;
mod limits;
mod oauth;
mod policy;
mod pool;
mod pool_key;
mod providers;
mod random;
mod request;
mod secret;
mod sorted;
mod stamp;
mod step;
mod store;
mod strategy;
mod time;
mod web_address;

pub use auth::{Auth, AuthRemoval};
pub use cooldown::Failure;
pub use credential::{AuthType, Credential, Source, Status, row_fields::RowFields};
pub use discovery::{Sources, Wanted, pool_key_for_base_url, wanted};
pub use editor::{Edited, Editor, Health as PoolHealth, PoolSummary, PoolTable, ShownCredential};
pub use endpoints::Endpoints;
pub use error::{Error, ErrorCode, Problem, ProblemCode, Severity, pointer_step};
pub use event::{Cause, Choice, Event, Explained, Explanation, Happening, Verdict};
pub use failure::{Diagnosis, FailureKind, Fault, Headers, Hint, HintSource, Response, diagnose};
pub use http_request::HttpRequest;
pub use id::{CredentialId, IntentId, LeaseId};
pub use lease::{NextMove, Request};
pub use limits::{LIMITS, Limits};
pub use oauth::login::{Login, LoginConfig, LoginFailure, LoginFlow, LoginMove};
pub use policy::{Action, AffinityPolicy, BorrowedSecrets, MaxInFlight, Policy, Preset, Rule, Rules};
pub use pool::Pool;
pub use pool_key::PoolKey;
pub use providers::{ProviderFacts, providers};
pub use request::read_request;
pub use secret::{Fingerprint, Secret};
pub use stamp::{HostId, Stamp};
pub use step::{
    Claim, Entry, Intent, Opened, Outcome, Refreshing, Runtime, Selection, Settled, State, Step, Wake, WakeReason,
};
pub use store::{
    apply::apply,
    change::{Change, Edit, Generation},
    check::check,
    document::Document,
    fix::{Fix, fixes},
    locate::{Located, fault, locate, locate_all},
    masking::{masked, secrets},
    merge::Merge,
    refusal::Refusal,
    span::{Span, Splice},
    stored::Stored,
};
pub use strategy::Strategy;
pub use time::{Timestamp, UnixSeconds};

/// Runs the example of the README as a test.
#[cfg(doctest)]
#[doc = include_str!("README.md")]
pub struct Readme;
