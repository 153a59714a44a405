//! Who is asking. A key comes as a bearer token or in `x-api-key`; only its
//! SHA-256 is ever looked up. Behind this door a handler holds an
//! [`Authenticated`], which nothing else can make, and which may call the route
//! it came to (see [`access`]).

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, MatchedPath};
use foldgate_domain::{Access, Admin, Caller, Denied, OwnerState, Table};
use foldgate_proto::{
    AccountNumber, Actor, ActorKind, AdminRole, CallerKeyNumber, KeyTerms, OwnerId, Timestamp,
};
use foldgate_runtime::Peer;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::access::{self, Who};
use crate::app::App;
use crate::error::Error;
use crate::request::{self, RequestId, min_revision, query, quote};
use crate::{clock, routes};
use foldgate_domain::balance::{hour, payer};

const API_KEY: &str = "x-api-key";

/// The longest key that is looked at; longer ones are nobody's.
const MAX_KEY_BYTES: usize = 1024;

/// A caller whose key was verified against the table it holds.
#[derive(Debug, Clone)]
pub(crate) struct Authenticated {
    principal: Principal,
    /// The table the key was found in; a request reads from this one only.
    table: Arc<Table>,
    owner: Arc<OwnerState>,
}

/// Whose key it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Principal {
    /// The owner's, or one of an account below it.
    Caller(Caller),
    /// An admin key.
    Admin(Admin),
}

/// Where the verifier leaves the caller's name and account for the access and
/// audit lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct ActorCell(pub Arc<OnceLock<(String, AccountNumber)>>);

/// Where the verifier leaves whose key came, even one that is refused.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnerCell(pub Arc<OnceLock<OwnerId>>);

impl Authenticated {
    /// The tenant.
    pub(crate) fn owner_id(&self) -> OwnerId {
        self.owner.id
    }

    /// The tenant's state, as of [`Self::table`].
    pub(crate) const fn owner(&self) -> &Arc<OwnerState> {
        &self.owner
    }

    /// The table this request reads.
    pub(crate) const fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The account that asks, or for which an admin key asks: the owner's own.
    pub(crate) fn account(&self) -> AccountNumber {
        match self.principal {
            Principal::Caller(caller) => caller.account,
            Principal::Admin(_) => self.owner.account,
        }
    }

    /// The caller key that was presented, if it was one.
    pub(crate) const fn caller_key(&self) -> Option<CallerKeyNumber> {
        match self.principal {
            Principal::Caller(caller) => caller.key,
            Principal::Admin(_) => None,
        }
    }

    /// Whose key it was.
    pub(crate) const fn principal(&self) -> Principal {
        self.principal
    }

    /// As what routes see this caller.
    pub(crate) fn who(&self) -> Who {
        match self.principal {
            // A key that was issued for the root account may call, not administer.
            Principal::Caller(caller)
                if caller.account == self.owner.account && caller.key.is_none() =>
            {
                Who::Owner
            }
            Principal::Caller(_) => Who::Account,
            Principal::Admin(admin) if admin.role == AdminRole::Owner => Who::Owner,
            Principal::Admin(admin) => Who::Admin(admin.role),
        }
    }

    /// What this caller may do now; an admin key what the owner may.
    ///
    /// # Errors
    /// It may do nothing any more.
    pub(crate) fn access(&self) -> Result<Access<'_>, Error> {
        let caller = match self.principal {
            Principal::Caller(caller) => caller,
            Principal::Admin(admin) => Caller {
                owner: admin.owner,
                account: self.owner.account,
                key: None,
                expires_at: None,
            },
        };
        let owner = self.table.owner(caller.owner).ok_or(Error::UnknownKey)?;
        owner.access(&caller, clock::now()).map_err(denied)
    }

    /// Whether the caller key is good for less than its account, or for the root
    /// account: then it may not make accounts or keys, which could do more.
    fn is_bounded(&self) -> bool {
        let Some(number) = self.caller_key() else {
            return false;
        };
        let key = self.owner.caller_keys.get(&number);
        key.is_none_or(|key| key.account == self.owner.account || *key.terms != KeyTerms::default())
    }

    /// How records name this caller.
    pub(crate) fn actor(&self) -> Actor {
        let (kind, name) = match self.principal {
            Principal::Caller(caller) => match self.owner.accounts.get(&caller.account) {
                Some(account) => (ActorKind::Account, account.profile.name.clone()),
                None => (ActorKind::Owner, self.owner.name.clone()),
            },
            Principal::Admin(admin) => {
                let key = self.owner.admin_keys.get(&admin.key);
                let name = key.map_or_else(|| admin.key.to_string(), |key| key.name.clone());
                let kind = match admin.role {
                    AdminRole::Owner => ActorKind::Owner,
                    AdminRole::Operator => ActorKind::Operator,
                    AdminRole::Auditor => ActorKind::Auditor,
                };
                (kind, name)
            }
        };
        Actor { kind, name }
    }

    /// The same caller, reading a newer table. Keeps the older where the owner is
    /// not in it.
    #[must_use]
    pub(crate) fn refreshed(&self, table: Arc<Table>) -> Self {
        match table.state.owner(self.owner.id).map(Arc::clone) {
            Some(owner) => Self {
                principal: self.principal,
                table,
                owner,
            },
            None => self.clone(),
        }
    }

    /// Whether the key that was presented still is one, for answers that go on for
    /// long. Tells the same of every kind of caller that may have such an answer.
    pub(crate) fn still_stands(&self, table: &Table) -> bool {
        let Some(owner) = table.state.owner(self.owner.id) else {
            return false;
        };
        let presented = match self.principal {
            Principal::Caller(Caller { key: None, .. }) => owner.key_hash == self.owner.key_hash,
            Principal::Caller(Caller { key: Some(key), .. }) => {
                let hash = |owner: &OwnerState| owner.caller_keys.get(&key).map(|key| key.hash);
                hash(owner) == hash(&self.owner)
            }
            Principal::Admin(admin) => owner.admin_keys.contains_key(&admin.key),
        };
        presented && check_standing(table, self.principal, clock::now(), None).is_ok()
    }

    /// Verifies a presented key, and leaves in `whose` whose it is.
    fn verify(
        table: Arc<Table>,
        key: &str,
        address: Option<IpAddr>,
        whose: Option<&OwnerCell>,
    ) -> Result<Self, Error> {
        if table.state.owners.is_empty() {
            return Err(Error::NotReady);
        }
        if key.len() > MAX_KEY_BYTES {
            return Err(Error::UnknownKey);
        }
        let hash = foldgate_vault::digest(key);
        let principal = match (table.caller(&hash), table.admin(&hash)) {
            (Some(caller), _) => Principal::Caller(*caller),
            (None, Some(admin)) => Principal::Admin(*admin),
            (None, None) => return Err(Error::UnknownKey),
        };
        let owner = match principal {
            Principal::Caller(caller) => caller.owner,
            Principal::Admin(admin) => admin.owner,
        };
        if let Some(whose) = whose {
            // A second extractor on one request finds the same owner.
            let _ = whose.0.set(owner);
        }
        check_standing(&table, principal, clock::now(), address)?;
        let owner = table.state.owner(owner).ok_or(Error::UnknownKey)?;
        let owner = Arc::clone(owner);
        Ok(Self {
            principal,
            table,
            owner,
        })
    }
}

