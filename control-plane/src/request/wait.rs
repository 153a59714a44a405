//! `?wait=fleet` and `Prefer: wait=fleet`: answer only once every live data node
//! has the write.

use http::HeaderMap;

use crate::error::Error;

/// The parameter's name.
pub(crate) const WAIT: &str = "wait";

const FLEET: &str = "fleet";

/// Whether the client wants to wait.
///
/// # Errors
/// A parameter of another value; other preferences are passed over (RFC 7240).
pub(crate) fn wanted(query: &str, headers: &HeaderMap) -> Result<bool, Error> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    if let Some((_, value)) = parameters.find(|(name, _)| name == WAIT) {
        return match value.as_ref() {
            FLEET => Ok(true),
            _ => Err(Error::field(WAIT, "must be fleet")),
        };
    }
    let preferences = headers.get_all("prefer").iter();
    let mut all = preferences
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']));
    Ok(all.any(|preference| {
        let sides = preference.split_once('=');
        sides.is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case(WAIT) && value.trim().trim_matches('"') == FLEET
        })
    }))
}
