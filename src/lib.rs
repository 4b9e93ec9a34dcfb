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

#![cfg_attr(not(feature = "component"), forbid(unsafe_code))]

mod auth;
mod change;
#[cfg(feature = "component")]
mod component;
mod cooldown;
mod credential;
mod discovery;
mod document;
mod editor;
mod error;
mod event;
mod failure;
mod http_request;
#[cfg(feature = "js")]
mod js;
mod jwt;
mod lease;
mod merge;
mod oauth;
#[cfg(feature = "page-reader")]
mod page;
mod policy;
mod pool;
mod pool_key;
pub mod protocol;
mod providers;
mod random;
mod secret;
mod sorted;
mod step;
mod strategy;
mod time;
mod web_address;

pub use auth::{Auth, AuthRemoval};
pub use change::{Change, Edit, Generation, HostId, RowFields, Stamp, Stored};
pub use cooldown::Failure;
pub use credential::{AuthType, Credential, CredentialId, Source, Status};
pub use discovery::{Sources, Wanted, pool_key_for_base_url, wanted};
pub use document::{
    Document, Fix, Located, Span, Splice, check, fault, fixes, locate, locate_all, masked, secrets, to_utf16,
};
pub use editor::{Edited, Editor, Health as PoolHealth, PoolSummary, PoolTable, ShownCredential};
pub use error::{Error, ErrorCode, Problem, ProblemCode, Severity};
pub use event::{Cause, Choice, Event, Explained, Explanation, Happening, Verdict};
pub use failure::{Diagnosis, FailureKind, Fault, Hint, HintSource, Response, diagnose};
pub use http_request::HttpRequest;
pub use lease::{LeaseId, NextMove, Request};
pub use merge::{Merge, apply};
pub use oauth::login::{Login, LoginConfig, LoginFailure, LoginFlow, LoginMove};
pub use policy::{Action, AffinityPolicy, BorrowedSecrets, MaxInFlight, Policy, Preset, Rule, Rules};
pub use pool::Pool;
pub use pool_key::PoolKey;
pub use providers::{ProviderFacts, providers};
pub use secret::{Fingerprint, Secret};
pub use step::{
    Claim, Entry, Intent, IntentId, Opened, Outcome, Refreshing, Runtime, Selection, Settled, State, Step, Wake,
    WakeReason,
};
pub use strategy::Strategy;
pub use time::{Timestamp, UnixSeconds};
