//! The first phase: who calls, and whether they may.

use std::sync::Arc;

use foldgate_domain::{OwnerTable, Table};
use foldgate_proto::{AccountNumber, OwnerId};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::error::Problem;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The longest key that is looked up; ours have 64 characters.
const MAX_KEY_BYTES: usize = 512;

/// A caller who is known and may call. Only [`admit`] makes one.
pub(crate) struct Admitted {
    /// Whose keys and configuration serve the call.
    pub(crate) owner: OwnerId,
    /// The calling account.
    pub(crate) account: AccountNumber,
    /// The owner's part of the table.
    pub(crate) table: Arc<OwnerTable>,
}

/// Lets a request in.
///
/// # Errors
/// 401 without a key that somebody has, 403 where the path is not allowed.
pub(crate) fn admit(table: &Table, headers: &HeaderMap, path: &str) -> Result<Admitted, Problem> {
    let key = presented(headers).ok_or_else(|| Problem::unauthorized(false))?;
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(Problem::unauthorized(true));
    }
    let caller = table
        .caller(&foldgate_vault::digest(key))
        .ok_or_else(|| Problem::unauthorized(true))?;
    let owner = table.owner(caller.owner).ok_or_else(Problem::internal)?;
    if !owner.allows(path) {
        return Err(Problem::not_allowed());
    }
    Ok(Admitted {
        owner: caller.owner,
        account: caller.account,
        table: Arc::clone(owner),
    })
}

/// Whether a request presents a key at all.
pub(crate) fn presents_key(headers: &HeaderMap) -> bool {
    presented(headers).is_some()
}

/// The key a request presents: the bearer token, else `x-api-key`.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).map(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    match bearer {
        Some(Some(token)) => Some(token),
        Some(None) | None => headers.get(X_API_KEY)?.to_str().ok().map(str::trim),
    }
}

#[cfg(test)]
mod tests;
