//! Every face replays the recording without a difference.

use conformance::{
    Face, Trace,
    face::{component::Compiled, native::Native, node::Node},
    replay_all,
};

use crate::{component, reference};

#[test]
fn the_native_core_replays_the_reference() {
    replay_reference(&mut Native::default());
}

#[test]
fn the_component_replays_the_reference() {
    replay_reference(&mut component());
}

#[test]
fn the_component_imports_nothing() {
    assert_eq!(Compiled::load().unwrap().imports(), Vec::<String>::new());
}

#[test]
fn the_node_package_replays_the_reference() {
    replay_reference(&mut Node::start().unwrap());
}

fn replay_reference(face: &mut dyn Face) {
    let report = replay_all(&Trace::read_all(&reference()).unwrap(), face);
    let firsts: Vec<_> = report.firsts().take(10).map(ToString::to_string).collect();
    assert_eq!(firsts, Vec::<String>::new(), "{report}");
    assert_eq!(report.to_string(), "240 traces, 2530 steps, 0 differ");
}
