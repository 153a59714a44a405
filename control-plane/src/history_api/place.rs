//! From what a client names to a revision that there is, and the words where
//! there is none.

use foldgate_domain::OwnerState;
use foldgate_proto::{Revision, Timestamp};

use super::params::Place;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;

/// A caller with the newest table, whose history is indexed up to it.
///
/// # Errors
/// The index is behind and stays so.
pub(super) async fn settled(app: &App, caller: Authenticated) -> Result<Authenticated, Error> {
    app.history.reach(caller.table().revision()).await?;
    Ok(caller)
}

/// As [`settled`], once more with what the log has newly, if a place is beyond
/// what this process knows.
async fn seen(app: &App, caller: Authenticated, wanted: Revision) -> Result<Authenticated, Error> {
    if wanted <= caller.table().revision() {
        return settled(app, caller).await;
    }
    let caller = app.caught_up(&caller).await;
    settled(app, caller).await
}

/// The revision at which a caller wants to see the state; without a place, now.
///
/// # Errors
/// It is before the caller's history, or beyond the head.
pub(super) async fn state_revision(
    app: &App,
    caller: Authenticated,
    (param, place): (&'static str, Option<Place>),
) -> Result<(Authenticated, Revision), Error> {
    let wanted = match place {
        Some(Place::At(revision)) => revision,
        _ => caller.table().revision(),
    };
    let caller = seen(app, caller, wanted).await?;
    let head = caller.table().revision();
    let revision = match place {
        None => head,
        Some(Place::At(revision)) => revision,
        Some(Place::When(at)) => {
            let last = app.history.last_until(at).await?;
            // What came meanwhile is beyond this request's table.
            last.unwrap_or_default().min(head)
        }
    };
    if revision > head {
        return Err(Error::NotInHistory {
            param,
            message: format!("revision {revision} is beyond the head, which is {head}"),
        });
    }
    let (first, began) = beginning(app, &caller).await?;
    if revision < first {
        return Err(Error::NotInHistory {
            param,
            message: format!("your history begins at revision {first}, at {began}"),
        });
    }
    Ok((caller, revision))
}

/// The revision of one record of a caller's.
///
/// # Errors
/// There is none, or it is somebody else's.
pub(super) async fn record(
    app: &App,
    caller: Authenticated,
    text: &str,
) -> Result<(Authenticated, Revision), Error> {
    let Some(number) = super::params::digits(text) else {
        let problem = format!(
            "{:?} is no revision, such as 12",
            crate::request::quote::quoted(text)
        );
        return Err(Error::field("revision", problem));
    };
    let revision = Revision(number);
    let caller = seen(app, caller, revision).await?;
    if app
        .history
        .row(caller.owner_id(), revision)
        .await?
        .is_some()
    {
        return Ok((caller, revision));
    }
    let head = caller.table().revision();
    let (first, _) = beginning(app, &caller).await?;
    Err(Error::NotInHistory {
        param: "revision",
        message: format!(
            "no record of yours stands at revision {revision}; your history begins at revision \
             {first}, and the head is {head}"
        ),
    })
}

/// A caller's owner as it stood.
///
/// # Errors
/// It did not stand yet, or the log cannot be read.
pub(super) async fn owner_at(
    app: &App,
    caller: &Authenticated,
    revision: Revision,
) -> Result<std::sync::Arc<OwnerState>, Error> {
    let state = app.history.state_at(revision).await?;
    let owner = state.owner(caller.owner_id()).cloned();
    owner.ok_or(Error::Internal)
}

async fn beginning(app: &App, caller: &Authenticated) -> Result<(Revision, Timestamp), Error> {
    let owner = caller.owner_id();
    let first = app.history.first(owner).await?.ok_or(Error::Internal)?;
    let row = app.history.row(owner, first).await?;
    Ok((first, row.map(|row| row.at).unwrap_or_default()))
}
