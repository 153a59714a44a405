//! Who may call which route: the one table of it. A route that does not stand
//! here may be called by nobody.

use foldgate_proto::AdminRole;
use http::Method;

use crate::admin_api::definitions::{self, Collection};
use crate::admin_api::places::{self, Place};

#[cfg(test)]
mod tests;

/// Who is asking, as far as routes care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The owner, by its own key or by an admin key of that role.
    Owner,
    /// An account below it, by a caller key.
    Account,
    /// An admin key of another role.
    Admin(AdminRole),
}

/// Who may beside the owner, who always may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    /// Nobody.
    Owner,
    /// Operators.
    Operator,
    /// Operators and auditors.
    Admins,
    /// Accounts, of and for themselves.
    Accounts,
    /// Everybody with any key.
    All,
}

/// Where a key takes its own successor.
pub(crate) const ROTATE_SELF: &str = "/x-self";

/// Method, route, who may. Reading first, for each resource.
const TABLE: &[(&str, &str, May)] = &[
    ("GET", "/x-keys", May::Admins),
    ("GET", "/x-keys/{id}", May::Admins),
    ("GET", "/x-keys/{id}/{*rest}", May::Admins),
    ("POST", "/x-keys", May::Owner),
    ("PUT", "/x-keys/{id}", May::Owner),
    ("POST", "/x-keys/{id}", May::Owner),
    ("DELETE", "/x-keys/{id}", May::Owner),
    ("PUT", "/x-keys/{id}/{*rest}", May::Owner),
    ("POST", "/x-keys/{id}/{*rest}", May::Owner),
    ("DELETE", "/x-keys/{id}/{*rest}", May::Owner),
    ("POST", "/x-keys/{id}/wake", May::Operator),
    ("GET", "/x-conf", May::Admins),
    ("GET", "/x-config", May::Admins),
    // Operators: the keys that route (see `owner_api::config`).
    ("PUT", "/x-config", May::Operator),
    ("POST", "/x-config", May::Operator),
    ("DELETE", "/x-config", May::Operator),
    ("POST", "/x-news", May::Operator),
    ("DELETE", "/x-news", May::Operator),
    ("POST", "/x-news/{target}", May::Operator),
    ("DELETE", "/x-news/{target}", May::Operator),
    // Accounts: their own children, and themselves.
    ("GET", "/x-users", May::All),
    ("POST", "/x-users", May::Accounts),
    ("GET", "/x-users/{id}", May::All),
    ("PUT", "/x-users/{id}", May::Accounts),
    ("POST", "/x-users/{id}", May::Accounts),
    ("DELETE", "/x-users/{id}", May::Accounts),
    ("GET", "/x-users/{id}/keys", May::All),
    ("POST", "/x-users/{id}/keys", May::Accounts),
    ("GET", "/x-users/{id}/keys/{key}", May::All),
    ("PUT", "/x-users/{id}/keys/{key}", May::Accounts),
    ("DELETE", "/x-users/{id}/keys/{key}", May::Accounts),
    ("POST", "/x-users/{id}/keys/{key}/rotate", May::Accounts),
    ("GET", "/x-dna", May::All),
    ("GET", "/x-dna/{id}", May::All),
    ("POST", ROTATE_SELF, May::Accounts),
    ("GET", "/dashboard/status", May::All),
    ("GET", "/dashboard/info", May::All),
    ("GET", "/dashboard/live", May::All),
    ("GET", "/dashboard/bill", May::All),
    // Accounts: of those below them.
    ("GET", "/x-bill", May::All),
    ("GET", "/dashboard/conf", May::All),
    ("GET", "/dashboard/models", May::All),
    ("GET", "/dashboard/news", May::All),
    ("GET", "/v1/models", May::All),
    ("GET", "/models", May::All),
    ("GET", "/admin/v1/fleet", May::Admins),
    // The first owner alone (see `log_api`).
    ("GET", "/admin/v1/log", May::Owner),
    ("GET", "/admin/v1/history", May::Admins),
    ("GET", "/admin/v1/history/stream", May::Admins),
    ("GET", "/admin/v1/history/{revision}", May::Admins),
    ("POST", "/admin/v1/history/{revision}/undo", May::Owner),
    ("GET", "/admin/v1/state", May::Admins),
    ("GET", "/admin/v1/state/diff", May::Admins),
    ("POST", "/admin/v1/state/restore", May::Owner),
    ("GET", "/admin/v1/explain", May::Admins),
    ("GET", "/admin/v1/access_log", May::Admins),
    ("GET", "/admin/v1/models/status", May::Admins),
    ("GET", "/admin/v1/health", May::Admins),
    // Accounts: what concerns them and those below them.
    ("GET", "/dashboard/logs", May::All),
    ("GET", "/admin/v1/admin_keys", May::Owner),
    ("POST", "/admin/v1/admin_keys", May::Owner),
    ("GET", "/admin/v1/admin_keys/{id}", May::Owner),
    ("DELETE", "/admin/v1/admin_keys/{id}", May::Owner),
    // Of owners only the first one's (see `admin_api::owners`).
    ("GET", "/admin/v1/owners", May::Owner),
    ("POST", "/admin/v1/owners", May::Owner),
];