fn check_standing(
    table: &Table,
    principal: Principal,
    now: Timestamp,
    address: Option<IpAddr>,
) -> Result<(), Error> {
    match principal {
        Principal::Admin(admin) => match admin.expires_at {
            Some(at) if at <= now => Err(Error::Expired),
            _ => Ok(()),
        },
        Principal::Caller(caller) => {
            let owner = table.owner(caller.owner).ok_or(Error::UnknownKey)?;
            let standing = owner.access(&caller, now).and_then(|access| {
                let address = address.map(|address| access.check_address(address));
                address.unwrap_or(Ok(()))
            });
            standing.map_err(denied)
        }
    }
}

fn denied(denied: Denied) -> Error {
    match denied {
        Denied::Expired => Error::Expired,
        Denied::Disabled => Error::Disabled,
        Denied::Gone => Error::UnknownKey,
        other => Error::Denied(other),
    }
}

impl FromRequestParts<App> for Authenticated {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let verified = match presented(&parts.headers) {
            Some(key) => {
                // Says nothing of who asks, so it is no log-in that is refused.
                min_revision::awaited(app, &parts.headers).await?;
                let address = parts.extensions.get::<Peer>().map(|peer| peer.address.ip());
                Self::verify(app.table(), key, address, parts.extensions.get())
            }
            None => Err(Error::NoKey),
        };
        if let Ok(caller) = &verified
            && let Some(cell) = parts.extensions.get::<ActorCell>()
        {
            // A second extractor on one request finds the same caller.
            let _ = cell.0.set((caller.actor().to_string(), caller.account()));
        }
        let allowed = verified.and_then(|caller| {
            check_route(parts, &caller)?;
            check_balance(parts, (app, &caller))?;
            Ok(caller)
        });
        if let Err(error) = &allowed {
            report(parts, error);
        }
        let caller = allowed?;
        query::check(parts)?;
        Ok(caller)
    }
}

fn check_route(parts: &Parts, caller: &Authenticated) -> Result<(), Error> {
    let matched = parts.extensions.get::<MatchedPath>();
    let route = matched.map_or("", routes::name);
    let who = caller.who();
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    match who {
        _ if access::allows(&parts.method, route, who) => {
            // It may take its own successor, but not issue what it is not itself.
            if caller.is_bounded() && !reads && route != access::ROTATE_SELF {
                return Err(Error::BoundedKey);
            }
            Ok(())
        }
        Who::Admin(role) => Err(Error::Role(role)),
        Who::Owner | Who::Account => Err(Error::NotOwner),
    }
}

/// Whether an account has enough left to make and change others.
fn check_balance(parts: &Parts, (app, caller): (&App, &Authenticated)) -> Result<(), Error> {
    let route = parts
        .extensions
        .get::<MatchedPath>()
        .map_or("", routes::name);
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    if caller.who() != Who::Account || reads || route == access::ROTATE_SELF {
        return Ok(());
    }
    let (owner, now) = (caller.owner(), clock::now());
    let payer = payer(owner.lineage(caller.account()), hour(now));
    let least = app.settings.user_api();
    match payer.map(|payer| app.left(owner.id, payer).total) {
        Some(left) if left < least => Err(Error::LowBalance(least)),
        _ => Ok(()),
    }
}

/// Whose key a request presents, for limits that do not ask what it is about; nobody's,
/// if it opens nothing.
pub(crate) fn known(
    table: Arc<Table>,
    headers: &HeaderMap,
) -> Option<(Who, (OwnerId, AccountNumber))> {
    let caller = Authenticated::verify(table, presented(headers)?, None, None).ok()?;
    Some((caller.who(), (caller.owner_id(), caller.account())))
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
