//! The same days under the policies `reference` and `adaptive`, as a table for people.
//!
//! The same seed gives the same credentials, limits, outages and sessions, and the same thoughts between jobs. A
//! session goes on to its next job when the last is served, so a pool that serves more is also asked more; how long
//! jobs waited counts until they were served, however often they were turned away before (see `report`).

use serde_json::json;

use crate::{
    clock::{HOUR, SECOND},
    report::Figures,
    scenario::{START, Scenario},
};

#[test]
fn reference_against_adaptive() {
    let mut total = ["reference", "adaptive"].map(|preset| (preset, Figures::default()));
    println!("\n{}", Figures::HEAD);
    for seed in 200..212 {
        let scenario = Scenario::mixed(seed, 12, 24, 8 * HOUR, (20 * SECOND, 100 * SECOND));
        for (preset, total) in &mut total {
            let mut world = scenario.world(&json!({ "preset": preset }));
            world.run_until(START + scenario.length);
            let figures = world.close().0;
            println!("{}", figures.row(&scenario.name, preset));
            total.add(&figures);
        }
    }
    for (preset, total) in &total {
        println!("{}", total.row("all", preset));
    }
    let [(_, reference), (_, adaptive)] = total;
    assert!(adaptive.served > reference.served, "{} and {} served", adaptive.served, reference.served);
    let waited = [adaptive.waited_in_all(), reference.waited_in_all()];
    assert!(waited[0] < waited[1], "{waited:?} ms waited");
    assert_eq!(adaptive.lost, 0, "{:#?}", adaptive.complaints);
}
