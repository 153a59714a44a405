//! Sleeps in a file: written beside and renamed, so that it is whole or the
//! one before.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use foldgate_proto::SleepReport;

/// The largest file that is read: as many sleeps as a book remembers, at a
/// generous kilobyte each.
const MAX_FILE_BYTES: u64 = 100 * 1024 * 1024;

/// Sleeps cannot be kept or read back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("the file of sleeps cannot be read or written")]
    Io(#[from] io::Error),
    /// The file holds something else.
    #[error("the file of sleeps is damaged: {0}")]
    Damaged(String),
    /// The file is larger than any book.
    #[error("the file of sleeps has {0} bytes, more than {MAX_FILE_BYTES}")]
    TooLarge(u64),
    /// The process is ending.
    #[error("writing the file of sleeps was interrupted")]
    Interrupted,
}

/// What the file holds; nothing when there is none.
pub(super) fn read(file: &Path) -> Result<Vec<SleepReport>, StoreError> {
    let size = match fs::metadata(file) {
        Ok(meta) => meta.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    if size > MAX_FILE_BYTES {
        return Err(StoreError::TooLarge(size));
    }
    rmp_serde::from_slice(&fs::read(file)?).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// Replaces the file.
pub(super) fn write(file: &Path, reports: &[SleepReport]) -> Result<(), StoreError> {
    let bytes =
        rmp_serde::to_vec_named(reports).map_err(|error| StoreError::Damaged(error.to_string()))?;
    let beside = file.with_extension("new");
    let mut new = File::create(&beside)?;
    new.write_all(&bytes)?;
    new.sync_all()?;
    fs::rename(&beside, file)?;
    Ok(())
}
