//! What a replica begins with: its newest snapshot, if that can still be read.

use std::path::{Path, PathBuf};

use foldgate_domain::{FOLD_VERSION, State};
use foldgate_proto::report::StateHash;
use foldgate_proto::{LogId, RecordHash, Revision};
use uuid::Uuid;

use super::Status;
use crate::snapshot::{Snapshot, Snapshots};
use crate::{Error, Position};

pub(super) struct Booted {
    pub(super) state: State,
    pub(super) snapshots: Option<Snapshots>,
    /// The state is one to serve from.
    pub(super) ready: bool,
    /// The state can be folded on; else it only serves until it is rebuilt.
    pub(super) current: bool,
    pub(super) state_hash: Option<StateHash>,
}

impl Booted {
    pub(super) fn status(&self) -> Status {
        Status {
            revision: self.state.revision,
            log_known: self.ready,
            chain: if self.ready {
                self.state.chain
            } else {
                RecordHash([0; 32])
            },
            ready: self.ready,
            caught_up: false,
            held: None,
            state_hash: self.state_hash,
        }
    }

    fn empty(snapshots: Option<Snapshots>) -> Self {
        Self {
            // Its real id is learned from the log before anything is folded.
            state: State::new(LogId(Uuid::nil())),
            snapshots,
            ready: false,
            current: false,
            state_hash: None,
        }
    }
}

pub(super) fn position(state: &State) -> Position {
    Position {
        revision: state.revision,
        hash: state.chain,
    }
}

/// `own` is the id of the log that the directory keeps beside its snapshots, if it
/// keeps one.
pub(super) async fn boot(dir: Option<PathBuf>, own: Option<LogId>) -> Result<Booted, Error> {
    let Some(dir) = dir else {
        return Ok(Booted::empty(None));
    };
    let load = move || {
        let (snapshots, revived) = Snapshots::open_with(&dir, |snapshot| revive(&snapshot))?;
        let booted = match revived {
            Some(revived) => Booted {
                snapshots: Some(snapshots),
                ..revived
            },
            None => Booted::empty(Some(snapshots)),
        };
        match own.filter(|own| booted.ready && *own != booted.state.log) {
            Some(own) => Err(exchanged(&dir, own, booted.state.log)),
            None => Ok(booted),
        }
    };
    tokio::task::spawn_blocking(load)
        .await
        .unwrap_or_else(|_| Err(Error::Io("reading the snapshots failed".to_owned())))
}

/// What was acknowledged stands in a log that is not here any more. Beginning anew
/// on this one would throw the snapshots away, the last that tells of it.
fn exchanged(dir: &Path, own: LogId, was: LogId) -> Error {
    Error::Exchanged(format!(
        "the log here has the id {own}, and the snapshots in {} are of log {was}; put that log \
         back, or move the snapshots away to begin with this one",
        dir.display()
    ))
}

fn revive(snapshot: &Snapshot) -> Option<Booted> {
    let header = snapshot.header;
    let state = match State::from_bytes(&snapshot.state) {
        Ok(state) => state,
        Err(error) => {
            let (revision, version) = (header.revision, header.fold_version);
            tracing::error!(%error, %revision, version, "a snapshot cannot be used");
            return None;
        }
    };
    let fits = state.revision == header.revision
        && state.chain == header.chain
        && state.log == header.log_id
        && state.revision > Revision::ZERO;
    let current = header.fold_version == FOLD_VERSION;
    if !fits || !(current || header.fold_version.saturating_add(1) == FOLD_VERSION) {
        let (revision, version) = (header.revision, header.fold_version);
        tracing::warn!(%revision, version, "a snapshot does not fit this program");
        return None;
    }
    tracing::info!(revision = %header.revision, "serving from the snapshot");
    Some(Booted {
        state,
        snapshots: None,
        ready: true,
        current,
        state_hash: Some(StateHash {
            revision: header.revision,
            hash: header.state_hash,
            fold_version: header.fold_version,
        }),
    })
}
