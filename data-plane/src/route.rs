//! The second phase: which model is asked for, and which Levels serve it.

use foldgate_domain::OwnerTable;
use foldgate_proto::Level;

use crate::error::Problem;

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Routed {
    /// The model as the upstreams know it.
    pub(crate) model: String,
    /// The Levels to try, in order.
    pub(crate) levels: Vec<Level>,
}

/// Finds where a request for `requested` goes.
///
/// # Errors
/// 404 when nothing serves it.
pub(crate) fn route(table: &OwnerTable, requested: &str) -> Result<Routed, Problem> {
    let route = table
        .resolve(requested)
        .map_err(|_| Problem::no_model(requested))?;
    let mut levels = table.switch_over(route.level);
    levels.insert(0, route.level);
    Ok(Routed {
        model: route.model.to_owned(),
        levels,
    })
}
