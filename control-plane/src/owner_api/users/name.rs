//! Which account a path names: digits its number, an `@` its e-mail address,
//! anything else its name. A name holds a letter and neither an `@` nor a dot at
//! its beginning, so it never passes for one of the others.

use std::sync::Arc;

use foldgate_domain::{OwnerState, Rejection};
use foldgate_proto::{Account, AccountNumber};

use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::request::quote::{self, quoted};

/// An account, as a client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// By number.
    Id(AccountNumber),
    /// By name, whatever its case.
    Name(String),
    /// By e-mail address, whatever its case.
    Email(String),
}

impl Named {
    /// Reads a path segment.
    ///
    /// # Errors
    /// More digits than a number holds, which no account can have.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            let number = text.parse().map(AccountNumber);
            return number
                .map(Self::Id)
                .map_err(|_| missing(format!("no account with id {}", quote::number(text))));
        }
        Ok(if text.contains('@') {
            Self::Email(text.to_owned())
        } else {
            Self::Name(text.to_owned())
        })
    }

    /// The account of an owner that is meant, whoever its parent is.
    pub(crate) fn find<'o>(&self, owner: &'o OwnerState) -> Option<&'o Arc<Account>> {
        match self {
            Self::Id(number) => owner.accounts.get(number),
            Self::Name(name) => owner.account_named(name),
            Self::Email(email) => owner.account_mailed(email),
        }
    }

    /// The answer where there is none, or none of the caller's.
    pub(crate) fn missing(&self) -> Error {
        match self {
            Self::Id(number) => Rejection::NoSuchAccount(*number).into(),
            Self::Name(text) | Self::Email(text) => {
                missing(format!("no account is named {:?}", quoted(text)))
            }
        }
    }

    /// Whether it may mean another account by now: a name may, a number never.
    const fn may_move(&self) -> bool {
        !matches!(self, Self::Id(_))
    }
}

fn missing(message: String) -> Error {
    Error::Missing {
        code: "account_not_found",
        message,
    }
}

/// A direct child of the caller; asks the log for news before it says that there
/// is none.
///
/// # Errors
/// No such account, or another's child: no difference is told.
pub(crate) async fn child(
    app: &App,
    caller: Authenticated,
    name: &Named,
) -> Result<(Authenticated, Arc<Account>), Error> {
    let find = |caller: &Authenticated| {
        let account = name.find(caller.owner())?;
        (account.parent == caller.account()).then(|| Arc::clone(account))
    };
    let found = app.look(caller, find).await;
    found.ok_or_else(|| name.missing())
}

/// As [`child`], for a write: what a name means is read from the newest state.
///
/// # Errors
/// As [`child`].
pub(crate) async fn child_to_write(
    app: &App,
    caller: Authenticated,
    name: &Named,
) -> Result<(Authenticated, Arc<Account>), Error> {
    let caller = settled(app, caller, name).await;
    child(app, caller, name).await
}

/// A direct child of the caller, or the caller's own account.
///
/// # Errors
/// As [`child`].
pub(crate) async fn own_or_child(
    app: &App,
    caller: Authenticated,
    name: &Named,
) -> Result<(Authenticated, AccountNumber), Error> {
    let caller = settled(app, caller, name).await;
    let find = |caller: &Authenticated| {
        let (owner, own) = (caller.owner(), caller.account());
        if owner.is_root(own) && means_root(name, owner) {
            return Some(own);
        }
        let account = name.find(owner)?;
        let known = account.number == own || account.parent == own;
        known.then_some(account.number)
    };
    let found = app.look(caller, find).await;
    found.ok_or_else(|| name.missing())
}

async fn settled(app: &App, caller: Authenticated, name: &Named) -> Authenticated {
    if name.may_move() {
        app.caught_up(&caller).await
    } else {
        caller
    }
}

/// The owner's own account has a number and the owner's name.
fn means_root(name: &Named, owner: &OwnerState) -> bool {
    match name {
        Named::Id(number) => owner.is_root(*number),
        Named::Name(name) => foldgate_domain::is_same(&owner.name, name),
        Named::Email(_) => false,
    }
}
