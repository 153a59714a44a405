//! Segments: the files of a spool. Each begins with where the spool stood when it
//! was made, so that those before it can be deleted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::frame::Frame;

const MAGIC: &[u8; 8] = b"fguse\x00\x00\x01";
const ENDING: &str = "spool";

/// Where a spool stands. Records are counted through, over all segments and for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// The spool.
    pub(super) spool: Uuid,
    /// How many records were settled.
    pub(super) settled: u64,
    /// How many of them were put into batches.
    pub(super) batched: u64,
    /// The last batch's number.
    pub(super) number: u64,
    /// The last batch that arrived.
    pub(super) acknowledged: u64,
    /// How many records arrived.
    pub(super) arrived: u64,
}

impl Standing {
    pub(super) const fn new(spool: Uuid) -> Self {
        Self {
            spool,
            settled: 0,
            batched: 0,
            number: 0,
            acknowledged: 0,
            arrived: 0,
        }
    }
}

/// A segment that was read.
pub(super) struct Found {
    pub(super) sequence: u64,
    pub(super) path: PathBuf,
    pub(super) standing: Standing,
    /// Where its frames begin.
    pub(super) start: usize,
    pub(super) bytes: Vec<u8>,
}

impl Found {
    /// Its whole frames, and each as bytes. Answers whether they reach its end.
    pub(super) fn frames(&self, mut each: impl FnMut(Frame<'_>, &[u8])) -> bool {
        let mut at = self.start;
        while let Some((frame, length)) = Frame::read(&self.bytes[at..]) {
            each(frame, &self.bytes[at..at + length]);
            at += length;
        }
        at == self.bytes.len()
    }
}

/// The segments of a folder in order, by their sequence numbers.
pub(super) fn list(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str());
        let ours = path.extension().is_some_and(|ending| ending == ENDING);
        if let (Some(sequence), true) = (name.and_then(|name| name.parse().ok()), ours) {
            found.push((sequence, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Where a segment is.
pub(super) fn path(dir: &Path, sequence: u64) -> PathBuf {
    dir.join(format!("{sequence:020}.{ENDING}"))
}

/// Makes a segment. Answers its file, to be appended to, and how long it is.
pub(super) fn create(
    dir: &Path,
    sequence: u64,
    standing: &Standing,
) -> io::Result<(Arc<File>, u64)> {
    let body = rmp_serde::to_vec_named(standing).map_err(io::Error::other)?;
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&Frame::Settled(standing.spool, &body).encode());
    let path = path(dir, sequence);
    let made = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)?;
    // A try before this one may have left something.
    made.set_len(0)?;
    (&made).write_all(&head)?;
    Ok((Arc::new(made), u64::try_from(head.len()).unwrap_or(0)))
}

/// Reads a segment; `None` where not even its head is whole.
pub(super) fn read(sequence: u64, path: &Path) -> io::Result<Option<Found>> {
    let bytes = fs::read(path)?;
    let head = bytes.strip_prefix(MAGIC).and_then(Frame::read);
    let Some((Frame::Settled(_, body), length)) = head else {
        return Ok(None);
    };
    let Ok(standing) = rmp_serde::from_slice(body) else {
        return Ok(None);
    };
    Ok(Some(Found {
        sequence,
        path: path.to_owned(),
        standing,
        start: MAGIC.len() + length,
        bytes,
    }))
}
