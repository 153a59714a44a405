//! The proxy over real sockets: a real server, log, fold and vault, and an
//! upstream that does as it is told.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod accounts;
mod affinity;
mod at_once;
mod azure;
mod browsers;
mod client;
mod dialects;
mod endpoints;
mod failover;
mod fallback;
mod fleet;
mod forms;
mod jobs;
mod limits;
mod models;
mod passthrough;
mod purses;
mod rate_limits;
mod realtime;
mod rig;
mod routing;
mod streams;
mod targets;
mod upstream;
mod usage;
mod vertex;
