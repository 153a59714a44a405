//! The log's tests against real parts: one contract for both implementations,
//! real faults on real servers, snapshots, the replica and the reports. One test
//! binary, because linking is the slow part.

mod check;
mod contract;
mod damage;
mod faults;
mod mirror;
mod replica;
mod reports;
mod support;
