//! A log that is not where it was. A first start makes the log before all that
//! depends on it. Where only that is left, an empty log would throw away what was
//! acknowledged, without a word.

use foldgate_runtime::DataDir;

use crate::exit::Failure;
use crate::storage::{LOG_FOLDER, OWNER_KEY_FILE, SNAPSHOT_FOLDER};

/// Refuses to begin anew where an embedded log once was.
///
/// # Errors
/// When there is no log, but what only a log leaves behind.
pub(super) fn check(data: &DataDir) -> Result<(), Failure> {
    let log = data.file(LOG_FOLDER);
    let left: Vec<&str> = [SNAPSHOT_FOLDER, OWNER_KEY_FILE]
        .into_iter()
        .filter(|name| data.file(name).exists())
        .collect();
    if log.exists() || left.is_empty() {
        return Ok(());
    }
    Err(Failure::io(format!(
        "the log is gone: {} does not exist, but {} of it in {}; put the log back, \
         or name another data directory to begin anew",
        log.display(),
        match left.as_slice() {
            [one] => format!("{one} is left"),
            all => format!("{} are left", all.join(" and ")),
        },
        data.path().display()
    )))
}

#[cfg(test)]
mod tests;
