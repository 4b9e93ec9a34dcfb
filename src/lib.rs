//! A pure, IO-free credential pool.
//!
//! An agent host holds several credentials for one provider. One of them gets rate-limited, runs
//! out of money, expires. A [`Pool`] decides which credential serves the next request, how long a
//! failed one rests, when a login must be refreshed, and what has to be written down so that
//! nothing is forgotten. It does nothing else: the host tells it the time, hands it 32 random bytes
//! once, carries out the [`Intent`]s it answers, and reports back.
//!
//! Start at [`Pool`]. What it answers is in [`Step`]; what has to be stored is in [`Change`], which
//! a store applies to its latest rows with [`apply`]; the file that rows live in is a [`Document`].
//!
//! The way through the source, from the centre outwards: `pool` holds every input; `step` what goes
//! out and comes back; `credential` is one row; `strategy`, `failure`, `oauth` and
//! `discovery` are what the pool goes by; `providers` has a file of data for each provider; `change`, `merge`
//! and `document` are what stores need; `protocol`, `js` and `component` are the faces.

#![forbid(unsafe_code)]

mod auth;
mod cooldown;
mod credential;
mod discovery;
mod editor;
mod error;
mod event;
mod failure;
mod http_request;
mod id;
mod jwt;
mod lease;
mod oauth;
mod policy;
mod pool;
mod pool_key;
mod providers;
mod random;
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
pub use error::{Error, ErrorCode, Problem, ProblemCode, Severity, pointer_step};
pub use event::{Cause, Choice, Event, Explained, Explanation, Happening, Verdict};
pub use failure::{Diagnosis, FailureKind, Fault, Hint, HintSource, Response, diagnose};
pub use http_request::HttpRequest;
pub use id::{CredentialId, IntentId, LeaseId};
pub use lease::{NextMove, Request};
pub use oauth::login::{Login, LoginConfig, LoginFailure, LoginFlow, LoginMove};
pub use policy::{Action, AffinityPolicy, BorrowedSecrets, MaxInFlight, Policy, Preset, Rule, Rules};
pub use pool::Pool;
pub use pool_key::PoolKey;
pub use providers::{ProviderFacts, providers};
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
    span::{Span, Splice},
    stored::Stored,
};
pub use strategy::Strategy;
pub use time::{Timestamp, UnixSeconds};

/// Runs the example of the README as a test.
#[cfg(doctest)]
#[doc = include_str!("README.md")]
pub struct Readme;
