//! Query parameters. Each route knows its own; any other, and one that comes
//! twice, is refused by name, so that a misspelt filter never passes for none.

use std::ops::RangeInclusive;

use http::Method;
use http::request::Parts;

use axum::extract::MatchedPath;

use super::quote::quoted;
use super::wait::WAIT;
use crate::admin_api::page;
use crate::error::Error;
use crate::routes;

/// Only shows what a write would do.
pub(crate) const DRY_RUN: &str = "dry_run";

/// What a list of keys may be narrowed and paged by.
const OF_KEYS: &[&str] = &["id", "level", "provider", "page", "size"];

/// What a history may be narrowed and paged by.
const OF_HISTORY: &[&str] = &[
    "limit", "cursor", "order", "actor", "kind", "resource", "from", "to", "since",
];
/// What a list of accounts may be narrowed and paged by.
const OF_ACCOUNTS: &[&str] = &["id", "name", "email", "status", "page", "size"];

/// Refuses what the matched route does not know.
///
/// # Errors
/// Names the parameter.
pub(crate) fn check(parts: &Parts) -> Result<(), Error> {
    let Some(query) = parts.uri.query() else {
        return Ok(());
    };
    let route = parts.extensions.get::<MatchedPath>();
    let known = known(&parts.method, route.map_or("", routes::name));
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
        let Some(name) = known.iter().find(|known| **known == name) else {
            let problem = match known {
                [] => "is no parameter; this request takes none".to_owned(),
                known => format!("is no parameter of this request, only {}", known.join(", ")),
            };
            return Err(Error::field(quoted(&name), problem));
        };
        if seen.contains(name) {
            return Err(Error::field(*name, "stands twice"));
        }
        seen.push(name);
    }
    Ok(())
}

/// The parameters that a route knows. What each may be stands in
/// `openapi::parameter`.
pub(crate) fn known(method: &Method, route: &str) -> &'static [&'static str] {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return match route {
            "/admin/v1/state/restore" => &["at", "resource", DRY_RUN, WAIT],
            _ => &[DRY_RUN, WAIT],
        };
    }
    match route {
        "/x-keys" | "/x-keys/{id}" | "/x-keys/{id}/{*rest}" => OF_KEYS,
        "/x-users" | "/x-dna" | "/x-dna/{id}" => OF_ACCOUNTS,
        "/admin/v1/owners" => &["page", "size"],
        "/dashboard/news" => &["all"],
        "/dashboard/bill" => &["date", "start", "end", "days", "format"],
        "/x-bill" => &["user", "date", "start", "end", "days", "format"],
        "/admin/v1/log" => &["from", "limit"],
        "/livez" | "/readyz" => &["verbose"],
        "/admin/v1/history" => OF_HISTORY,
        "/admin/v1/history/stream" => &["since"],
        "/admin/v1/state" => &["at"],
        "/admin/v1/state/diff" => &["from", "to"],
        "/admin/v1/explain" => &["model", "account", "api_key"],
        "/admin/v1/access_log" => &["limit", "cursor"],
        "/dashboard/logs" => &["page", "size", "action", "target_id", "status"],
        route if page::lists(route) => page::PARAMETERS,
        _ => &[],
    }
}

/// A parameter that is on or off; named without a value it is on.
///
/// # Errors
/// Another value.
pub(crate) fn flag(query: &str, name: &'static str) -> Result<bool, Error> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    match parameters.find(|(given, _)| given == name) {
        None => Ok(false),
        Some((_, value)) => match value.to_ascii_lowercase().as_str() {
            "true" | "1" | "" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(Error::field(name, "must be true or false")),
        },
    }
}

/// A parameter that is a whole number within bounds.
///
/// # Errors
/// Another value.
pub(crate) fn number(
    query: &str,
    name: &'static str,
    bounds: RangeInclusive<u64>,
) -> Result<Option<u64>, Error> {
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    let Some((_, value)) = parameters.find(|(given, _)| given == name) else {
        return Ok(None);
    };
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    let number = value
        .parse()
        .ok()
        .filter(|number| digits && bounds.contains(number));
    number.map(Some).ok_or_else(|| {
        let (least, most) = bounds.into_inner();
        let problem = match most {
            u64::MAX => format!("must be a whole number from {least} on"),
            most => format!("must be a whole number from {least} to {most}"),
        };
        Error::field(name, problem)
    })
}
