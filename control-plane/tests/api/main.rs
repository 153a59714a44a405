//! The admin listener on a real socket over the embedded log: every endpoint,
//! every refusal, and the submitter's races.

#![expect(
    clippy::unwrap_used,
    reason = "what a test stands on and does not get is a failure of the test"
)]

mod admin_keys;
mod api_keys;
mod api_keys_refused;
mod bills;
mod bills_estimated;
mod bodies;
mod bootstrap;
mod caller_keys;
mod conf;
mod config;
mod config_forms;
mod dashboard;
mod definitions;
mod definitions_history;
mod definitions_lists;
mod definitions_refused;
mod definitions_secrets;
mod dna;
mod document;
mod door;
mod echo;
mod entries;
mod explain_keys;
mod explain_models;
mod explain_policies;
mod faults;
mod history;
mod history_access;
mod history_disk;
mod history_explain;
mod history_index;
mod history_large;
mod history_random;
mod history_states;
mod history_stream;
mod history_world;
mod idempotency;
mod key_changes;
mod key_configs;
mod key_writes;
mod keys;
mod log;
mod models_fare;
mod news;
mod node;
mod people;
mod preconditions;
mod provider_keys;
mod provider_keys_headers;
mod provider_keys_refused;
mod purses;
mod reports;
mod restore;
mod turns;
mod unread;
mod users;
mod users_refused;
mod walk;
mod walls;
mod writer;
