//! The proxy over real sockets: a real server, log, fold and vault, and an
//! upstream that does as it is told.

mod client;
mod failover;
mod limits;
mod passthrough;
mod rig;
mod streams;
mod upstream;
