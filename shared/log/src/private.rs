//! Files and folders that only this user may read: what they hold is not for others.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes a folder, with those above it, unless it is there.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A file to be written anew.
pub(crate) fn file(path: &Path) -> io::Result<File> {
    options().truncate(true).open(path)
}

/// How a file is opened to be written, and made if it is not there.
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false).mode(0o600);
    options
}

/// Closes a folder, and all that somebody else has made in it, to others.
pub(crate) fn close(path: &Path) -> io::Result<()> {
    let closed = |mode| fs::Permissions::from_mode(mode);
    fs::set_permissions(path, closed(0o700))?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            close(&entry.path())?;
        } else {
            fs::set_permissions(entry.path(), closed(0o600))?;
        }
    }
    Ok(())
}
