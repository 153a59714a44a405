//! The admin API (`/admin/v1/*`): what the owner API's contract does not have.

pub(crate) mod admin_keys;
pub(crate) mod definitions;
pub(crate) mod model_status;
pub(crate) mod owners;
