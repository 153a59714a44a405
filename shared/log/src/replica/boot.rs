//! What a replica begins with: its newest snapshot, if that can still be read.

use std::path::PathBuf;

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

pub(super) async fn boot(dir: Option<PathBuf>) -> Result<Booted, Error> {
    let Some(dir) = dir else {
        return Ok(Booted::empty(None));
    };
    let load = move || {
        let (snapshots, newest) = Snapshots::open(&dir)?;
        Ok(match newest.and_then(|snapshot| revive(&snapshot)) {
            Some(revived) => Booted {
                snapshots: Some(snapshots),
                ..revived
            },
            None => Booted::empty(Some(snapshots)),
        })
    };
    tokio::task::spawn_blocking(load)
        .await
        .unwrap_or_else(|_| Err(Error::Io("reading the snapshots failed".to_owned())))
}

fn revive(snapshot: &Snapshot) -> Option<Booted> {
    let header = snapshot.header;
    let state = match State::from_bytes(&snapshot.state) {
        Ok(state) => state,
        Err(error) => {
            tracing::error!(%error, version = header.fold_version, "a snapshot cannot be used");
            return None;
        }
    };
    let fits = state.revision == header.revision
        && state.chain == header.chain
        && state.log == header.log_id
        && state.revision > Revision::ZERO;
    let current = header.fold_version == FOLD_VERSION;
    if !fits || !(current || header.fold_version + 1 == FOLD_VERSION) {
        tracing::warn!(
            version = header.fold_version,
            "a snapshot does not fit this program"
        );
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
