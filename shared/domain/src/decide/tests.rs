//! Given these events, when this command, then those events or that refusal.

mod account;
mod account_bounds;
mod admin_key;
mod caller_key;
mod config;
pub(crate) mod definition;
mod full;
pub(crate) mod given;
mod key;
mod key_config;
mod legal;
mod mapped;
mod named_keys;
mod news;
mod owner;
pub(crate) mod people;
mod precondition;
mod restore;
mod undo;
mod undo_merge;
