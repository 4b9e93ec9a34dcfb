//! Time: timestamps as hosts tell them and as documents store them, and the numbers, durations and dates that
//! providers write.

pub(crate) mod clock_time;
pub(crate) mod date;
pub(crate) mod duration;
pub(crate) mod moment;
pub(crate) mod number;
mod timestamp;

pub use timestamp::{Timestamp, UnixSeconds};
