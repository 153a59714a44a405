//! The second phase: which model is asked for, and which Levels serve it.

use foldgate_domain::Access;
use foldgate_proto::Level;

use crate::admit::denied;
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
/// 404 when nothing serves it, 403 when the caller may not use what does.
pub(crate) fn route<'t>(access: &Access<'t>, requested: &'t str) -> Result<Routed, Problem> {
    let bound = access.resolve(requested).map_err(denied)?;
    Ok(Routed {
        model: bound.route.model.to_owned(),
        levels: bound.levels,
    })
}
