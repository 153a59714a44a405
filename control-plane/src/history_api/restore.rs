//! `POST /admin/v1/state/restore`: puts resources back as they stood.

use std::str::FromStr;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_domain::command::Restore;
use foldgate_domain::{Command, OwnerState};
use foldgate_proto::{Change, Event, ResourceId};
use serde_json::json;

use super::params::Params;
use super::place;
use super::resource::Named;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply::Done;
use crate::request::Write;

/// `POST /admin/v1/state/restore`
pub(crate) async fn restore(
    State(app): State<App>,
    caller: Authenticated,
    RawQuery(query): RawQuery,
    write: Write,
) -> Result<Response, Error> {
    only_plain(&write, "a restore")?;
    let params = Params::new(query);
    let missing = "is required: the revision, such as 12, or the time, such as \
                   2026-01-31T12:00:00Z, to go back to";
    let at = params.place("at")?;
    let at = at.ok_or_else(|| Error::field("at", missing))?;
    let only = match params.text("resource")? {
        None => None,
        Some(text) => {
            let wrong = |error: foldgate_proto::resource::UnknownResource| {
                let problem = format!("{error}, or with its id; leave it out for everything");
                Error::field("resource", problem)
            };
            Some(Named::from_str(text).map_err(wrong)?)
        }
    };
    let (caller, revision) = place::state_revision(&app, caller, ("at", Some(at))).await?;
    let owner = caller.owner_id();
    let then = place::owner_at(&app, &caller, revision).await?;
    let only = match only {
        None => None,
        Some(named) => {
            let is_retry = App::is_retry(&caller, &write);
            let found = find(&named, [&then, caller.owner()], is_retry);
            Some(found.ok_or_else(|| Error::NotInHistory {
                param: "resource",
                message: format!("{named} stood neither at revision {revision} nor stands now"),
            })?)
        }
    };
    let command = Command::Restore(Restore {
        revision,
        then,
        only,
    });
    let submitted = app.submit(&caller, &write, command).await;
    let mut done = submitted.map_err(|error| match error {
        Error::TooLargeToWrite(_) if only.is_none() => Error::TooMuchToRestore(revision),
        other => other,
    })?;
    let resources = put_back(&done);
    done.tell_changes(owner);
    let message = match (done.is_replay(), resources.len()) {
        (true, _) => format!("restored before, as of revision {revision}"),
        (false, 0) => format!("nothing to restore: all is as it was at revision {revision}"),
        (false, _) => {
            let back = done.was("restored", "would be restored");
            let gone = done.was("removed", "would be removed");
            let told = Counts::of(&done).told(back, gone);
            format!("{told} as of revision {revision}")
        }
    };
    let mut body = json!({"restored": revision.0, "resources": resources, "message": message});
    if let Some(written) = done.written() {
        body["revision"] = json!(written.0);
    }
    Ok(done.reply(body))
}

/// Which resource was named, as it stood or as it stands. A retry of what took it
/// away is answered also where it is not there any more.
fn find(named: &Named, owners: [&OwnerState; 2], is_retry: bool) -> Option<ResourceId> {
    let stands = |owner: &&OwnerState| {
        let found = named.of(owner)?;
        (is_retry || owner.resource(found).is_some()).then_some(found)
    };
    owners.iter().find_map(stands)
}

/// Refuses what a request that brings back what was cannot hold: fields, and an
/// `If-Match` of one resource.
///
/// # Errors
/// Names it.
pub(super) fn only_plain(write: &Write, what: &str) -> Result<(), Error> {
    if write.if_match.is_some() {
        let problem = format!(
            "{what} may change many resources, so no one ETag can stand for them; send it without \
             (what has changed since is told by itself)"
        );
        return Err(Error::field("If-Match", problem));
    }
    if write.body().trim_ascii().is_empty() {
        return Ok(());
    }
    write.fields()?.finish()
}

/// What a write brought back or took away: their names.
pub(super) fn put_back(done: &Done) -> Vec<String> {
    changes(done)
        .map(|change| change.resource.to_string())
        .collect()
}

fn changes(done: &Done) -> impl Iterator<Item = &Change> {
    done.events().iter().flat_map(|event| match event {
        Event::RecordUndone(undone) => undone.changes.as_slice(),
        Event::StateRestored(restored) => restored.changes.as_slice(),
        _ => &[],
    })
}

/// How many resources a write brought back, and how many it took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    back: usize,
    gone: usize,
}

impl Counts {
    /// Those of a write.
    pub(super) fn of(done: &Done) -> Self {
        let gone = changes(done).filter(|change| change.value.is_none());
        let gone = gone.count();
        Self {
            back: changes(done).count() - gone,
            gone,
        }
    }

    /// So many resources, in words.
    pub(super) fn told(self, back: &str, gone: &str) -> String {
        let counted = |count: usize| match count {
            1 => "1 resource".to_owned(),
            count => format!("{count} resources"),
        };
        match (self.back, self.gone) {
            (0, count) => format!("{} {gone}", counted(count)),
            (count, 0) => format!("{} {back}", counted(count)),
            (count, left) => format!("{} {back} and {left} {gone}", counted(count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn what_went_is_not_said_to_be_back() {
        let told = |back, gone| Counts { back, gone }.told("put back", "removed");
        assert_eq!(told(1, 0), "1 resource put back");
        assert_eq!(told(0, 1), "1 resource removed");
        assert_eq!(told(2, 1), "2 resources put back and 1 removed");
    }
}
