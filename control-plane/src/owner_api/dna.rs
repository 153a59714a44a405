//! `/x-dna`: everybody below the caller, at whatever depth.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_domain::OwnerState;
use foldgate_proto::{Account, AccountNumber, Level, ResourceId};

use super::page::Paging;
use super::users::filter::{self, Filter};
use super::users::name::Named;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;
use crate::request::Segments;
use crate::request::quote::quoted;

/// What the last part of `/x-dna/{...}` names.
enum Wanted {
    /// One account.
    One(Named),
    /// Everybody whose DNA path begins with this one's, itself included.
    From(AccountNumber),
    /// Those a Level may serve.
    Of(Level),
}

/// `GET /x-dna`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    show((&app, &caller), query, |_| true)
}

/// `GET /x-dna/{id}`, `/x-dna/{name}`, `/x-dna/{email}`, `/x-dna/.1.42.`, `/x-dna/L{n}`
pub(crate) async fn named(
    State(app): State<App>,
    caller: Authenticated,
    Segments(name): Segments<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let (caller, wanted) = match wanted(&caller, &name) {
        Ok(wanted) => (caller, wanted),
        Err(Error::Missing { .. } | Error::Rejected(_)) => {
            let newest = app.caught_up(&caller).await;
            let wanted = wanted(&newest, &name)?;
            (newest, wanted)
        }
        Err(error) => return Err(error),
    };
    match wanted {
        Wanted::One(one) => {
            let account = one.find(caller.owner()).map(|account| account.number);
            let number = account.ok_or_else(|| one.missing())?;
            let mut response = show((&app, &caller), query, |account| account.number == number)?;
            reply::tag(&mut response, &caller, ResourceId::Account(number));
            Ok(response)
        }
        Wanted::From(top) => {
            let owner = caller.owner();
            let below =
                |account: &Account| account.number == top || owner.is_below(account.number, top);
            show((&app, &caller), query, below)
        }
        Wanted::Of(level) => {
            let owner = caller.owner();
            show((&app, &caller), query, |account| {
                may_use(owner, account.number, level)
            })
        }
    }
}

/// What a path segment names, among those below the caller.
///
/// # Errors
/// Nobody below the caller: whether somebody is elsewhere is not told.
fn wanted(caller: &Authenticated, text: &str) -> Result<Wanted, Error> {
    let owner = caller.owner();
    let text = text.trim();
    if text.starts_with('.') {
        let number = owner.account_at(text).filter(|number| {
            let own = caller.account();
            *number == own || owner.is_below(*number, own) || owner.is_below(own, *number)
        });
        return number.map(Wanted::From).ok_or_else(|| Error::Missing {
            code: "account_not_found",
            message: format!("no account has the DNA path {:?}", quoted(text)),
        });
    }
    let digits = text.strip_prefix(['L', 'l']);
    if let Some(digits) = digits.filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
    {
        let level = digits.parse().map_err(|_| {
            let problem = format!("{:?} is no Level from 0 to {}", quoted(text), Level::MAX);
            Error::field("level", problem)
        })?;
        return Ok(Wanted::Of(level));
    }
    let named = Named::parse(text)?;
    match named.find(owner) {
        Some(account) if owner.is_below(account.number, caller.account()) => Ok(Wanted::One(named)),
        _ => Err(named.missing()),
    }
}

/// Whether a Level may serve an account: every list on its way up must hold it.
fn may_use(owner: &OwnerState, account: AccountNumber, level: Level) -> bool {
    let mut lists = owner
        .lineage(account)
        .filter_map(|account| account.profile.allow_levels.as_ref());
    lists.all(|levels| levels.contains(&level))
}

fn show(
    (app, caller): (&App, &Authenticated),
    query: Option<String>,
    wanted: impl Fn(&Account) -> bool,
) -> Result<Response, Error> {
    let query = query.unwrap_or_default();
    let how = (&Filter::parse(&query)?, Paging::parse(&query)?);
    let (owner, above) = (caller.owner(), caller.account());
    let below = owner.descendants(above);
    let belongs = |account: &Account| wanted(account) && owner.is_below(account.number, above);
    let below = below.filter(|account| wanted(account));
    Ok(filter::show((app, caller), below, belongs, how))
}
