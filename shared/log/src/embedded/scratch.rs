//! A copy of a store to look at: opening one changes it, and a damaged one is
//! evidence that must stay as it is.

use std::fs;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::{Error, private};

/// The copy, beside the log's folder. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn of(dir: &Path) -> Result<Self, Error> {
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        let path = dir.with_file_name(format!("{name}-inspected-{}", Uuid::new_v4().simple()));
        let this = Self(path);
        copy(&dir.join("sled"), &this.store()).map_err(|error| {
            Error::io(
                format_args!("copying {} to look at it", dir.display()),
                &error,
            )
        })?;
        Ok(this)
    }

    pub(super) fn store(&self) -> PathBuf {
        self.0.join("sled")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "a copy of the log is left behind");
        }
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    private::folder(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
