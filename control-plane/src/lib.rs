//! The control plane: turns admin requests into decisions, and decisions into
//! records of the log. Any number of them may run at once; none is a leader.
//!
//! - `routes`: every route of the admin listener; the handlers are in
//!   `owner_api` and `admin_api`, one file per resource.
//! - `openapi`: the document of all of it, made by walking the routes, and the
//!   page that shows it.
//! - [`access`]: who may call which route, in one table.
//! - [`writer`]: the submitter, the one task that appends.
//! - `reports`: folds what nodes report beside the log into [`sleeps`] and
//!   [`fleet`].
//! - `mail`: tells owners by mail what befalls their keys.
//! - [`history`]: what happened, to be looked up, and the states that were.
//! - [`usage`]: what requests used, added up; `bills` shows it.
//! - `purses`: who may spend no more, by what was spent, by credit and by limits.
//! - [`error`]: every answer that is not a success, in one place.

pub mod access;
mod admin_api;
mod app;
mod auth;
mod bills;
pub mod bootstrap;
mod clock;
pub mod control;
mod drawn;
pub mod error;
pub mod fleet;
mod fleet_api;
mod guard;
pub mod history;
mod history_api;
mod journal;
mod key_file;
mod log_api;
mod mail;
mod observe;
mod openapi;
mod owner_api;
pub mod playground;
mod purses;
mod reply;
mod reports;
mod request;
mod routes;
mod sealing;
pub mod settings;
pub mod sleeps;
mod unread;
pub mod usage;
pub mod writer;

pub use bootstrap::{Ensured, ensure_owner};
pub use control::{ControlPlane, Keeping, Setup};
pub use error::Error;
pub use key_file::KeyFile;
pub use mail::Mails;
pub use playground::{Answering, Playground, Unreached};
pub use request::Stamp;
pub use settings::Settings;
pub use writer::{Settled, Submission, Writer};
