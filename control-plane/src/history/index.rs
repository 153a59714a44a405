//! One making of the index: its store and its checkpoints, in a folder of its
//! own, so that one that has to go takes nothing of its successor along.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use foldgate_domain::State;
use foldgate_log::{Position, Stored};
use foldgate_proto::{LogId, OwnerId, Record, Revision, Timestamp};
use uuid::Uuid;

use super::find::{self, Filter, Found};
use super::past::Past;
use super::row::Entry;
use super::store::{Fault, Kept, Meta, Store};
use super::term::Term;

/// How the folders begin.
const NAME: &str = "index-";

/// See the module.
#[derive(Debug)]
pub(crate) struct Index {
    pub(super) log: LogId,
    pub(super) past: Arc<Past>,
    store: Store,
    folder: PathBuf,
}

/// Records with what each is kept as, ready to be written.
pub(super) struct Group {
    pub(super) state: State,
    entries: Vec<(OwnerId, Entry)>,
    moments: Vec<(Timestamp, Revision)>,
}

impl Index {
    /// Opens the index in a folder; `None` is that there is none. Blocks.
    ///
    /// # Errors
    /// There is one that cannot be used.
    pub(super) fn open(dir: &Path) -> Result<Option<Self>, Fault> {
        let mut folders = folders(dir);
        let (Some(folder), None) = (folders.pop(), folders.pop()) else {
            // Of several none is known to be whole.
            return Ok(None);
        };
        let store = Store::open(&folder.join("sled"))?;
        let meta = store.meta()?;
        let meta = meta.ok_or_else(|| Fault::Damaged("it is empty".to_owned()))?;
        Ok(Some(Self::from_parts(store, meta.log, folder)))
    }

    /// Makes an empty index in the place of whatever there is. Blocks.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn create(dir: &Path, log: LogId) -> Result<Self, Fault> {
        let disk = |error: std::io::Error| Fault::Disk(format!("{}: {error}", dir.display()));
        for old in folders(dir) {
            std::fs::remove_dir_all(old).map_err(disk)?;
        }
        let folder = dir.join(format!("{NAME}{}", Uuid::now_v7()));
        std::fs::create_dir_all(&folder).map_err(disk)?;
        let store = Store::open(&folder.join("sled"))?;
        store.write(&[], &[], &Meta::new(log, Position::genesis(log)))?;
        Ok(Self::from_parts(store, log, folder))
    }

    fn from_parts(store: Store, log: LogId, folder: PathBuf) -> Self {
        let past = Arc::new(Past::open(&folder.join("checkpoints"), log));
        Self {
            log,
            past,
            store,
            folder,
        }
    }

    /// The last record in it.
    pub(super) fn position(&self) -> Result<Position, Fault> {
        let meta = self.store.meta()?;
        let meta = meta.ok_or_else(|| Fault::Damaged("it is empty".to_owned()))?;
        Ok(meta.position())
    }

    /// Writes a group, and a checkpoint if one is due behind it.
    pub(super) fn write(&self, group: &Group) -> Result<(), Fault> {
        let state = &group.state;
        let at = Position {
            revision: state.revision,
            hash: state.chain,
        };
        let meta = Meta::new(self.log, at);
        self.store.write(&group.entries, &group.moments, &meta)?;
        self.past.keep_if_due(state)
    }

    /// Puts on disk what was written.
    pub(super) fn flush(&self) -> Result<(), Fault> {
        self.store.flush()
    }

    /// How many bytes it takes on disk, without the checkpoints.
    pub(super) fn size_on_disk(&self) -> u64 {
        self.store.size_on_disk()
    }

    /// Whether its files are still there.
    pub(super) fn stands(&self) -> bool {
        self.folder.join("sled").join("db").is_file()
    }

    /// Finds an owner's records.
    pub(super) fn find(
        &self,
        owner: OwnerId,
        filter: &Filter,
        window: (Option<Revision>, usize),
    ) -> Result<Found, Fault> {
        find::find(&self.store, owner, filter, window)
    }

    /// What is kept of one record of an owner.
    pub(super) fn row(&self, owner: OwnerId, revision: Revision) -> Result<Option<Kept>, Fault> {
        self.store.row(owner, revision)
    }

    /// The first record of an owner.
    pub(super) fn first(&self, owner: OwnerId) -> Result<Option<Revision>, Fault> {
        let rows = Term::rows().list(owner);
        self.store.at_or_after(&rows, Revision::ZERO)
    }

    /// The first record, of whichever owner, at or behind a moment.
    pub(super) fn first_from(&self, at: Timestamp) -> Result<Option<Revision>, Fault> {
        self.store.first_from(at)
    }

    /// The last record, of whichever owner, at or before a moment.
    pub(super) fn last_until(&self, at: Timestamp) -> Result<Option<Revision>, Fault> {
        self.store.last_until(at)
    }
}

impl Group {
    /// Nothing yet, behind a state.
    pub(super) const fn behind(state: State) -> Self {
        Self {
            state,
            entries: Vec::new(),
            moments: Vec::new(),
        }
    }

    /// Folds a record and keeps what there is to keep of it.
    pub(super) fn add(&mut self, stored: &Stored, record: &Record) {
        let before = self.state.owner(record.owner).cloned();
        self.state.apply(stored.revision, stored.hash, record);
        // Times never run back in a log of ours; of another the state's holds.
        self.moments.push((self.state.at, stored.revision));
        if let Some(after) = self.state.owner(record.owner) {
            let entry = Entry::new(stored, record, (before.as_deref(), after));
            self.entries.push((record.owner, entry));
        }
    }
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let entries = entries.filter_map(Result::ok);
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(NAME))
        .map(|entry| entry.path())
        .collect()
}
