//! The harness: real processes on free loopback ports, a fake upstream, links
//! that can be cut, and clients that say what went wrong. It knows the product
//! only from outside: its program, its settings, its HTTP.
#![expect(
    clippy::missing_panics_doc,
    reason = "a harness fails its test by panicking, with the reason"
)]

pub mod admin;
pub mod browser;
pub mod bulk;
pub mod cli;
pub mod client;
pub mod fleet;
pub mod foldgate;
pub mod link;
pub mod mail;
pub mod nats;
pub mod paths;
pub mod poll;
pub mod process;
pub mod sse;
pub mod upstream;

pub use admin::Admin;
pub use client::{Answer, Client};
pub use fleet::Fleet;
pub use foldgate::{Foldgate, Settings};
pub use link::Link;
pub use nats::NatsServer;
pub use poll::{eventually, holds};
pub use upstream::{FakeUpstream, Reply};
