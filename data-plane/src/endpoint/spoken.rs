//! What callers speak, by what they ask for.

use http::{HeaderMap, Uri};

use super::MODELS;
use crate::dialect::Caller;
use crate::transport::headers::ANTHROPIC_VERSION;

/// What a caller speaks. The list of models has one path for all of them: whoever says
/// which version of Anthropic's API it knows speaks that.
pub(crate) fn caller(uri: &Uri, headers: &HeaderMap) -> Caller {
    let path = uri.path();
    let is_models = MODELS.iter().any(|list| is_below(path, list));
    if is_models && headers.contains_key(ANTHROPIC_VERSION) {
        return Caller::Anthropic;
    }
    by_path(path)
}

/// What the callers of a path speak, served or not.
pub(super) fn by_path(path: &str) -> Caller {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    if is_below(path, "/messages") {
        Caller::Anthropic
    } else {
        Caller::OpenAi
    }
}

fn is_below(path: &str, name: &str) -> bool {
    let rest = path.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
