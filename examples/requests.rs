//! A host with two keys, and a provider that limits the first key for 30 seconds.
//!
//! `cargo run --example requests`

use std::{error::Error, time::Duration};

use credential_pool::{
    Intent, NextMove, Outcome, Pool, PoolKey, Request, Response, Sources, Step, Stored, Timestamp, apply,
};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let key = PoolKey::parse("openrouter")?;
    let stored = Stored {
        rows: vec![
            json!({ "id": "a1b2c3", "label": "work", "access_token": "sk-first" }),
            json!({ "id": "d4e5f6", "label": "spare", "access_token": "sk-second" }),
        ],
        ..Stored::default()
    };
    // A real host passes its clock and 32 random bytes. With fixed ones every run prints the same.
    let now = Timestamp::from_millis(1_775_757_580_463);
    let (pool, opened) = Pool::open(key.clone(), &stored, &Sources::default(), [7; 32], now);
    let mut host = Host { key, pool, stored, now };
    host.carry_out(opened)?;

    println!("The first key is limited, so the second key serves:");
    host.serve(Request::default())?;

    println!("\nWhile the first key cools down, the pool explains its choice:");
    for credential in host.pool.explain(&Request::default(), host.now).credentials {
        println!("  {credential}");
    }

    println!("\nAfter the cooldown one request probes the first key:");
    host.now = host.now.saturating_add(Duration::from_secs(31));
    host.serve(Request::default())?;
    Ok(())
}

/// Everything that the pool leaves to its host: clock, HTTP client and store.
struct Host {
    key: PoolKey,
    pool: Pool,
    /// The store. A real host keeps it in a file or a database.
    stored: Stored,
    now: Timestamp,
}

impl Host {
    /// Sends one request, with as many credentials as it takes.
    fn serve(&mut self, request: Request) -> Result<(), Box<dyn Error>> {
        let first = self.pool.lease(request, self.now);
        let mut next = self.carry_out(first)?;
        loop {
            let step = match next {
                NextMove::Use { lease, credential } => {
                    let response = send(self.pool.runtime(&credential)?.key, self.now);
                    println!("  {credential} answers {}", response.status.unwrap_or_default());
                    self.pool.report(lease, &response, self.now)?
                }
                NextMove::Retry { lease, until, .. } | NextMove::Wait { lease, until } => {
                    self.now = until;
                    self.pool.resume(lease, self.now)?
                }
                NextMove::Served => return Ok(()),
                // Only a login is refreshed, and this pool has none.
                other => return Err(format!("the request was not served: {other:?}").into()),
            };
            next = self.carry_out(step)?;
        }
    }

    /// Prints the events of a step, carries out its intents and returns its value.
    fn carry_out<T>(&mut self, step: Step<T>) -> Result<T, Box<dyn Error>> {
        for event in &step.events {
            println!("  {event}");
        }
        for intent in step.intents {
            if let Intent::Persist { id, changes } = intent {
                apply(&mut self.stored, &changes, &self.key);
                println!("  saved {} changes", changes.len());
                let settled = self.pool.settle(id, Outcome::Saved, self.now)?;
                self.carry_out(settled)?;
            }
        }
        Ok(step.value)
    }
}

/// The HTTP client, here with a provider that limits `sk-first` until half a minute after the start.
fn send(key: &str, now: Timestamp) -> Response {
    const LIMITED_UNTIL: Timestamp = Timestamp::from_millis(1_775_757_610_463);
    let wait = LIMITED_UNTIL.since(now).as_secs();
    match key {
        "sk-first" if wait > 0 => {
            let headers = vec![("retry-after".to_owned(), wait.to_string())];
            Response { status: Some(429), headers, ..Response::default() }
        }
        _ => Response { status: Some(200), ..Response::default() },
    }
}
