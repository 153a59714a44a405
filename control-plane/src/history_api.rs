//! The history API: what happened, the states that were, bringing them back, and
//! why a request goes where it goes.

pub(crate) mod access_log;
mod cursor;
pub(crate) mod explain;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod one;
pub(crate) mod params;
mod place;
mod resource;
pub(crate) mod restore;
pub(crate) mod state;
pub(crate) mod stream;
pub(crate) mod undo;
mod view;
