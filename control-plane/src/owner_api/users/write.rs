//! `POST`, `PUT` and `DELETE` on `/x-users`.

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::command::{AddAccount, PatchAccount, RemoveAccount, TermsEdit};
use foldgate_domain::{Command, OwnerState};
use foldgate_proto::{AccountId, AccountNumber, CallerKey};
use serde_json::{Value, json};
use uuid::Uuid;

use super::input::UserInput;
use super::name::{Named, child_to_write};
use super::view;
use crate::app::App;
use crate::auth::Authenticated;
use crate::drawn::Drawn;
use crate::error::Error;
use crate::owner_api::caller_keys;
use crate::request::{Segments, Write};

/// `POST /x-users`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    let input = UserInput::create(write.fields()?)?;
    let drawn = Drawn::new()?;
    let add = AddAccount {
        id: AccountId(Uuid::now_v7()),
        parent: caller.account(),
        profile: input.profile,
        credit: input.credit,
        key: drawn.caller_key(String::new(), TermsEdit::default()),
    };
    let command = Command::AddAccount(Box::new(add));
    let done = app.submit(&caller, &write, command).await;
    let mut done = done.map_err(too_large)?;
    let number = done.subject().map(AccountNumber).ok_or(Error::Internal)?;
    let what = format_args!("account {number}");
    let user = done.show(caller.owner_id(), what, shown(&app, number))?;
    let key = first_key(done.owner(caller.owner_id())?, number);
    let mut key = key.map_or(Value::Null, caller_keys::view::key);
    if done.is_new() {
        key["SecretKey"] = json!(drawn.shown());
    }
    Ok(done.reply(json!({"user": user, "key": key})))
}

/// `PUT /x-users/{id}` and `POST /x-users/{id}`
pub(crate) async fn update(
    State(app): State<App>,
    caller: Authenticated,
    Segments(name): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let name = Named::parse(&name)?;
    let fields = write.fields()?;
    let (caller, account) = child_to_write(&app, caller, &name).await?;
    let number = account.number;
    let input = UserInput::update(fields, &account)?;
    let patch = PatchAccount {
        number,
        parent: caller.account(),
        profile: input.profile,
        credit: input.credit,
    };
    let command = Command::PatchAccount(Box::new(patch));
    let done = app.submit(&caller, &write, command).await;
    let mut done = done.map_err(too_large)?;
    let what = format_args!("account {number}");
    let user = done.show(caller.owner_id(), what, shown(&app, number))?;
    Ok(done.reply(json!({"user": user})))
}

/// `DELETE /x-users/{id}`
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Authenticated,
    Segments(name): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let name = Named::parse(&name)?;
    let (caller, number) = match child_to_write(&app, caller.clone(), &name).await {
        Ok((caller, account)) => (caller, account.number),
        // A retry of what is done already: its record says which account it was.
        Err(error) => match app.retried(&caller, &write).await {
            Some(number) => (caller, AccountNumber(number)),
            None => return Err(error),
        },
    };
    let remove = RemoveAccount {
        number,
        parent: caller.account(),
    };
    let command = Command::RemoveAccount(remove);
    let mut done = app.submit(&caller, &write, command).await?;
    let shown = shown(&app, number);
    done.compare(caller.owner_id(), |owner| shown(owner).unwrap_or_default());
    let message = format!(
        "account {number} {}",
        done.was("deleted", "would be deleted")
    );
    Ok(done.reply(json!({"id": number.0, "message": message})))
}

/// The key that an account was made with, while it is there.
fn first_key(owner: &OwnerState, number: AccountNumber) -> Option<&CallerKey> {
    let account = owner.accounts.get(&number)?;
    let mut keys = owner.caller_keys_of(number);
    let first = keys.find(|key| key.created_at == account.created_at);
    first.map(AsRef::as_ref)
}

/// What is shown of an account, judged now.
fn shown(app: &App, number: AccountNumber) -> impl Fn(&OwnerState) -> Option<Value> {
    move |owner| {
        let account = owner.accounts.get(&number)?;
        let left = app.left(owner.id, account).total;
        Some(view::account(owner, account, left))
    }
}

/// Of an account only its lists and mappings can grow beyond a record.
fn too_large(error: Error) -> Error {
    match error {
        Error::TooLargeToWrite(_) => Error::field(
            "ModelMapper",
            "with the account's lists it is too large for one record",
        ),
        other => other,
    }
}
