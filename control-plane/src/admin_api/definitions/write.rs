//! `POST`, `PUT` and `DELETE` of definitions. What is put is the whole of it: a
//! field that is left out is not there any more.

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::command::{PutDefinition, RemoveDefinition};
use foldgate_domain::definition::Registered;
use foldgate_domain::{Command, OwnerState};
use foldgate_proto::{DefinitionId, DefinitionKind, DefinitionNumber};
use serde_json::{Value, json};
use uuid::Uuid;

use super::entry::Entry;
use super::{Of, find, secrets};
use crate::admin_api::{body, removal};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply::Done;
use crate::request::{Segments, Write};

/// `POST /admin/v1/<kind>`
pub(super) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    Of(line): Of,
    write: Write,
) -> Result<Response, Error> {
    let id = DefinitionId(Uuid::now_v7());
    let command = command(&app, &caller, line, &write, (id, None))?;
    let done = submit(&app, &caller, &write, (line.kind, command)).await?;
    let number = done.subject().map(DefinitionNumber);
    let number = number.ok_or(Error::Internal)?;
    reply(done, &caller, (line.kind, number))
}

/// `PUT /admin/v1/<kind>/{id}`
pub(super) async fn update(
    State(app): State<App>,
    caller: Authenticated,
    Of(line): Of,
    Segments(id): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let (caller, found) = find(&app, caller, line, &id).await?;
    let place = (found.id, Some(found.number));
    let command = command(&app, &caller, line, &write, place)?;
    let done = submit(&app, &caller, &write, (line.kind, command)).await?;
    reply(done, &caller, (line.kind, found.number))
}

/// `DELETE /admin/v1/<kind>/{id}`
pub(super) async fn remove(
    State(app): State<App>,
    caller: Authenticated,
    Of(line): Of,
    Segments(id): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let kind = line.kind;
    let found = find(&app, caller.clone(), line, &id).await;
    let found = found.map(|(caller, found)| (caller, found.number));
    let gone = |_: &Authenticated, number| DefinitionNumber(number);
    let (caller, number) = removal::target(&app, (caller, &write), found, gone).await?;
    let command = Command::RemoveDefinition(RemoveDefinition { kind, number });
    let done = submit(&app, &caller, &write, (kind, command)).await?;
    let entry = |owner: &OwnerState| entry(owner, (kind, number));
    Ok(removal::reply(done, &caller, &id, entry))
}

fn command(
    app: &App,
    caller: &Authenticated,
    line: &Registered,
    write: &Write,
    (id, number): (DefinitionId, Option<DefinitionNumber>),
) -> Result<Command, Error> {
    let mut value = write.fields()?.into_rest();
    let place = (caller.owner_id(), id.0);
    let secrets = secrets::take(&app.vault, place, line.secrets, &mut value)?;
    Ok(Command::PutDefinition(Box::new(PutDefinition {
        kind: line.kind,
        id,
        number,
        value,
        secrets,
    })))
}

async fn submit(
    app: &App,
    caller: &Authenticated,
    write: &Write,
    (kind, command): (DefinitionKind, Command),
) -> Result<Done, Error> {
    let done = app.submit(caller, write, command).await;
    done.map_err(|error| body::said_of(error, &kind.spoken()))
}

/// The answer: the entry, as it stands behind the write.
fn reply(
    mut done: Done,
    caller: &Authenticated,
    at: (DefinitionKind, DefinitionNumber),
) -> Result<Response, Error> {
    let what = format!("the {}", at.0.spoken());
    let entry = done.show(caller.owner_id(), what, |owner| entry(owner, at))?;
    Ok(done.reply_bare(entry))
}

fn entry(owner: &OwnerState, at: (DefinitionKind, DefinitionNumber)) -> Option<Value> {
    let found = owner.definitions.get(&at)?;
    Some(json!(Entry::of(found)))
}
