//! The log's tests against real parts: one contract for both implementations,
//! real faults on real servers, snapshots, the replica and the reports. One test
//! binary, because linking is the slow part.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod access;
mod audit;
mod board;
mod check;
mod cluster;
mod contract;
mod damage;
mod faults;
mod gate;
mod import;
mod mirror;
mod moved;
mod replica;
mod reports;
mod rollback;
mod support;
mod trouble;
mod usage;
