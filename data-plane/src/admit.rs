//! The first phase: who calls, and whether they may.

use std::net::IpAddr;
use std::sync::Arc;

use foldgate_domain::{Access, Caller, Denied, OwnerTable, Table};
use foldgate_proto::{AccountNumber, CallerKeyNumber, OwnerId, Timestamp};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::error::Problem;
use crate::realtime::asked_key;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The longest key that is looked up; ours have 64 characters.
const MAX_KEY_BYTES: usize = 512;

/// A caller who is known and may call. Only [`admit`] makes one.
#[derive(Clone)]
pub(crate) struct Admitted {
    /// The owner's part of the table.
    table: Arc<OwnerTable>,
    caller: Caller,
    /// The SHA-256 of the key, to be asked for again.
    hash: [u8; 32],
    address: IpAddr,
    at: Timestamp,
}

/// What of a request decides whether it may come in.
#[derive(Clone, Copy)]
pub(crate) struct Guest<'r> {
    /// Its headers.
    pub(crate) headers: &'r HeaderMap,
    /// Its path.
    pub(crate) path: &'r str,
    /// Where it comes from.
    pub(crate) address: IpAddr,
    /// When.
    pub(crate) at: Timestamp,
}

/// Lets a request in.
///
/// # Errors
/// 401 without a key that is good now, 403 where the account, its address or the
/// path is not allowed.
pub(crate) fn admit(table: &Table, guest: &Guest<'_>) -> Result<Admitted, Problem> {
    let key = presented(guest.headers).ok_or_else(|| Problem::unauthorized(false))?;
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(Problem::unauthorized(true));
    }
    let hash = foldgate_vault::digest(key);
    let caller = *table
        .caller(&hash)
        .ok_or_else(|| Problem::unauthorized(true))?;
    let owner = table.owner(caller.owner).ok_or_else(Problem::internal)?;
    let access = owner.access(&caller, guest.at).map_err(denied)?;
    access.check_address(guest.address).map_err(denied)?;
    access.check_path(guest.path).map_err(denied)?;
    Ok(Admitted {
        table: Arc::clone(owner),
        caller,
        hash,
        address: guest.address,
        at: guest.at,
    })
}

impl Admitted {
    /// Whose keys and configuration serve the call.
    pub(crate) const fn owner(&self) -> OwnerId {
        self.caller.owner
    }

    /// The calling account.
    pub(crate) const fn account(&self) -> AccountNumber {
        self.caller.account
    }

    /// Whether it is the owner itself, to whom all keys belong.
    pub(crate) fn is_root(&self) -> bool {
        self.table.state.is_root(self.caller.account)
    }

    /// What the caller may do.
    ///
    /// # Errors
    /// None that [`admit`] has not seen.
    pub(crate) fn access(&self) -> Result<Access<'_>, Problem> {
        let access = self.table.access(&self.caller, self.at).map_err(denied)?;
        Ok(access.from(self.address))
    }

    /// The owner's part of the table that it was let in by.
    pub(crate) fn table(&self) -> &OwnerTable {
        &self.table
    }

    /// The key it presents; `None` is the owner's own.
    pub(crate) const fn key(&self) -> Option<CallerKeyNumber> {
        self.caller.key
    }

    /// Where it calls from.
    pub(crate) const fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether a model may be used, by a newer table.
    pub(crate) fn allows_model(&self, table: &Table, model: &str) -> bool {
        let access = table.caller(&self.hash).and_then(|caller| {
            let owner = table.owner(caller.owner)?;
            let access = owner.access(caller, self.at).ok()?;
            Some(access.allows_model(model))
        });
        access.unwrap_or(false)
    }

    /// Whether the key is still good in a newer table, or at a later time.
    pub(crate) fn stands(&self, table: &Table, now: Timestamp) -> bool {
        let known = table.caller(&self.hash);
        known.is_some_and(|caller| {
            let owner = table.owner(caller.owner);
            owner.is_some_and(|owner| owner.access(caller, now).is_ok())
        })
    }
}

/// What a caller is told of a denial.
pub(crate) fn denied(denied: Denied) -> Problem {
    match denied {
        Denied::Expired => Problem::expired(),
        Denied::Disabled => Problem::disabled(),
        Denied::Gone => Problem::unauthorized(true),
        Denied::Suspended => Problem::forbidden("account_suspended", "this account is suspended"),
        Denied::Address => {
            Problem::forbidden("ip_not_allowed", "this key may not be used from here")
        }
        Denied::Path => Problem::not_allowed(),
        Denied::Model(model) => {
            let message = format!("the model `{model}` is not among the allowed models");
            Problem::forbidden("model_not_allowed", message).about("model")
        }
        Denied::Level(model) => {
            let message = format!("the model `{model}` is served by a Level that is not allowed");
            Problem::forbidden("level_not_allowed", message).about("model")
        }
        Denied::ModelAddress(model) => {
            let message = format!("the model `{model}` may not be used from here");
            Problem::forbidden("ip_not_allowed", message).about("model")
        }
        Denied::NoRoute(model) => Problem::no_model(&model),
    }
}

/// Whether a request presents a key at all.
pub(crate) fn presents_key(headers: &HeaderMap) -> bool {
    presented(headers).is_some()
}

/// The key a request presents: the bearer token, else `x-api-key`, else among the
/// protocols of a WebSocket.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).map(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    match bearer {
        Some(Some(token)) => Some(token),
        Some(None) | None => match headers.get(X_API_KEY) {
            Some(key) => key.to_str().ok().map(str::trim),
            None => asked_key(headers),
        },
    }
}

#[cfg(test)]
mod tests;
