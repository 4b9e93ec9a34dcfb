//! Two hosts with one document: both change it at the same time, and both end with the same rows.
//!
//! `cargo run --example shared_document`

use std::error::Error;

use credential_pool::{
    Document, Intent, NextMove, Outcome, Pool, PoolKey, Request, Response, Sources, Step, Timestamp,
};

/// The document at the start, as a file would hold it. `mine` is a field that the library does not know.
const DOCUMENT: &str = r#"{
  "version": 1,
  "credential_pool": {
    "openrouter": [
      { "id": "a1b2c3", "label": "work", "access_token": "sk-first", "mine": 1.50 },
      { "id": "d4e5f6", "label": "spare", "access_token": "sk-second" }
    ]
  }
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut text = DOCUMENT.to_owned();
    let mut first = Host::open("first host", &mut text, [1; 32])?;
    let mut second = Host::open("second host", &mut text, [2; 32])?;

    // Neither host knows of the other's failure when it judges its own: the cooldowns are concurrent.
    let intents_of_first = first.serve("30")?;
    let intents_of_second = second.serve("50")?;
    first.save(intents_of_first, &mut text)?;
    second.save(intents_of_second, &mut text)?;

    for host in [&mut first, &mut second] {
        let stored = Document::parse(&text)?.stored(&host.key);
        let synced = host.pool.sync(&stored, None, NOW);
        host.save(synced.intents, &mut text)?;
        println!("{} after sync:", host.name);
        for entry in host.pool.entries(NOW) {
            let state = serde_json::to_string(&entry.state)?;
            println!("  {} {:5} used {} times, {state}", entry.id, entry.label, entry.request_count);
        }
    }
    println!("same rows on both hosts: {}", first.pool.rows() == second.pool.rows());
    println!("unknown field unchanged: {}", text.contains(r#""mine": 1.50"#));
    Ok(())
}

/// The time. A real host passes its clock.
const NOW: Timestamp = Timestamp::from_millis(1_775_757_580_463);

struct Host {
    name: &'static str,
    key: PoolKey,
    pool: Pool,
}

impl Host {
    /// Opens the pool. A real host passes a seed of 32 random bytes.
    fn open(name: &'static str, text: &mut String, seed: [u8; 32]) -> Result<Self, Box<dyn Error>> {
        let key = PoolKey::parse("openrouter")?;
        let stored = Document::parse(text)?.stored(&key);
        let (pool, opened) = Pool::open(key.clone(), &stored, &Sources::default(), seed, NOW);
        println!("{name} opens a pool of {} credentials", pool.entries(NOW).len());
        let mut host = Self { name, key, pool };
        host.save(opened.intents, text)?;
        Ok(host)
    }

    /// Sends a request to a provider that limits the first key. Returns the intents, to carry out.
    fn serve(&mut self, retry_after: &str) -> Result<Vec<Intent>, Box<dyn Error>> {
        let Step { value: mut next, mut intents, .. } = self.pool.lease(Request::default(), NOW);
        while let NextMove::Use { lease, credential } = next {
            let response = match self.pool.runtime(&credential)?.key {
                "sk-first" => Response {
                    status: Some(429),
                    headers: vec![("retry-after".to_owned(), retry_after.to_owned())],
                    ..Response::default()
                },
                _ => Response { status: Some(200), ..Response::default() },
            };
            println!("{}: {credential} answers {}", self.name, response.status.unwrap_or_default());
            let step = self.pool.report(lease, &response, NOW)?;
            intents.extend(step.intents);
            next = step.value;
        }
        Ok(intents)
    }

    /// Applies changes to the latest text. A real host holds the file's lock from reading to writing.
    fn save(&mut self, intents: Vec<Intent>, text: &mut String) -> Result<(), Box<dyn Error>> {
        for intent in intents {
            if let Intent::Persist { id, changes } = intent {
                let mut document = Document::parse(text)?;
                for refusal in document.apply(&self.key, &changes) {
                    println!("{} cannot save: {}", self.name, refusal.error);
                }
                *text = document.to_text();
                println!("{} saves {} changes", self.name, changes.len());
                let settled = self.pool.settle(id, Outcome::Saved, NOW)?;
                self.save(settled.intents, text)?;
            }
        }
        Ok(())
    }
}
