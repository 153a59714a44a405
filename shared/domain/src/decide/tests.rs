//! Given these events, when this command, then those events or that refusal.

mod config;
mod given;
mod key;
mod news;
mod owner;
