//! `rotate` with a kind or an answer: the credential fares as the policy says.

use credential_pool::{Failure, FailureKind, Selection};
use serde_json::json;

use crate::host::{Host, key};

#[test]
fn a_kind_has_the_effect_of_the_policy() {
    use FailureKind::*;
    const S: i64 = 1_000;
    let table = [
        (Transient, None),
        (RateLimited, Some(S)),
        (Quota, Some(3_600 * S)),
        (Unauthorized, Some(300 * S)),
        (Forbidden, Some(300 * S)),
        (ModelGone, None),
        (RequestFault, None),
        (Unknown, None),
    ];
    for (kind, cools_down_for) in table {
        let mut host = Host::open("custom:box", json!([key("a", 0), key("b", 1)]));
        let step = host.pool.rotate(&"a".into(), Failure::of_kind(kind), host.now).unwrap();
        let selection = host.carry_out(step);
        let expected = if cools_down_for.is_some() { "b" } else { "a" };
        assert_eq!(selection, Selection::Selected { credential: expected.into() }, "{kind:?}");
        if let Some(millis) = cools_down_for {
            let serves_a = |host: &mut Host| host.select() == Selection::Selected { credential: "a".into() };
            assert!(!serves_a(host.later(millis - 1)), "{kind:?}");
            assert!(serves_a(host.later(1)), "{kind:?}");
        }
    }
    let mut host = Host::open("custom:box", json!([key("a", 0), key("b", 1)]));
    let step = host.pool.rotate(&"a".into(), Failure::of_kind(Revoked), host.now).unwrap();
    let _ = host.carry_out(step);
    assert_eq!(host.later(1_000_000_000).select(), Selection::Selected { credential: "b".into() });
}

#[test]
fn an_answer_is_judged_and_unknown_fields_are_refused() {
    let mut host = Host::open("custom:box", json!([key("a", 0), key("b", 1)]));
    let failure: Failure =
        serde_json::from_value(json!({ "status": 429, "headers": { "Retry-After": "20" } })).unwrap();
    let step = host.pool.rotate(&"a".into(), failure, host.now).unwrap();
    let _ = host.carry_out(step);
    assert_eq!(host.later(19_999).select(), Selection::Selected { credential: "b".into() });
    assert_eq!(host.later(1).select(), Selection::Selected { credential: "a".into() });
    assert!(serde_json::from_value::<Failure>(json!({ "stauts": 429 })).is_err());
    assert!(serde_json::from_value::<Failure>(json!({ "kind": "sour" })).is_err());
}
