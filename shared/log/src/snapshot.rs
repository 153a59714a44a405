//! Snapshots beside the node: its whole state at one revision, in two slots that
//! are written in turn, so that a crash or damage leaves the other. A damaged
//! file is set aside and never stops a node.

mod format;

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use foldgate_proto::{LogId, RecordHash, Revision};
use serde::{Deserialize, Serialize};

use crate::{Error, Position, private};
pub use format::DecodeError;

/// The greatest snapshot that is read, in bytes: a million keys.
pub const MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;

const SLOTS: [&str; 2] = ["snapshot-a", "snapshot-b"];
const MANIFEST: &str = "snapshot-manifest";

/// A state at a revision, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is of.
    pub header: Header,
    /// The state.
    pub state: Vec<u8>,
}

/// What a snapshot is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The log.
    pub log_id: LogId,
    /// The last revision folded.
    pub revision: Revision,
    /// The hash of the record there.
    pub chain: RecordHash,
    /// The hash of the state's bytes.
    pub state_hash: RecordHash,
    /// The version of the fold that made it.
    pub fold_version: u32,
    /// Counts up with each snapshot of this node: the newest is the greatest.
    pub serial: u64,
}

impl Header {
    /// Where the state stands.
    pub fn position(&self) -> Position {
        Position {
            revision: self.revision,
            hash: self.chain,
        }
    }
}

/// Which slot was written last, and what it holds.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    slot: usize,
    serial: u64,
    /// Of the whole slot file.
    hash: RecordHash,
}

/// A directory with a node's snapshots. One process at a time uses it.
#[derive(Debug)]
pub struct Snapshots {
    dir: PathBuf,
    serial: u64,
    /// The slot that is written next.
    next: usize,
}

impl Snapshots {
    /// Opens a directory and reads the newest snapshot that is whole.
    ///
    /// # Errors
    /// Only when the directory itself cannot be used. Damaged snapshots are set
    /// aside (renamed) and logged.
    pub fn open(dir: &Path) -> Result<(Self, Option<Snapshot>), Error> {
        Self::open_with(dir, Some)
    }

    /// The same, for one who may refuse a snapshot that is whole: one of a program
    /// of another time. What it makes of the newest that it takes is given back;
    /// one that it refuses stays until a newer one is written over it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with<T>(
        dir: &Path,
        mut take: impl FnMut(Snapshot) -> Option<T>,
    ) -> Result<(Self, Option<T>), Error> {
        private::folder(dir).map_err(|error| Error::io(dir.display(), &error))?;
        let mut found: Vec<(usize, Snapshot)> = Vec::new();
        for (slot, name) in SLOTS.into_iter().enumerate() {
            let path = dir.join(name);
            match read(&path) {
                Ok(Some(snapshot)) => found.push((slot, snapshot)),
                Ok(None) => {}
                Err(error) => set_aside(&path, &error.to_string()),
            }
        }
        // Stable: of two alike the first slot serves.
        found.sort_by_key(|(_, snapshot)| std::cmp::Reverse(snapshot.header.serial));
        let serial = found.first().map_or(0, |(_, found)| found.header.serial);
        if let Some(promised) = manifest(dir)
            && promised.serial > serial
        {
            tracing::warn!(
                promised = promised.serial,
                serial,
                "the newest snapshot is lost, an older one serves"
            );
        }
        let mut next = found.last().map_or(0, |(slot, _)| match found.len() {
            1 => 1 - slot,
            _ => *slot,
        });
        let mut taken = None;
        for (slot, snapshot) in found {
            taken = take(snapshot);
            if taken.is_some() {
                next = 1 - slot;
                break;
            }
        }
        let this = Self {
            dir: dir.to_owned(),
            serial,
            next,
        };
        Ok((this, taken))
    }

    /// Writes a snapshot into the older slot, then the manifest. The header's
    /// serial is set here.
    ///
    /// # Errors
    /// When the disk refuses; the snapshot before it stays.
    pub fn save(&mut self, header: Header, state: &[u8]) -> Result<(), Error> {
        let serial = self.serial.saturating_add(1);
        let bytes = format::encode(&Header { serial, ..header }, state);
        let manifest = Manifest {
            slot: self.next,
            serial,
            hash: RecordHash::of(&bytes),
        };
        self.write(SLOTS[self.next], &bytes)?;
        self.serial = serial;
        self.next = 1 - self.next;
        let manifest = rmp_serde::to_vec_named(&manifest).map_err(|e| Error::Io(e.to_string()))?;
        self.write(MANIFEST, &manifest)
    }

    /// Sets both slots aside: they belong to another log.
    pub fn discard(&mut self, why: &str) {
        for slot in SLOTS {
            let path = self.dir.join(slot);
            if path.exists() {
                set_aside(&path, why);
            }
        }
    }

    /// Writes a file whole or not at all.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let (path, draft) = (self.dir.join(name), self.dir.join(format!("{name}.tmp")));
        let written = private::file(&draft)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&draft, &path))
            .and_then(|()| File::open(&self.dir)?.sync_all());
        written.map_err(|error| Error::io(path.display(), &error))
    }
}

fn read(path: &Path) -> Result<Option<Snapshot>, Error> {
    let io = |error: std::io::Error| Error::io(path.display(), &error);
    let size = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    if size > MAX_BYTES {
        return Err(Error::Io(format!("{size} bytes are too many")));
    }
    let bytes = fs::read(path).map_err(io)?;
    let snapshot = format::decode(&bytes).map_err(|error| Error::Io(error.to_string()))?;
    Ok(Some(snapshot))
}

fn manifest(dir: &Path) -> Option<Manifest> {
    let path = dir.join(MANIFEST);
    let size = fs::metadata(&path).ok()?.len();
    if size > 1024 {
        return None;
    }
    rmp_serde::from_slice(&fs::read(path).ok()?).ok()
}

/// Renames a file so that it is kept for a look but never read again. One such
/// file per slot is kept.
fn set_aside(path: &Path, why: &str) {
    let aside = path.with_extension("damaged");
    tracing::error!(path = %path.display(), why, "a snapshot is set aside");
    metrics::counter!("foldgate_snapshots_set_aside_total").increment(1);
    if let Err(error) = fs::rename(path, &aside) {
        tracing::error!(%error, path = %path.display(), "it cannot be renamed");
    }
}
