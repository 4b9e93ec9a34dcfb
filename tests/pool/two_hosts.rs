//! Two hosts with the same login: the claim of its refresh token, and edits that cross a refresh.

use credential_pool::{
    Claim, ErrorCode, Failure, Happening, Intent, IntentId, Outcome, Pool, PoolKey, Selection, Settled, Sources, Step,
    Stored, Strategy, Timestamp, apply,
};
use serde_json::json;

use crate::host::{HOUR, START, after, login, tokens};

#[test]
fn one_of_two_hosts_refreshes_and_the_other_takes_the_new_tokens() {
    let (key, mut store, [(mut first_host, first_intent), (mut second_host, second_intent)]) =
        two_hosts_with_a_due_login();
    assert!(matches!(claim(&mut first_host, first_intent, &mut store, &key, START), Claim::Send { .. }));
    write(&mut store, &key, first_host.settle(first_intent, new_tokens(), START).unwrap());
    // The second host proceeds when the first has released the lock.
    let step = second_host.sync(&store, None, START);
    write(&mut store, &key, step);
    assert_eq!(claim(&mut second_host, second_intent, &mut store, &key, START), Claim::Gone);
    assert_eq!(second_host.outstanding(), []);
    assert!(matches!(second_host.select(START).value, Selection::Selected { .. }));
    assert_eq!(second_host.runtime(&"a".into()).unwrap().key, "at-2");
    assert_eq!(second_host.claim(second_intent, START).unwrap_err().code, ErrorCode::AlreadySettled);
}

#[test]
fn a_refresh_token_that_a_crashed_host_may_have_spent_is_not_sent_again() {
    let (key, mut store, [(mut crashed, first_intent), (mut second_host, second_intent)]) =
        two_hosts_with_a_due_login();
    claim(&mut crashed, first_intent, &mut store, &key, START);
    drop(crashed);
    let step = second_host.sync(&store, None, START);
    write(&mut store, &key, step);
    assert_eq!(
        claim(&mut second_host, second_intent, &mut store, &key, START),
        Claim::Gone,
        "the claiming host may still be running"
    );
    let Selection::Exhausted { retry_at: Some(later) } = second_host.select(START).value else { panic!() };
    assert!(later.since(START).as_secs() <= 60);

    let Selection::Refreshing { intent, .. } = second_host.select(later).value else { panic!() };
    let step = second_host.claim(intent, later).unwrap();
    assert_eq!((&step.value, &step.events[0].what), (&Claim::Gone, &Happening::RefreshInterrupted));
    assert_eq!(second_host.select(later).value, Selection::Exhausted { retry_at: None }, "only a new login helps");

    // The same holds for every host that opens later, until a person resets the credential.
    let (mut next, _) = Pool::open(key.clone(), &store, &Sources::default(), [3; 32], later);
    let Selection::Refreshing { intent, .. } = next.select(later).value else { panic!() };
    assert_eq!(next.claim(intent, later).unwrap().value, Claim::Gone);
    write(&mut store, &key, next.reset(None, later).unwrap());
    let Selection::Refreshing { intent, .. } = next.select(later).value else { panic!() };
    assert!(matches!(claim(&mut next, intent, &mut store, &key, later), Claim::Send { .. }));
    write(&mut store, &key, next.settle(intent, new_tokens(), later).unwrap());
    assert_eq!(store.rows[0]["refresh_token"], "rt-2");
}

#[test]
fn a_host_that_reached_no_address_leaves_the_token_to_other_hosts() {
    let (key, mut store, [(mut first_host, first_intent), (mut second_host, second_intent)]) =
        two_hosts_with_a_due_login();
    claim(&mut first_host, first_intent, &mut store, &key, START);
    let first = first_host.settle(first_intent, Outcome::Unreachable, START).unwrap();
    let Settled::Continues { intent, .. } = write(&mut store, &key, first) else { panic!("there is a second address") };
    write(&mut store, &key, first_host.settle(intent, Outcome::Unreachable, START).unwrap());
    let step = second_host.sync(&store, None, START);
    write(&mut store, &key, step);
    assert!(matches!(claim(&mut second_host, second_intent, &mut store, &key, START), Claim::Send { .. }));
}

