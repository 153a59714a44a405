//! Bills: what accounts used and what it cost, by day, model, account and key.
//!
//! | route | of whom |
//! |---|---|
//! | `GET /dashboard/bill` | the caller's account |
//! | `GET /x-bill` | everybody below it; with `user`, that account and those below it |
//! | `GET /dashboard/live` | the caller's account: today, this month, ever |
//!
//! What has no price costs nothing, and is not free: `unpriced` counts the calls of which
//! that is so, in every row, beside what they used.
//!
//! Days are those of the configured zone, UTC by default; each bill names it. Amounts are
//! US dollars, each with its whole nano-dollars beside it. As CSV (`format=csv`,
//! `Accept: text/csv`), a bill is a line per day, account and model.

mod csv;
pub(crate) mod period;
mod table;
pub(crate) mod view;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_proto::AccountNumber;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Authenticated;
use crate::clock;
use crate::error::Error;
use crate::owner_api::users::name::Named;
use crate::reply;
use crate::usage;
use period::Period;
use table::Table;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
}

/// `GET /dashboard/bill`
pub(crate) async fn own(
    State(app): State<App>,
    caller: Authenticated,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let query = query.unwrap_or_default();
    let (period, format) = asked(&app, &query, &headers)?;
    let (owner, account) = (caller.owner_id(), caller.account());
    let lines = app.usage.lines(owner, vec![account], period.days()).await?;
    let table = Table::new(lines);
    if format == Format::Csv {
        return Ok(csv::answer(&caller, &table, period));
    }
    let keys = app.usage.by_key(owner, account, period.days()).await?;
    let mut body = shown(&app, &table, period).await?;
    body["usage_keys"] = view::keys(&caller, &keys);
    Ok(reply::read(&caller, &body))
}

/// `GET /x-bill`
pub(crate) async fn below(
    State(app): State<App>,
    caller: Authenticated,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let query = query.unwrap_or_default();
    let (period, format) = asked(&app, &query, &headers)?;
    let (caller, accounts) = if let Some(text) = parameter(&query, "user") {
        named(&app, caller, &text).await?
    } else {
        let accounts = everybody(&app, &caller).await?;
        (caller, accounts)
    };
    let lines = app.usage.lines(caller.owner_id(), accounts, period.days());
    let table = Table::new(lines.await?);
    if format == Format::Csv {
        return Ok(csv::answer(&caller, &table, period));
    }
    let mut body = shown(&app, &table, period).await?;
    body["usage_users"] = view::users(&caller, &table);
    Ok(reply::read(&caller, &body))
}

/// `GET /dashboard/live`
pub(crate) async fn live(State(app): State<App>, caller: Authenticated) -> Result<Response, Error> {
    let now = clock::now();
    let totals = app.usage.totals(caller.owner_id(), caller.account(), now);
    let mut body = crate::owner_api::dashboard::about(&app, &caller);
    body["object"] = json!("user_live");
    body["usage"] = view::totals(&totals.await?);
    Ok(reply::read(&caller, &body))
}

/// The usage part of `/dashboard/info`; `null` while bills cannot be made.
pub(crate) async fn usage_of(app: &App, caller: &Authenticated) -> Value {
    let now = clock::now();
    let totals = app.usage.totals(caller.owner_id(), caller.account(), now);
    totals
        .await
        .map_or(Value::Null, |totals| view::totals(&totals))
}

/// A bill without what only one of the routes has.
async fn shown(app: &App, table: &Table, period: Period) -> Result<Value, Error> {
    let since = app.usage.complete_since().await?;
    Ok(view::bill(table, period, since))
}

/// What a query asks for, and how it wants the answer.
fn asked(app: &App, query: &str, headers: &HeaderMap) -> Result<(Period, Format), Error> {
    let period = Period::parse(query, (clock::now(), app.usage.zone()))?;
    let format = match parameter(query, "format").as_deref() {
        Some("json") => Format::Json,
        Some("csv") => Format::Csv,
        Some(_) => return Err(Error::field("format", "must be json or csv")),
        None if wants_csv(headers) => Format::Csv,
        None => Format::Json,
    };
    Ok((period, format))
}

fn wants_csv(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(http::header::ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|kind| kind.split(';').next())
        .any(|kind| kind.trim().eq_ignore_ascii_case("text/csv"))
}

/// A parameter that is there and not empty.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    let found = parameters.find(|(given, _)| given == name);
    found.map(|(_, value)| value.into_owned())
}

/// An account below the caller, with those below it.
///
/// # Errors
/// There is none, or it is elsewhere: no difference is told.
async fn named(
    app: &App,
    caller: Authenticated,
    text: &str,
) -> Result<(Authenticated, Vec<AccountNumber>), Error> {
    let name = Named::parse(text)?;
    let find = |caller: &Authenticated| {
        let (owner, own) = (caller.owner(), caller.account());
        let path = text.trim().starts_with('.');
        let at_path = path.then(|| owner.account_at(text.trim())).flatten();
        let account = at_path.or_else(|| name.find(owner).map(|account| account.number))?;
        owner.is_below(account, own).then_some(account)
    };
    let (caller, account) = app.look(caller, find).await.ok_or_else(|| {
        let problem = match name.missing() {
            Error::Missing { message, .. } => message,
            other => other.to_string(),
        };
        Error::NotTheirs("user", "account_not_found", problem)
    })?;
    let below = caller.owner().descendants(account);
    let accounts = std::iter::once(account).chain(below.map(|below| below.number));
    let accounts = accounts.collect();
    Ok((caller, accounts))
}

/// Everybody below the caller. An owner is also shown what accounts used that are gone.
async fn everybody(app: &App, caller: &Authenticated) -> Result<Vec<AccountNumber>, Error> {
    let (owner, own) = (caller.owner(), caller.account());
    if !owner.is_root(own) {
        let below = owner.descendants(own);
        return Ok(below.map(|below| below.number).collect());
    }
    let mut accounts = app.usage.accounts(caller.owner_id()).await?;
    accounts.retain(|account| *account != own);
    Ok(accounts)
}

impl From<usage::Error> for Error {
    fn from(error: usage::Error) -> Self {
        match error {
            usage::Error::NotReady(_) => Self::BillsNotReady(error.to_string()),
            usage::Error::TooLong(_) => Self::field("days", error.to_string()),
        }
    }
}
