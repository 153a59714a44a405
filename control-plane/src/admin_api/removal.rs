//! `DELETE` of an entry, of whatever sort.

use axum::response::Response;
use foldgate_domain::OwnerState;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply::Done;
use crate::request::Write;

/// What is to go: what was found, or in a retry of what is done already, what went then,
/// by its number.
///
/// # Errors
/// It is not there, and this is no retry.
pub(super) async fn target<T>(
    app: &App,
    (caller, write): (Authenticated, &Write),
    found: Result<(Authenticated, T), Error>,
    gone: impl FnOnce(&Authenticated, u64) -> T,
) -> Result<(Authenticated, T), Error> {
    let error = match found {
        Ok(found) => return Ok(found),
        Err(error) => error,
    };
    let number = app.retried(&caller, write).await.ok_or(error)?;
    let gone = gone(&caller, number);
    Ok((caller, gone))
}

/// The answer: its id, and in a dry run the entry that would go.
pub(super) fn reply(
    mut done: Done,
    caller: &Authenticated,
    id: &str,
    entry: impl Fn(&OwnerState) -> Option<Value>,
) -> Response {
    done.compare(caller.owner_id(), |owner| entry(owner).unwrap_or_default());
    let deleted = done.was(true, false);
    done.reply_bare(json!({"deleted": deleted, "id": id}))
}
