//! Who is asking. The owner key comes as a bearer token or in `x-api-key`; only
//! its SHA-256 is ever looked up. Behind this door a handler holds an
//! [`Authenticated`], which nothing else can make.

use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use foldgate_domain::{Caller, OwnerState, Table};
use foldgate_proto::{AccountNumber, Actor, OwnerId};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::error::Error;
use crate::request::{self, RequestId, query, quote};

const API_KEY: &str = "x-api-key";

/// The longest key that is looked at; longer ones are nobody's.
const MAX_KEY_BYTES: usize = 1024;

/// A caller whose owner key was verified against the table it holds.
#[derive(Debug, Clone)]
pub(crate) struct Authenticated {
    caller: Caller,
    /// The table the key was found in; a request reads from this one only.
    table: Arc<Table>,
    owner: Arc<OwnerState>,
}

/// Where the verifier leaves the caller's name and account for the access and
/// audit lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct ActorCell(pub Arc<OnceLock<(String, AccountNumber)>>);

impl Authenticated {
    /// The tenant.
    pub(crate) const fn owner_id(&self) -> OwnerId {
        self.caller.owner
    }

    /// The tenant's state, as of [`Self::table`].
    pub(crate) const fn owner(&self) -> &Arc<OwnerState> {
        &self.owner
    }

    /// The table this request reads.
    pub(crate) const fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// How records name this caller.
    pub(crate) fn actor(&self) -> Actor {
        Actor::owner(self.caller.name.as_ref())
    }

    /// The same caller, reading a newer table. Keeps the older where the owner is
    /// not in it.
    #[must_use]
    pub(crate) fn refreshed(&self, table: Arc<Table>) -> Self {
        match table.state.owner(self.caller.owner).map(Arc::clone) {
            Some(owner) => Self {
                caller: self.caller.clone(),
                table,
                owner,
            },
            None => self.clone(),
        }
    }

    /// Verifies a presented key.
    fn verify(table: Arc<Table>, key: &str) -> Result<Self, Error> {
        if table.state.owners.is_empty() {
            return Err(Error::NotReady);
        }
        if key.len() > MAX_KEY_BYTES {
            return Err(Error::UnknownKey);
        }
        let hash = foldgate_vault::digest(key);
        let caller = table.caller(&hash).ok_or(Error::UnknownKey)?.clone();
        let owner = table.state.owner(caller.owner).ok_or(Error::UnknownKey)?;
        let owner = Arc::clone(owner);
        if caller.account != owner.account {
            return Err(Error::NotOwner);
        }
        // The map compares early-out; the word that counts does not.
        if !bool::from(owner.key_hash.as_slice().ct_eq(&hash)) {
            return Err(Error::UnknownKey);
        }
        Ok(Self {
            caller,
            table,
            owner,
        })
    }
}

impl FromRequestParts<App> for Authenticated {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let verified = match presented(&parts.headers) {
            Some(key) => Self::verify(app.table(), key),
            None => Err(Error::NoKey),
        };
        match &verified {
            Ok(caller) => {
                if let Some(cell) = parts.extensions.get::<ActorCell>() {
                    // A second extractor on one request finds the same caller.
                    let _ = cell
                        .0
                        .set((caller.actor().to_string(), caller.caller.account));
                }
            }
            Err(error) => report(parts, error),
        }
        let verified = verified?;
        query::check(parts)?;
        Ok(verified)
    }
}

/// The key a request presents: a bearer token, else `x-api-key`.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    let plain = || headers.get(API_KEY)?.to_str().ok().map(str::trim);
    bearer.or_else(plain).filter(|key| !key.is_empty())
}

fn report(parts: &Parts, error: &Error) {
    metrics::counter!("foldgate_admin_login_failures_total", "code" => error.code()).increment(1);
    let address = request::address(&parts.extensions);
    let request_id = RequestId::of(&parts.extensions);
    tracing::warn!(
        target: "foldgate::audit",
        address,
        request_id,
        path = quote::path(parts.uri.path()),
        code = error.code(),
        "log-in refused"
    );
}
