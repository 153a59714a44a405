//! How records lie in sled: each in chunks, under (revision, chunk number). The
//! first chunk begins with the record's length and hash.

use std::fs::File;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use foldgate_proto::{Encoded, LogId, RecordHash, Revision, record};
use uuid::Uuid;

use crate::event_log::{MAX_READ, MAX_READ_BYTES};
use crate::{Error, Position, Stored, chain};

/// The greatest stored value. sled puts up to 17 values in one page and writes
/// pages over 128 KiB into files of their own, which it never syncs; 17 of these
/// stay under that.
const CHUNK: usize = 4 * 1024;

/// What stands before the first chunk's bytes: the length (4) and the hash (32).
const HEADER: usize = 36;

/// The layout's version.
const FORMAT: &[u8] = b"foldgate-log 1";

const RECORDS: &str = "records";
const META: &str = "meta";
const META_FORMAT: &str = "format";
const META_LOG_ID: &str = "log_id";

/// The opened store.
#[derive(Debug)]
pub(super) struct Store {
    db: sled::Db,
    records: sled::Tree,
    file: File,
}

impl Store {
    /// Opens what is in `path`. May panic on a damaged file: see `open`.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        // Nothing is flushed behind our back: what is not acknowledged need not last.
        let db = sled::Config::new()
            .path(path)
            .flush_every_ms(None)
            .cache_capacity(16 * 1024 * 1024)
            .open()
            .map_err(|error| damaged(Revision::ZERO, &error))?;
        let records = db
            .open_tree(RECORDS)
            .map_err(|error| damaged(Revision::ZERO, &error))?;
        let file = File::open(path.join("db"))
            .map_err(|error| Error::io("the embedded store's file", &error))?;
        Ok(Self { db, records, file })
    }

    /// The log's id; `None` in an empty store.
    pub(super) fn log_id(&self) -> Result<Option<LogId>, Error> {
        let meta = self.meta()?;
        let get = |key: &str| {
            meta.get(key)
                .map_err(|error| damaged(Revision::ZERO, &error))
        };
        let broken = |reason: &str| Error::Damaged {
            revision: Revision::ZERO,
            reason: reason.to_owned(),
        };
        match (get(META_FORMAT)?, get(META_LOG_ID)?) {
            (None, None) if self.records.is_empty() => Ok(None),
            (Some(format), Some(id)) if *format == *FORMAT => Uuid::from_slice(&id)
                .map(|id| Some(LogId(id)))
                .map_err(|_| broken("the log's id cannot be read")),
            (Some(format), _) if *format != *FORMAT => {
                Err(broken("the store was written by another version"))
            }
            _ => Err(broken("the log's id is missing")),
        }
    }

    /// Gives an empty store its id.
    pub(super) fn init(&self, log_id: LogId) -> Result<(), Error> {
        let mut batch = sled::Batch::default();
        batch.insert(META_FORMAT, FORMAT);
        batch.insert(META_LOG_ID, &log_id.0.as_bytes()[..]);
        self.meta()?
            .apply_batch(batch)
            .map_err(|error| Error::Io(error.to_string()))?;
        self.sync()
    }

    /// Writes a group behind `expected`, as one batch with one sync.
    pub(super) fn write(&self, expected: Revision, group: &[Encoded]) -> Result<Position, Error> {
        let mut batch = sled::Batch::default();
        let mut at = Position {
            revision: expected,
            hash: RecordHash([0; 32]),
        };
        for record in group {
            at = Position {
                revision: at.revision.next(),
                hash: record.hash,
            };
            for (number, chunk) in chunks(record).into_iter().enumerate() {
                batch.insert(key(at.revision, number).to_vec(), chunk);
            }
        }
        self.records
            .apply_batch(batch)
            .map_err(|error| Error::Io(error.to_string()))?;
        self.sync()?;
        Ok(at)
    }

    /// Up to `max` whole records from `from` on.
    pub(super) fn read(&self, from: Revision, max: usize) -> Result<Vec<Stored>, Error> {
        let mut found = Vec::new();
        let mut size = 0;
        let mut chunks = self.records.range(key(from.max(Revision(1)), 0)..);
        let mut next = from.max(Revision(1));
        while found.len() < max.min(MAX_READ) && size < MAX_READ_BYTES {
            let Some(stored) = record(&mut chunks, next)? else {
                break;
            };
            size += stored.bytes.len();
            next = next.next();
            found.push(stored);
        }
        Ok(found)
    }

    /// Reads everything and checks every link.
    pub(super) fn verify(&self, log_id: LogId) -> Result<Position, Error> {
        let mut at = Position::genesis(log_id);
        let mut chunks = self.records.iter();
        while let Some(stored) = record(&mut chunks, at.revision.next())? {
            chain::link(at, &stored).map_err(|broken| Error::Damaged {
                revision: broken.revision,
                reason: broken.reason,
            })?;
            at = stored.position();
        }
        Ok(at)
    }

    /// The last position, without a look at what is before it.
    pub(super) fn last(&self, log_id: LogId) -> Result<Position, Error> {
        let last = self
            .records
            .last()
            .map_err(|error| damaged(Revision::ZERO, &error))?;
        let Some((bytes, _)) = last else {
            return Ok(Position::genesis(log_id));
        };
        let (revision, _) = parse(&bytes).unwrap_or((Revision(1), 0));
        let hash = match self.read(revision, 1) {
            Ok(found) => found.first().map(|stored| stored.hash),
            Err(_) => None,
        };
        Ok(Position {
            revision,
            hash: hash.unwrap_or(RecordHash([0; 32])),
        })
    }

    /// How many bytes it takes.
    pub(super) fn size_on_disk(&self) -> u64 {
        self.db.size_on_disk().unwrap_or(0)
    }

    fn meta(&self) -> Result<sled::Tree, Error> {
        self.db
            .open_tree(META)
            .map_err(|error| damaged(Revision::ZERO, &error))
    }

    fn sync(&self) -> Result<(), Error> {
        self.db
            .flush()
            .map_err(|error| Error::Io(error.to_string()))?;
        self.file
            .sync_all()
            .map_err(|error| Error::io("sync of the embedded log", &error))
    }
}

