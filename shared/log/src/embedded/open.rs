//! Opening a store that may be damaged: sled can panic and could hang on such a
//! file, so it is opened on a thread of its own, with a time limit.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use foldgate_proto::{LogId, Revision};

use super::scratch::Scratch;
use super::store::Store;
use crate::{Error, Position, private};

/// How long the store may take to open. A million records take half a second.
const OPEN_LIMIT: Duration = Duration::from_mins(1);

/// An opened store, not yet verified.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) log_id: LogId,
    /// The copy it is of, if it is only looked at.
    pub(super) scratch: Option<Scratch>,
    pub(super) lock: File,
}

/// Opens a copy of the store in `dir`.
pub(super) fn inspect(dir: &Path) -> Result<Opened, Error> {
    let missing = || {
        if super::Witness::peek(dir).is_some() {
            return all_missing();
        }
        Error::Missing(format!("nothing in {}", dir.display()))
    };
    if !dir.join("sled").join("db").is_file() {
        return Err(missing());
    }
    let lock = lock(dir)?;
    let scratch = Scratch::of(dir)?;
    let path = scratch.store();
    let store = guarded(move || Store::open(&path))?;
    let log_id = store.log_id()?.ok_or_else(missing)?;
    Ok(Opened {
        store,
        log_id,
        scratch: Some(scratch),
        lock,
    })
}

fn all_missing() -> Error {
    Error::Damaged {
        revision: Revision(1),
        reason: "all of the log is missing".to_owned(),
    }
}

/// Opens the store in `dir`; creates it with `create` as its id if it is empty.
pub(super) fn open(dir: &Path, create: LogId) -> Result<Opened, Error> {
    let path = dir.join("sled");
    let io = |error: std::io::Error| Error::io(dir.display(), &error);
    private::folder(dir).map_err(io)?;
    let lock = lock(dir)?;
    let store = guarded(move || Store::open(&path))?;
    private::close(dir).map_err(io)?;
    let log_id = match store.log_id()? {
        Some(log_id) => log_id,
        None if super::Witness::peek(dir).is_some() => return Err(all_missing()),
        None => {
            store.init(create)?;
            sync_dirs(dir)?;
            create
        }
    };
    Ok(Opened {
        store,
        log_id,
        scratch: None,
        lock,
    })
}

/// The error of a log that ends before the place it once reached.
pub(super) fn lost(head: Position, lost: Revision) -> Error {
    Error::Damaged {
        revision: head.revision.next().min(lost),
        reason: format!(
            "the log ends at {}, and once reached {lost} with another record",
            head.revision
        ),
    }
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let file = private::options()
        .open(&path)
        .map_err(|error| Error::io(path.display(), &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(Error::io(path.display(), &error)),
    }
}

/// Runs `open` on its own thread. If it hangs, the thread is left behind: the
/// process is about to end anyway, for want of a log.
fn guarded<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let damaged = |reason: &str| Error::Damaged {
        revision: Revision::ZERO,
        reason: reason.to_owned(),
    };
    let (tx, rx) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("log-open".to_owned())
        .spawn(move || {
            let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(open));
            // Nobody waits any longer if the time limit has passed.
            let _ = tx.send(opened);
        })
        .map_err(|error| Error::io("a thread to open the log", &error))?;
    match rx.recv_timeout(OPEN_LIMIT) {
        Ok(Ok(opened)) => opened,
        Ok(Err(_)) => Err(damaged("the store gave up on its file while opening it")),
        Err(_) => Err(damaged("the store could not be opened in time")),
    }
}

/// Makes the new files' names durable.
fn sync_dirs(dir: &Path) -> Result<(), Error> {
    for path in [&dir.join("sled"), dir] {
        File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(|error| Error::io(path.display(), &error))?;
    }
    Ok(())
}
