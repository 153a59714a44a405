//! `/admin/v1/admin_keys`: keys for the people and programs that administer.
//! They open the admin listener and nothing else.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::command::IssueAdminKey;
use foldgate_domain::{Command, OwnerState};
use foldgate_proto::{AdminKey, AdminKeyId, AdminKeyNumber, AdminRole, ResourceId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::auth::Authenticated;
use crate::drawn::Drawn;
use crate::error::Error;
use crate::owner_api::edits;
use crate::reply;
use crate::request::quote::{quoted, reference};
use crate::request::{Segments, Write};

/// `GET /admin/v1/admin_keys`: all of them, an owner holds no more than a page.
pub(crate) async fn list(caller: Authenticated) -> Response {
    let keys = caller.owner().admin_keys.values();
    let items: Vec<Value> = keys.map(|key| view(key)).collect();
    reply::read(&caller, &json!({"success": true, "items": items}))
}

/// `GET /admin/v1/admin_keys/{id}`
pub(crate) async fn one(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
) -> Result<Response, Error> {
    let (caller, key) = find(&app, caller, &id).await?;
    let mut body = view(&key);
    body["success"] = json!(true);
    let resource = ResourceId::AdminKey(key.number);
    Ok(reply::read_one(&caller, resource, &body))
}

/// `POST /admin/v1/admin_keys`
pub(crate) async fn issue(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    let drawn = Drawn::new()?;
    let issue = input(&write, &drawn)?;
    let mut done = app
        .submit(&caller, &write, Command::IssueAdminKey(issue))
        .await?;
    let number = done.subject().map(AdminKeyNumber).ok_or(Error::Internal)?;
    let what = format_args!("admin key {number}");
    let mut body = done.show(caller.owner_id(), what, |owner| shown(owner, number))?;
    if done.is_new() {
        body["key"] = json!(drawn.shown());
    }
    Ok(done.reply(body))
}

/// `DELETE /admin/v1/admin_keys/{id}`
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let (caller, number) = match find(&app, caller.clone(), &id).await {
        Ok((caller, key)) => (caller, key.number),
        // A retry of what is done already.
        Err(error) => match app.retried(&caller, &write).await {
            Some(number) => (caller, AdminKeyNumber(number)),
            None => return Err(error),
        },
    };
    let mut done = app
        .submit(&caller, &write, Command::RevokeAdminKey(number))
        .await?;
    done.compare(caller.owner_id(), |owner| {
        shown(owner, number).unwrap_or_default()
    });
    let message = format!(
        "admin key {number} {}",
        done.was("deleted", "would be deleted")
    );
    let body = json!({"id": id, "number": number.0, "message": message});
    Ok(done.reply(body))
}

fn input(write: &Write, drawn: &Drawn) -> Result<IssueAdminKey, Error> {
    let mut fields = write.fields()?;
    let required = |name: &'static str| Error::field(name, "is required");
    let name = fields.text("name")?.ok_or_else(|| required("name"))?;
    let role = fields.text("role")?.ok_or_else(|| required("role"))?;
    let role: AdminRole = role.parse().map_err(|_| {
        let problem = format!("{:?} is none of owner, operator, auditor", quoted(&role));
        fields.error("role", problem)
    })?;
    let expires_at = edits::time(&mut fields, "expires_at")?.over(None);
    fields.finish()?;
    Ok(IssueAdminKey {
        id: AdminKeyId(Uuid::now_v7()),
        name: name.trim().to_owned(),
        role,
        hash: drawn.hash,
        mask: drawn.mask.clone(),
        expires_at,
    })
}

/// An admin key by id; asks the log for news before it says that there is none.
async fn find(
    app: &App,
    caller: Authenticated,
    id: &str,
) -> Result<(Authenticated, Arc<AdminKey>), Error> {
    let missing = || Error::Missing {
        code: "admin_key_not_found",
        message: format!("no admin key with id {}", reference(id)),
    };
    let wanted = Uuid::parse_str(id).map(AdminKeyId).map_err(|_| missing())?;
    let found = app.look(caller, |caller| with_id(caller.owner(), wanted));
    found.await.ok_or_else(missing)
}

fn with_id(owner: &OwnerState, id: AdminKeyId) -> Option<Arc<AdminKey>> {
    owner
        .admin_keys
        .values()
        .find(|key| key.id == id)
        .map(Arc::clone)
}

/// An admin key, never the key itself.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AdminKey")]
pub(crate) struct AdminKeyView<'k> {
    id: String,
    number: u64,
    name: &'k str,
    /// `owner`, `operator` or `auditor`.
    role: &'static str,
    /// What tells it from others: its ends.
    mask: &'k str,
    expires_at: Option<String>,
    created_at: String,
}

fn view(key: &AdminKey) -> Value {
    json!(AdminKeyView {
        id: key.id.to_string(),
        number: key.number.0,
        name: &key.name,
        role: key.role.as_str(),
        mask: &key.mask,
        expires_at: key.expires_at.map(Timestamp::to_rfc3339),
        created_at: key.created_at.to_rfc3339(),
    })
}

fn shown(owner: &OwnerState, number: AdminKeyNumber) -> Option<Value> {
    owner.admin_keys.get(&number).map(|key| view(key))
}
