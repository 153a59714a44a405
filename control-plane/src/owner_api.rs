//! The owner API (`/x-*`, `/dashboard/*`): one file per resource. A handler
//! reads its request, forms a command, submits it and answers.

pub(crate) mod caller_keys;
pub(crate) mod conf;
pub(crate) mod config;
pub(crate) mod dashboard;
pub(crate) mod dna;
pub(crate) mod edits;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod news;
pub(crate) mod page;
pub(crate) mod self_key;
pub(crate) mod users;
