//! The presets `reference` and `adaptive` on the same seeded traffic, printed as a table.
//!
//! A seed fixes credentials, limits, outages, sessions and think times. A session starts its next job when the last
//! job is served, so a pool that serves more jobs also gets more. The wait of a job counts until the job is served,
//! however many `exhausted` answers it got before (see `report`).

use serde_json::json;

use crate::{
    clock::{HOUR, SECOND},
    report::Figures,
    scenario::{START, Scenario},
};

#[test]
fn adaptive_serves_more_jobs_than_reference_with_less_wait_and_no_lost_request() {
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
    let wait = [adaptive.total_wait(), reference.total_wait()];
    assert!(wait[0] < wait[1], "{wait:?} ms of wait");
    assert_eq!(adaptive.lost, 0, "{:#?}", adaptive.violations);
}