fn key(revision: Revision, chunk: usize) -> [u8; 10] {
    let chunk = u16::try_from(chunk).expect("a record of 512 KiB has 129 chunks at most");
    let mut key = [0; 10];
    key[..8].copy_from_slice(&revision.0.to_be_bytes());
    key[8..].copy_from_slice(&chunk.to_be_bytes());
    key
}

fn parse(key: &[u8]) -> Option<(Revision, u16)> {
    let (revision, chunk) = key.split_first_chunk::<8>()?;
    let chunk = <[u8; 2]>::try_from(chunk).ok()?;
    Some((
        Revision(u64::from_be_bytes(*revision)),
        u16::from_be_bytes(chunk),
    ))
}

fn chunks(record: &Encoded) -> Vec<Vec<u8>> {
    let length = u32::try_from(record.bytes.len()).expect("a record has 512 KiB at most");
    let mut whole = Vec::with_capacity(HEADER + record.bytes.len());
    whole.extend_from_slice(&length.to_be_bytes());
    whole.extend_from_slice(&record.hash.0);
    whole.extend_from_slice(&record.bytes);
    whole.chunks(CHUNK).map(<[u8]>::to_vec).collect()
}

/// The record at `revision`, from the chunks that begin there; `None` at the end.
fn record(chunks: &mut sled::Iter, revision: Revision) -> Result<Option<Stored>, Error> {
    let broken = |reason: String| Error::Damaged { revision, reason };
    let mut whole = BytesMut::new();
    let mut wanted = None;
    let mut number = 0u16;
    while wanted.is_none_or(|wanted| whole.len() < wanted) {
        let Some(entry) = chunks.next() else {
            return match number {
                0 => Ok(None),
                _ => Err(broken("its last chunks are missing".to_owned())),
            };
        };
        let (key, value) = entry.map_err(|error| damaged(revision, &error))?;
        if parse(&key) != Some((revision, number)) {
            return Err(broken(format!("its chunk {number} is missing")));
        }
        whole.extend_from_slice(&value);
        if number == 0 {
            let length = whole
                .first_chunk::<4>()
                .map(|bytes| u32::from_be_bytes(*bytes) as usize)
                .filter(|length| *length <= record::MAX_BYTES)
                .ok_or_else(|| broken("its length cannot be read".to_owned()))?;
            wanted = Some(HEADER + length);
        }
        number = number.saturating_add(1);
    }
    if wanted != Some(whole.len()) {
        return Err(broken("it has bytes too many".to_owned()));
    }
    let bytes: Bytes = whole.freeze();
    let stored = Stored::new(revision, bytes.slice(HEADER..));
    if stored.hash.0[..] != bytes[4..HEADER] {
        return Err(broken("its checksum does not fit".to_owned()));
    }
    Ok(Some(stored))
}

pub(super) fn damaged(revision: Revision, error: &sled::Error) -> Error {
    let reason = match error {
        sled::Error::Corruption { .. } => "the store's file is damaged there".to_owned(),
        sled::Error::Io(error) => error.to_string(),
        sled::Error::Unsupported(text) | sled::Error::ReportableBug(text) => text.clone(),
        sled::Error::CollectionNotFound(_) => "a part of the store is missing".to_owned(),
    };
    let reason = if revision == Revision::ZERO {
        format!("the store cannot be opened: {reason}")
    } else {
        reason
    };
    Error::Damaged { revision, reason }
}
