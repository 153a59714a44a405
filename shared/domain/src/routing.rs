//! Which of a routing model's targets comes first, and which next: arithmetic
//! alone. What it needs to know of a node (what is under way, how long answers
//! took, whose turn it was) is handed in.
//!
//! | step | what is left |
//! |---|---|
//! | tags ([`eligible`]) | the targets that a request with these tags may go to |
//! | tiers ([`order`]) | greater priority first; weight 0 behind all others |
//! | strategy ([`By`]) | the order within one tier |
//!
//! Everything here is total: no list, weight or number makes it panic.

mod average;
mod hash;
mod order;
mod tags;
#[cfg(test)]
mod tests;
mod wheel;

pub use average::{Average, STALE_AFTER};
pub use hash::{HashKey, ranked};
pub use order::{By, Candidate, order};
pub use tags::{DEFAULT_TAG, MAX_TAGS, eligible, read_tags};
pub use wheel::Wheel;
