//! What a caller may do: its own key, its account, and every account above must
//! agree. Nothing here searches more than the few accounts of one way up.

use std::borrow::Cow;
use std::net::IpAddr;

use foldgate_proto::{AccountNumber, KeyId, Level, Timestamp};

use super::models::Named;
use super::people::{Caller, CompiledAccount, KeyBounds};
use super::{OwnerTable, Route};
use crate::state::MAX_DEPTH;

mod legs;

/// Why a caller may not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The key was valid once.
    #[error("this key has expired")]
    Expired,
    /// The key is out of use until it is put back.
    #[error("this key is disabled")]
    Disabled,
    /// The key or its account is gone.
    #[error("this key is no longer known")]
    Gone,
    /// The account, or one above it, is switched off.
    #[error("this account is suspended")]
    Suspended,
    /// The address is not on the list.
    #[error("this address may not use the key")]
    Address,
    /// The path is not on the list.
    #[error("this path may not be called")]
    Path,
    /// The model is not on the list.
    #[error("the model {0:?} may not be used")]
    Model(String),
    /// The Level that serves the model is not on the list.
    #[error("the Level that serves the model {0:?} may not be used")]
    Level(String),
    /// The Model that serves it may not be called from the address.
    #[error("the model {0:?} may not be used from this address")]
    ModelAddress(String),
    /// No Level serves the model.
    #[error("no Level serves the model {0:?}")]
    NoRoute(String),
}

/// A caller in good standing, with what bounds it.
#[derive(Debug, Clone)]
pub struct Access<'t> {
    pub(super) table: &'t OwnerTable,
    pub(super) caller: Caller,
    /// How the key itself bounds its calls, if it does.
    pub(super) key: Option<&'t KeyBounds>,
    /// How the account itself bounds its calls, if it does.
    own: Option<&'t CompiledAccount>,
    /// The account's bounds and those of all above it, as far as there are any.
    pub(super) bounds: Vec<&'t CompiledAccount>,
    /// From where it calls, if that is known.
    address: Option<IpAddr>,
}

/// Where a request goes, for one caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound<'t> {
    /// The owner's part of the way.
    pub route: Route<'t>,
    /// The ways on: one, or one for each target of a Model that routes, as listed. The
    /// caller may use each; there is at least one.
    pub legs: Vec<Leg<'t>>,
}

/// A model at upstreams, and the keys to call it with.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg<'t> {
    /// What the upstream is asked for.
    pub model: Cow<'t, str>,
    /// The Levels to try, in order.
    pub levels: Vec<Level>,
    /// The one key of them to use.
    pub only: Option<KeyId>,
    /// The Model whose leg it is.
    pub named: Option<&'t Named>,
    /// Its place among the targets of a Model that routes.
    pub place: usize,
}

impl OwnerTable {
    /// A caller's standing at a time, from an address.
    ///
    /// # Errors
    /// Why it has none.
    pub fn access(&self, caller: &Caller, now: Timestamp) -> Result<Access<'_>, Denied> {
        if caller.expires_at.is_some_and(|at| at <= now) {
            return Err(Denied::Expired);
        }
        let key = match caller.key {
            None => None,
            Some(number) => {
                let key = self.people.key(number).ok_or(Denied::Gone)?;
                key.bounds.as_deref()
            }
        };
        if key.is_some_and(|key| key.disabled) {
            return Err(Denied::Disabled);
        }
        let bounds = self.bounds(caller.account).ok_or(Denied::Gone)?;
        if bounds.iter().any(|account| account.suspended) {
            return Err(Denied::Suspended);
        }
        // What hangs at the root's own number is below nobody.
        let below_root = !self.state.is_root(caller.account);
        let own = below_root.then(|| self.people.account(caller.account));
        Ok(Access {
            table: self,
            caller: *caller,
            key,
            address: None,
            own: own.flatten().and_then(|own| own.bounds.as_deref()),
            bounds,
        })
    }

    /// The bounds on the way up from an account, nearest first; `None` of one that
    /// hangs loose, of which nothing is allowed. Takes the steps that
    /// [`OwnerState::lineage`](crate::OwnerState::lineage) takes.
    fn bounds(&self, account: AccountNumber) -> Option<Vec<&CompiledAccount>> {
        let mut bounds = Vec::new();
        let mut at = account;
        for _ in 0..MAX_DEPTH {
            if self.state.is_root(at) {
                break;
            }
            let node = self.people.account(at)?;
            bounds.extend(node.bounds.as_deref());
            at = node.parent;
        }
        self.state.is_root(at).then_some(bounds)
    }
}