#[test]
fn a_refresh_token_with_an_unreadable_answer_is_sent_by_no_other_host() {
    let (key, mut store, [(mut first_host, first_intent), (mut second_host, second_intent)]) =
        two_hosts_with_a_due_login();
    claim(&mut first_host, first_intent, &mut store, &key, START);
    let broken = Outcome::Response { status: 200, headers: Vec::new(), body: String::new() };
    let step = first_host.settle(first_intent, broken, START).unwrap();
    assert!(matches!(write(&mut store, &key, step), Settled::Lost { .. }));
    let step = second_host.sync(&store, None, START);
    write(&mut store, &key, step);
    assert_eq!(claim(&mut second_host, second_intent, &mut store, &key, START), Claim::Gone);
}

#[test]
fn a_host_without_the_claim_does_not_release_the_claim_of_another_host() {
    let (key, mut store, [(mut first_host, first_intent), (mut second_host, second_intent)]) =
        two_hosts_with_a_due_login();
    claim(&mut first_host, first_intent, &mut store, &key, START);
    let step = second_host.sync(&store, None, START);
    write(&mut store, &key, step);
    let first = second_host.settle(second_intent, Outcome::Unreachable, START).unwrap();
    let Settled::Continues { intent, .. } = write(&mut store, &key, first) else { panic!("there is a second address") };
    write(&mut store, &key, second_host.settle(intent, Outcome::Unreachable, START).unwrap());
    drop(first_host);

    let (mut next, _) = Pool::open(key.clone(), &store, &Sources::default(), [3; 32], START);
    let Selection::Refreshing { intent, .. } = next.select(START).value else { panic!() };
    assert_eq!(next.claim(intent, START).unwrap().value, Claim::Gone, "the claiming host may have spent the token");
}

#[test]
fn a_refresh_token_that_was_not_rotated_can_be_used_by_other_hosts() {
    let (key, mut store, [(mut first_host, first_intent), (mut second_host, _)]) = two_hosts_with_a_due_login();
    claim(&mut first_host, first_intent, &mut store, &key, START);
    let kept = tokens(json!({ "access_token": "at-2", "expires_at_ms": after(HOUR).as_millis() }));
    write(&mut store, &key, first_host.settle(first_intent, kept, START).unwrap());
    let later = after(HOUR);
    let step = second_host.sync(&store, None, later);
    write(&mut store, &key, step);
    let Selection::Refreshing { intent, .. } = second_host.select(later).value else { panic!() };
    assert!(matches!(claim(&mut second_host, intent, &mut store, &key, later), Claim::Send { .. }));
}

#[test]
fn an_edit_of_a_login_does_not_restore_its_old_tokens() {
    let (key, mut store, [(mut first_host, first_intent), (mut second_host, _)]) = two_hosts_with_a_due_login();
    claim(&mut first_host, first_intent, &mut store, &key, START);
    write(&mut store, &key, first_host.settle(first_intent, new_tokens(), START).unwrap());
    let fields = json!({ "inference_base_url": "https://a.test", "label": "mine" });
    write(&mut store, &key, second_host.update(&"a".into(), fields.as_object().unwrap(), after(1)).unwrap());
    let stored = ["refresh_token", "inference_base_url", "label"].map(|name| store.rows[0][name].as_str().unwrap());
    assert_eq!(stored, ["rt-2", "https://a.test", "mine"]);
}