/// The rows of the table, of every kind of definition those of [`of`], and of both sorts
/// of keys those of [`of_keys`].
fn table() -> impl Iterator<Item = (&'static str, &'static str, May)> {
    let definitions = definitions::collections().iter().flat_map(of);
    let keys = places::of_keys().flat_map(of_keys);
    TABLE.iter().copied().chain(definitions).chain(keys)
}

/// Keys are credentials.
fn of_keys(place: Place) -> impl Iterator<Item = (&'static str, &'static str, May)> {
    let rotate = place.rotate.map(|route| ("POST", route, May::Owner));
    let rows = entries((place.all, place.one), May::Owner);
    rows.into_iter().chain(rotate)
}

/// Definitions are routing configuration, which operators write, unless their kind
/// has secrets: those are credentials, which the owner alone writes.
fn of(kind: &'static Collection) -> [(&'static str, &'static str, May); 5] {
    let write = if kind.line.secrets.is_empty() {
        May::Operator
    } else {
        May::Owner
    };
    entries((&kind.all, &kind.one), write)
}

/// What of a sort of entries may be done by whom.
const fn entries(
    (all, one): (&'static str, &'static str),
    write: May,
) -> [(&'static str, &'static str, May); 5] {
    [
        ("GET", all, May::Admins),
        ("GET", one, May::Admins),
        ("POST", all, write),
        ("PUT", one, write),
        ("DELETE", one, write),
    ]
}

/// Whether somebody may call a route; `HEAD` is as `GET`.
pub fn allows(method: &Method, route: &str, who: Who) -> bool {
    let method = match method.as_str() {
        "HEAD" => "GET",
        method => method,
    };
    let row = table().find(|(of, path, _)| *of == method && *path == route);
    row.is_some_and(|(_, _, may)| may.includes(who))
}

/// Who may call a route, in words; `None` where it has no row.
pub(crate) fn described(method: &str, route: &str) -> Option<&'static str> {
    let row = table().find(|(of, path, _)| *of == method && *path == route);
    row.map(|(_, _, may)| may.in_words())
}

/// Every row's method and route, for those who walk them all.
pub fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    table().map(|(method, path, _)| (method, path))
}

impl May {
    const fn in_words(self) -> &'static str {
        match self {
            Self::Owner => "the owner",
            Self::Operator => "the owner and operators",
            Self::Admins => "the owner, operators and auditors",
            Self::Accounts => "the owner and accounts",
            Self::All => "everybody with a key",
        }
    }

    const fn includes(self, who: Who) -> bool {
        match who {
            Who::Owner | Who::Admin(AdminRole::Owner) => true,
            Who::Admin(AdminRole::Operator) => {
                matches!(self, Self::Operator | Self::Admins | Self::All)
            }
            Who::Admin(AdminRole::Auditor) => matches!(self, Self::Admins | Self::All),
            Who::Account => matches!(self, Self::Accounts | Self::All),
        }
    }
}
