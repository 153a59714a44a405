//! Given these events, when this command, then those events or that refusal.

mod config;
mod given;
mod key;
mod key_config;
mod news;
mod owner;
