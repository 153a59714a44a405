//! The owner API (`/x-*`, `/dashboard/*`): one file per resource. A handler
//! reads its request, forms a command, submits it and answers.

pub(crate) mod conf;
pub(crate) mod config;
pub(crate) mod keys;
pub(crate) mod models;
pub(crate) mod news;
