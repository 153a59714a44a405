//! The history on the command line: reading it where it is, from a running
//! control plane, on NATS or in a data directory, and carrying it elsewhere.

use std::path::PathBuf;

use foldgate_proto::Revision;
use foldgate_runtime::Settings;

use crate::exit::Failure;

mod diff;
mod export;
mod fold;
mod grid;
mod import;
mod lines;
mod look;
mod out;
mod owners;
mod point;
mod progress;
mod remote;
mod row;
mod show;
mod source;
mod state;
mod tail;
mod target;
mod verify;
mod walk;

pub(crate) use out::Out;
pub(crate) use point::Point;
pub(crate) use progress::Progress;
pub(crate) use remote::Remote;
pub(crate) use verify::verify_remote;

/// A question to the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    /// What is asked.
    pub(crate) ask: Ask,
    /// Answer for programs.
    pub(crate) json: bool,
}

/// See [`History`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The last records and those that come.
    Tail {
        /// How many to begin with.
        last: u64,
    },
    /// One record.
    Show(Revision),
    /// All of it, to carry elsewhere.
    Export,
    /// An export, into an empty log.
    Import(PathBuf),
    /// What was in force.
    State {
        /// When.
        at: Point,
        /// Whose; everybody's if not given.
        owner: Option<String>,
    },
    /// What changed.
    Diff {
        /// From when to when.
        points: [Point; 2],
        /// Whose; everybody's if not given.
        owner: Option<String>,
        /// `--at` was given, which says nothing here.
        misplaced: bool,
    },
}

/// Answers a question; Ctrl-C ends it.
///
/// # Errors
/// Why there is no answer.
pub(crate) async fn run(history: &History, settings: &Settings) -> Result<(), Failure> {
    tokio::select! {
        outcome = answer(history, settings) => outcome,
        // A tail has no other end.
        signal = tokio::signal::ctrl_c() => match (signal, &history.ask) {
            (Ok(()), Ask::Tail { .. }) => Ok(()),
            (Ok(()), _) => Err(Failure::interrupted()),
            (Err(error), _) => Err(Failure::io(error)),
        },
    }
}

async fn answer(history: &History, settings: &Settings) -> Result<(), Failure> {
    let json = history.json;
    match &history.ask {
        Ask::Tail { last } => tail::run(settings, *last, json).await,
        Ask::Show(revision) => show::run(settings, *revision, json).await,
        Ask::Export => export::run(settings).await,
        Ask::Import(file) => import::run(settings, file).await,
        Ask::State { at, owner } => state::run(settings, *at, owner.as_deref(), json).await,
        Ask::Diff {
            misplaced: true, ..
        } => Err(Failure::usage(
            "state diff takes its points as arguments (state diff FROM [TO]), not as --at",
        )),
        Ask::Diff { points, owner, .. } => {
            diff::run(settings, *points, owner.as_deref(), json).await
        }
    }
}
