//! The style guide as a test: each module is one rule over the files of the
//! workspace, and gives the faults it finds. `tests/tidy.rs` runs them all on
//! this repository; each rule's own tests run it on planted faults.

pub mod arrows;
pub mod dependencies;
pub mod docs;
pub mod golden;
pub mod layout;
pub mod length;
pub mod manifest;
pub mod nats;
pub mod purity;
pub mod source;
pub mod tree;
pub mod wire;
pub mod words;

pub use tree::{Fault, Tree};
