//! `/admin/v1`: what the admin API defines, a folder per resource.

pub(crate) mod admin_keys;
pub(crate) mod api_keys;
mod body;
pub(crate) mod definitions;
pub(crate) mod ids;
mod list;
pub(crate) mod model_status;
pub(crate) mod owners;
pub(crate) mod page;
pub(crate) mod places;
pub(crate) mod provider_keys;
mod removal;
