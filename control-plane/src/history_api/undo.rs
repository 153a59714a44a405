//! `POST /admin/v1/history/{revision}/undo`: takes back what one record did.

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::Command;
use foldgate_domain::command::Undo;
use foldgate_proto::Revision;
use serde_json::json;

use super::place;
use super::restore::{Counts, only_plain, put_back};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::request::{Segments, Write};

/// `POST /admin/v1/history/{revision}/undo`
pub(crate) async fn undo(
    State(app): State<App>,
    caller: Authenticated,
    Segments(text): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    only_plain(&write, "an undo")?;
    let (caller, revision) = place::record(&app, caller, &text).await?;
    let owner = caller.owner_id();
    let row = app.history.row(owner, revision).await?;
    let (before, after) = app.history.around(owner, revision).await?;
    let command = Command::Undo(Undo {
        revision,
        undid: row.and_then(|row| row.undid),
        before,
        after: after.ok_or(Error::Internal)?,
    });
    let submitted = app.submit(&caller, &write, command).await;
    let mut done = submitted.map_err(|error| match error {
        Error::TooLargeToWrite(_) => Error::TooMuchToUndo {
            undone: revision,
            before: Revision(revision.0.saturating_sub(1)),
        },
        other => other,
    })?;
    let resources = put_back(&done);
    done.tell_changes(owner);
    let message = match (done.is_replay(), resources.len()) {
        (true, _) => format!("revision {revision} was undone before"),
        (false, 0) => format!("nothing is left of revision {revision} to undo"),
        (false, _) => {
            let was = done.was("was undone", "would be undone");
            let told = Counts::of(&done).told("put back", "removed");
            format!("revision {revision} {was}: {told}")
        }
    };
    let mut body = json!({"undid": revision.0, "resources": resources, "message": message});
    if let Some(written) = done.written() {
        body["revision"] = json!(written.0);
    }
    Ok(done.reply(body))
}