impl<'t> Access<'t> {
    /// Whether the key may be used from an address. An empty list still allows
    /// loopback.
    ///
    /// # Errors
    /// [`Denied::Address`].
    pub fn check_address(&self, address: IpAddr) -> Result<(), Denied> {
        let address = address.to_canonical();
        let allows = |ips: &Vec<ipnet::IpNet>| {
            let loopback = ips.is_empty() && address.is_loopback();
            loopback || ips.iter().any(|net| net.contains(&address))
        };
        let all = self
            .bounds
            .iter()
            .filter_map(|c| c.ips.as_ref())
            .all(allows);
        all.then_some(()).ok_or(Denied::Address)
    }

    /// Whether a path may be called, by the owner's RESOURCES and the accounts'.
    ///
    /// # Errors
    /// [`Denied::Path`].
    pub fn check_path(&self, path: &str) -> Result<(), Denied> {
        let lists = self.bounds.iter().filter_map(|c| c.resources.as_ref());
        let mut all = lists.map(|list| list.allows(path));
        let allowed = self.table.allows(path) && all.all(|allows| allows);
        allowed.then_some(()).ok_or(Denied::Path)
    }

    /// Whether a model may be named.
    pub fn allows_model(&self, model: &str) -> bool {
        let of_accounts = self.bounds.iter().filter_map(|c| c.models.as_ref());
        let of_key = self.key.and_then(|key| key.models.as_ref());
        of_key
            .into_iter()
            .chain(of_accounts)
            .all(|models| models.get(model).is_some())
    }

    /// The most calls at once with the key that was presented, if it says.
    pub fn concurrency(&self) -> Option<u32> {
        self.key?.concurrency
    }

    /// Whether a Level may serve.
    pub fn allows_level(&self, level: Level) -> bool {
        let mut lists = self.bounds.iter().filter_map(|c| c.levels.as_ref());
        lists.all(|levels| levels.contains(&level))
    }

    /// The model after the account's own mapper.
    pub fn mapped(&self, model: &'t str) -> &'t str {
        let target = self.own.and_then(|compiled| compiled.mapper.get(model));
        target.map_or(model, |(_, target)| target.as_str())
    }

    /// The same caller, known to call from an address: what Models are bound to
    /// counts from here on.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Where a request for a model goes: the account's mapper, then the owner's
    /// MODEL_MAPPER, then Models and LEVEL_MAPPER; with AllowModels before and behind
    /// the account's mapper, and only by Levels that are allowed.
    ///
    /// # Errors
    /// Which model or Level may not be used, or that none serves it.
    pub fn resolve(&self, requested: &'t str) -> Result<Bound<'t>, Denied> {
        let mapped = self.mapped(requested);
        for model in [requested, mapped] {
            if !self.allows_model(model) {
                return Err(Denied::Model(model.to_owned()));
            }
        }
        let route = self
            .table
            .resolve(mapped)
            .map_err(|_| Denied::NoRoute(requested.to_owned()))?;
        let legs = self.legs(&route, requested)?;
        Ok(Bound { route, legs })
    }

    /// The models this caller may name, as far as they can be listed.
    pub fn models(&self) -> Vec<&'t str> {
        let sources = self
            .own
            .into_iter()
            .flat_map(|compiled| compiled.mapper.iter());
        let exact = sources.map(|(from, _)| from).filter(|from| from.is_exact());
        let mut models: Vec<&str> = self.table.models();
        models.extend(exact.map(crate::pattern::Pattern::as_str));
        models.sort_unstable();
        models.dedup();
        models.retain(|model| {
            let bound = self.resolve(model);
            bound.is_ok_and(|bound| bound.legs.iter().any(|leg| self.is_served(leg)))
        });
        models
    }
}
