//! `GET /admin/v1/history`: the records of an owner, page by page.

use std::str::FromStr;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_proto::{ActorKind, DefinitionKind, Revision};
use serde_json::{Value, json};

use super::cursor::Question;
use super::params::{Params, Place};
use super::resource::{self, Named};
use super::{place, view};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::history::{Filter, History, Order, Term};
use crate::reply;
use crate::request::quote::quoted;

/// Every kind of actor.
const ACTORS: [ActorKind; 6] = [
    ActorKind::Owner,
    ActorKind::Account,
    ActorKind::Operator,
    ActorKind::Auditor,
    ActorKind::Node,
    ActorKind::System,
];

/// Sorts of resources, each of which may be asked for as a whole, as the kinds of
/// definitions may.
const CLASSES: [&str; 8] = [
    "owner",
    "config",
    "completed",
    "key",
    "news",
    "account",
    "caller_key",
    "admin_key",
];

/// Every kind of event but those of definitions, which have two for each of their
/// kinds.
const KINDS: [&str; 24] = [
    "OwnerClaimed",
    "KeyAdded",
    "KeyPatched",
    "KeyRemoved",
    "KeyDisabled",
    "ConfigPatched",
    "ConfigReset",
    "LevelMapperCompleted",
    "LevelMapperRetracted",
    "NewsPublished",
    "NewsRetracted",
    "OwnerKeyRotated",
    "AdminKeyIssued",
    "AdminKeyRevoked",
    "AccountAdded",
    "AccountPatched",
    "AccountRemoved",
    "CreditGranted",
    "CallerKeyIssued",
    "CallerKeyPatched",
    "CallerKeyRotated",
    "CallerKeyRevoked",
    "RecordUndone",
    "StateRestored",
];

/// Every command.
const COMMANDS: [&str; 23] = [
    "ClaimOwner",
    "AddKey",
    "PatchKey",
    "RemoveKey",
    "DisableKey",
    "PatchConfig",
    "ResetConfig",
    "PublishNews",
    "RetractNews",
    "RotateOwnerKey",
    "IssueAdminKey",
    "RevokeAdminKey",
    "AddAccount",
    "PatchAccount",
    "RemoveAccount",
    "IssueCallerKey",
    "PatchCallerKey",
    "RotateCallerKey",
    "RevokeCallerKey",
    "Undo",
    "Restore",
    "PutDefinition",
    "RemoveDefinition",
];

/// Every word that `kind` may be.
pub(crate) fn kinds() -> Vec<&'static str> {
    KINDS.iter().chain(&COMMANDS).copied().collect()
}

/// `GET /admin/v1/history`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let params = Params::new(query);
    let limit = params.limit()?;
    let question = question(&params, &caller)?;
    let cursor = params.text("cursor")?;
    let from = cursor.map(|cursor| question.place(cursor)).transpose()?;
    let all_of = terms(&params)?;
    let order = params.order()?;
    let (first, last) = (params.place("from")?, params.place("to")?);
    let since = params.revision("since")?;
    let caller = place::settled(&app, caller).await?;
    let range = range(&app.history, (first, last), since).await?;
    let filter = Filter {
        all_of,
        range,
        order,
    };
    let window = (from.map(Revision), limit);
    let (rows, next) = app.history.page(caller.owner_id(), filter, window).await?;
    let items: Vec<Value> = rows.iter().map(view::line).collect();
    let body = json!({
        "success": true,
        "items": items,
        "next_cursor": next.map(|next| question.cursor(next.0)),
    });
    Ok(reply::read(&caller, &body))
}

fn question(params: &Params, caller: &Authenticated) -> Result<Question, Error> {
    let names = ["order", "actor", "kind", "resource", "from", "to", "since"];
    let mut parts = Vec::with_capacity(names.len());
    for name in names {
        parts.push(params.text(name)?);
    }
    Ok(Question::new(caller.owner_id(), "history", &parts))
}

fn terms(params: &Params) -> Result<Vec<Vec<Term>>, Error> {
    let mut all_of = Vec::new();
    if let Some(actor) = params.text("actor")? {
        all_of.push(actors(actor));
    }
    if let Some(kind) = params.text("kind")? {
        all_of.push(vec![Term::kind(known_kind(kind)?)]);
    }
    if let Some(resource) = params.text("resource")? {
        all_of.push(vec![resource_term(resource)?]);
    }
    Ok(all_of)
}

/// A kind of event or a command, whatever its case.
fn known_kind(text: &str) -> Result<&'static str, Error> {
    let of_definitions = DefinitionKind::ALL
        .iter()
        .flat_map(|kind| [kind.put(), kind.removed()]);
    let others = KINDS.iter().chain(&COMMANDS).copied();
    let mut known = others.chain(of_definitions);
    let found = known.find(|known| known.eq_ignore_ascii_case(text));
    found.ok_or_else(|| {
        let problem = format!(
            "{:?} is no kind of event, nor a command such as AddKey; kinds are {}, and \
             ModelPut, ModelRemoved and so on",
            quoted(text),
            KINDS.join(", ")
        );
        Error::field("kind", problem)
    })
}

/// `owner:root` is one actor, `root` all of that name.
fn actors(text: &str) -> Vec<Term> {
    let sides = text.split_once(':');
    let kind = sides.and_then(|(kind, _)| ACTORS.into_iter().find(|k| k.as_str() == kind));
    match (kind, sides) {
        (Some(kind), Some((_, name))) => vec![Term::actor(kind, name)],
        _ => ACTORS.iter().map(|kind| Term::actor(*kind, text)).collect(),
    }
}

fn resource_term(text: &str) -> Result<Term, Error> {
    let sort = resource::sort(text);
    if CLASSES.contains(&sort) || DefinitionKind::from_str(sort).is_ok() {
        return Ok(Term::class(sort));
    }
    match Named::from_str(text) {
        Ok(named) => Ok(named.term()),
        Err(error) => {
            let problem = format!("{error}, or with its id; key alone is all keys, and so on");
            Err(Error::field("resource", problem))
        }
    }
}

/// The first and the last revision that are asked for.
async fn range(
    history: &History,
    (first, last): (Option<Place>, Option<Place>),
    since: Option<Revision>,
) -> Result<(Revision, Revision), Error> {
    let (everything_from, everything_to) = Filter::everything().range;
    let mut from = match first {
        None => everything_from,
        Some(Place::At(revision)) => revision,
        // Nothing is as late: then nothing is asked for.
        Some(Place::When(at)) => history.first_from(at).await?.unwrap_or(everything_to),
    };
    if let Some(since) = since {
        from = from.max(since.next());
    }
    let to = match last {
        None => everything_to,
        Some(Place::At(revision)) => revision,
        Some(Place::When(at)) => history.last_until(at).await?.unwrap_or(everything_from),
    };
    Ok((from, to))
}

/// What comes behind a revision, the oldest first.
pub(super) const fn behind(revision: Revision) -> Filter {
    Filter {
        all_of: Vec::new(),
        range: (revision.next(), Revision(u64::MAX)),
        order: Order::Ascending,
    }
}

#[cfg(test)]
mod tests;