#[test]
fn a_sync_with_a_state_read_before_an_own_write_reverts_nothing() {
    let (key, mut store, [(mut first_host, first_intent), _]) = two_hosts_with_a_due_login();
    let early = store.clone();
    let step = first_host.settle(first_intent, new_tokens(), START).unwrap();
    let intent = step.intents[0].id();
    write(&mut store, &key, step);
    write(&mut store, &key, first_host.settle(intent, Outcome::Saved, START).unwrap());
    let step = first_host.sync(&early, None, START);
    write(&mut store, &key, step);
    assert_eq!(first_host.runtime(&"a".into()).unwrap().key, "at-2");
}

#[test]
fn a_reset_by_a_host_whose_clock_is_ahead_does_not_hide_later_cooldowns() {
    let (key, mut store, [(mut ahead, _), (mut second_host, _)]) = two_hosts_with_a_due_login();
    let is_exhausted = |store: &Stored| store.rows[0]["last_status"] == "exhausted";
    write(&mut store, &key, ahead.rotate(&"a".into(), Failure::status(429), after(HOUR)).unwrap());
    write(&mut store, &key, ahead.reset(None, after(HOUR)).unwrap());
    assert!(!is_exhausted(&store));
    let step = second_host.sync(&store, None, START);
    write(&mut store, &key, step);
    write(&mut store, &key, second_host.rotate(&"a".into(), Failure::status(429), START).unwrap());
    assert!(is_exhausted(&store));
}

#[test]
fn a_persist_intent_cannot_be_claimed() {
    let (_, _, [(mut first_host, _), _]) = two_hosts_with_a_due_login();
    let step = first_host.set_strategy(Strategy::LeastUsed, START);
    assert_eq!(first_host.claim(step.intents[0].id(), START).unwrap_err().code, ErrorCode::WrongOutcome);
    assert_eq!(first_host.claim(IntentId::new(99), START).unwrap_err().code, ErrorCode::UnknownIntent);
}

#[test]
fn a_claim_that_an_earlier_version_gave_up_leaves_the_other_merge_metadata_readable() {
    let by = json!({ "at": 1_775_757_580_463_000_u64, "host": "5e1f" });
    let merge =
        json!({ "hosts": { "5e1f": by["at"] }, "rows": { "a": { "claim": { "by": by } }, "b": { "removed": by } } });
    let stored: Stored = serde_json::from_value(json!({ "rows": [login("a", 0, START)], "merge": merge })).unwrap();
    let kept = serde_json::to_value(&stored).unwrap();
    assert_eq!(kept["merge"]["rows"], json!({ "a": {}, "b": { "removed": by } }));
}

/// Opens two hosts with the same due login, each with a refresh intent for it.
fn two_hosts_with_a_due_login() -> (PoolKey, Stored, [(Pool, IntentId); 2]) {
    let key = PoolKey::parse("anthropic").unwrap();
    let store = Stored { rows: vec![login("a", 0, START)], ..Stored::default() };
    let hosts = [1, 2].map(|seed| {
        let (mut pool, _) = Pool::open(key.clone(), &store, &Sources::default(), [seed; 32], START);
        let Selection::Refreshing { intent, .. } = pool.select(START).value else { panic!() };
        (pool, intent)
    });
    (key, store, hosts)
}

/// Claims as a host does: it writes the claim, reads the store back, and claims again.
fn claim(pool: &mut Pool, intent: IntentId, store: &mut Stored, key: &PoolKey, now: Timestamp) -> Claim {
    match write(store, key, pool.claim(intent, now).unwrap()) {
        Claim::Confirm => {
            let step = pool.sync(store, None, now);
            write(store, key, step);
            write(store, key, pool.claim(intent, now).unwrap())
        }
        other => other,
    }
}

fn write<T>(store: &mut Stored, key: &PoolKey, step: Step<T>) -> T {
    for intent in &step.intents {
        if let Intent::Persist { changes, .. } = intent {
            apply(store, changes, key);
        }
    }
    step.value
}

fn new_tokens() -> Outcome {
    tokens(json!({ "access_token": "at-2", "refresh_token": "rt-2", "expires_at_ms": after(HOUR).as_millis() }))
}
