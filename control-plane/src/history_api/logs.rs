//! `GET /dashboard/logs`: the operation log of the owner API, from the same index.
//! An owner sees every record; an account those about itself and the accounts
//! below it, and what it did itself.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_proto::Revision;
use serde_json::{Value, json};

use super::params::Params;
use super::place;
use crate::access::Who;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::history::{Filter, Row, Term};
use crate::reply;
use crate::request::quote::quoted;

/// The largest page, as the contract has it.
const MAX_SIZE: usize = 100;

/// The page size where none is asked for.
const DEFAULT_SIZE: usize = 24;

/// How many entries are counted and paged through; beyond them the history with
/// its cursors goes on.
pub(crate) const MAX_COUNTED: usize = 10_000;

/// Actions that the contract has a name for. Others are named by their command.
const NAMED: [(&str, &str); 3] = [
    ("AddAccount", "add_user"),
    ("PatchAccount", "update_user"),
    ("RemoveAccount", "delete_user"),
];

/// `GET /dashboard/logs`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let params = Params::new(query);
    let page = params.number("page", (1, MAX_COUNTED))?.unwrap_or(1);
    let size = params
        .number("size", (1, MAX_SIZE))?
        .unwrap_or(DEFAULT_SIZE);
    let skipped = (page - 1).saturating_mul(size);
    if skipped.saturating_add(size) > MAX_COUNTED {
        let problem = format!(
            "pages end at entry {MAX_COUNTED}; narrow them by action or target_id, or read \
             /admin/v1/history, whose cursors go on"
        );
        return Err(Error::field("page", problem));
    }
    let all_of = terms(&params, &caller)?;
    check_status(&params)?;
    let caller = place::settled(&app, caller).await?;
    let owner = caller.owner_id();
    let filter = Filter {
        all_of,
        ..Filter::everything()
    };
    let window = (None, MAX_COUNTED);
    let found = app.history.find(owner, filter, window).await?.revisions;
    let shown = found.iter().skip(skipped).take(size);
    let mut logs = Vec::with_capacity(size);
    for revision in shown {
        if let Some(row) = app.history.row(owner, *revision).await? {
            logs.push(entry(&row, &caller));
        }
    }
    let body = json!({
        "success": true,
        "logs": logs,
        "total": found.len(),
        "page": page,
        "size": size,
        "has_more": skipped.saturating_add(size) < found.len(),
    });
    Ok(reply::read(&caller, &body))
}

/// What failed changed nothing and is no operation. An empty page would say that
/// nothing ever failed.
fn check_status(params: &Params) -> Result<(), Error> {
    match params.text("status")? {
        None | Some("success") => Ok(()),
        Some("failed") => Err(Error::field(
            "status",
            "failed operations are not kept here; owners read refused requests at \
             /admin/v1/access_log",
        )),
        Some(_) => Err(Error::field("status", "must be success")),
    }
}

fn terms(params: &Params, caller: &Authenticated) -> Result<Vec<Vec<Term>>, Error> {
    let mut all_of = Vec::new();
    if caller.who() == Who::Account {
        all_of.push(vec![Term::seen_by(caller.account().0)]);
    }
    if let Some(action) = params.text("action")? {
        let plain = action.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if !plain {
            let problem = format!(
                "{:?} is no action, such as add_user or patch_config",
                quoted(action)
            );
            return Err(Error::field("action", problem));
        }
        all_of.push(vec![Term::kind(&command(action))]);
    }
    if let Some(target) = params.revision("target_id")? {
        let Revision(number) = target;
        all_of.push(vec![Term::target(number)]);
    }
    Ok(all_of)
}

fn entry(row: &Row, caller: &Authenticated) -> Value {
    let is_account = caller.who() == Who::Account;
    let me = caller.account().0;
    let mine = |above: &[u64]| !is_account || above.contains(&me);
    let target = row.target.filter(|target| {
        let mut people = row.people.iter();
        !is_account || people.any(|(_, above)| above.first() == Some(target) && mine(above))
    });
    let resources: Vec<&str> = if is_account {
        let people = row.people.iter().filter(|(_, above)| mine(above));
        people.map(|(resource, _)| resource.as_str()).collect()
    } else {
        row.resources.iter().map(String::as_str).collect()
    };
    let mut details = json!({"kind": row.kinds.first(), "resources": resources});
    // Words of whoever stands above are not for those below.
    if !is_account || row.operator == Some(me) {
        details["reason"] = json!(row.reason);
    }
    json!({
        "id": row.revision.0,
        "action": action(&row.command),
        "operator_id": row.operator,
        "target_id": target,
        "details": details,
        "created_at": row.at.to_rfc3339(),
    })
}

/// `AddKey` is `add_key`.
fn action(command: &str) -> String {
    if let Some((_, action)) = NAMED.iter().find(|(name, _)| *name == command) {
        return (*action).to_owned();
    }
    let mut action = String::with_capacity(command.len() + 4);
    for c in command.chars() {
        if c.is_ascii_uppercase() && !action.is_empty() {
            action.push('_');
        }
        action.push(c.to_ascii_lowercase());
    }
    action
}

/// `add_key` is `AddKey`.
fn command(action: &str) -> String {
    if let Some((command, _)) = NAMED.iter().find(|(_, name)| *name == action) {
        return (*command).to_owned();
    }
    let words = action.split('_').filter(|word| !word.is_empty());
    words
        .map(|word| word[..1].to_ascii_uppercase() + &word[1..])
        .collect()
}
