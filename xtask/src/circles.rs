//! Checks that no modules import each other in a circle.

pub(crate) mod rust;
pub(crate) mod typescript;
