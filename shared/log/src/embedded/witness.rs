//! The witness: a file that remembers how long the log is. Two slots are
//! written in turn, so that a torn write leaves the other. It is written after
//! the log's own sync and never runs ahead of it; it needs no sync of its own,
//! because it only has to outlive damage to the store, not every power cut.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use foldgate_proto::{RecordHash, Revision};

use crate::{Error, Position, private};

/// A slot: revision (8), hash (32), checksum (8), padding.
const SLOT: usize = 64;

/// The file.
#[derive(Debug)]
pub(super) struct Witness {
    file: File,
    seen: Option<Position>,
}

impl Witness {
    /// Opens or creates the witness of the log in `dir`.
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("head");
        let file = private::options()
            .read(true)
            .open(&path)
            .map_err(|error| Error::io(path.display(), &error))?;
        let seen = latest(&file);
        Ok(Self { file, seen })
    }

    /// The witness of the log in `dir`, if there is one that can be read.
    pub(super) fn peek(dir: &Path) -> Option<Self> {
        let file = File::open(dir.join("head")).ok()?;
        let seen = Some(latest(&file)?);
        Some(Self { file, seen })
    }

    /// The revision the log once reached, if that contradicts a log that ends at `head`.
    pub(super) fn beyond(&self, head: Position) -> Option<Revision> {
        let seen = self.seen?;
        let contradicts = seen.revision > head.revision
            || (seen.revision == head.revision && seen.hash != head.hash);
        contradicts.then_some(seen.revision)
    }

    /// Remembers that the log reaches `head`.
    pub(super) fn note(&mut self, head: Position) -> Result<(), Error> {
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(&head.revision.0.to_be_bytes());
        slot[8..40].copy_from_slice(&head.hash.0);
        let sum = RecordHash::of(&slot[..40]);
        slot[40..48].copy_from_slice(&sum.0[..8]);
        let offset = (head.revision.0 % 2) * SLOT as u64;
        self.file
            .write_all_at(&slot, offset)
            .map_err(|error| Error::io("the log's witness", &error))?;
        self.seen = Some(head);
        Ok(())
    }
}

fn latest(file: &File) -> Option<Position> {
    [0, SLOT as u64]
        .into_iter()
        .filter_map(|offset| slot(file, offset))
        .max_by_key(|position| position.revision)
}

fn slot(file: &File, offset: u64) -> Option<Position> {
    let mut slot = [0; SLOT];
    file.read_exact_at(&mut slot, offset).ok()?;
    let (body, sum) = (&slot[..40], &slot[40..48]);
    if RecordHash::of(body).0[..8] != *sum {
        return None;
    }
    let revision = u64::from_be_bytes(*body.first_chunk()?);
    let hash = RecordHash(<[u8; 32]>::try_from(&body[8..]).ok()?);
    Some(Position {
        revision: Revision(revision),
        hash,
    })
}
