//! The node's own directory: created private, locked against a second process,
//! with secrets in files nobody else may read.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Serialize;

use crate::settings::Name;

/// The longest file this module reads, in bytes: keys and names.
const MAX_FILE_BYTES: u64 = 64 * 1024;

const LOCK_FILE: &str = "foldgate.lock";
const NODE_FILE: &str = "node";
/// Where a running process tells its listeners' addresses.
pub const LISTENERS_FILE: &str = "listeners.json";

/// A data directory in use by this process, until dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Holding it open holds the lock.
    _lock: File,
}

/// The addresses that were bound, as `listeners.json` tells them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Listeners {
    /// Callers' traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<SocketAddr>,
    /// Admin and owner API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<SocketAddr>,
    /// Health and metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<SocketAddr>,
}

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process uses it.
    #[error("data directory {0} is in use by another foldgate process")]
    InUse(PathBuf),
    /// A file or the directory cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds something else than it should.
    #[error("{path}: {what}", path = path.display())]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

impl DataDir {
    /// Creates the directory if need be and takes it for this process.
    ///
    /// # Errors
    /// When it cannot be made or another process has it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|source| io_error(path, source))?;
        let lock_path = path.join(LOCK_FILE);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|source| io_error(&lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(io_error(&lock_path, source)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file of it is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file nobody else may read: whole or not at all, also when the
    /// power fails.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        write_private(&self.file(name), bytes)
    }

    /// Reads a text file; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, is too long, or is no text.
    pub fn read(&self, name: &str) -> Result<Option<SecretString>, Error> {
        read_text(&self.file(name))
    }

    /// This node's name: the configured one, else one drawn at the first start
    /// and kept. The host's name alone would not do: two nodes may share it.
    ///
    /// # Errors
    /// When the kept name cannot be read or written.
    pub fn node_name(&self, configured: Option<&Name>) -> Result<String, Error> {
        if let Some(name) = configured {
            return Ok(name.to_string());
        }
        if let Some(kept) = self.read(NODE_FILE)? {
            let text = secrecy::ExposeSecret::expose_secret(&kept).trim();
            return Name::new(text)
                .map(|name| name.to_string())
                .map_err(|what| Error::Damaged {
                    path: self.file(NODE_FILE),
                    what,
                });
        }
        let drawn = uuid::Uuid::new_v4().simple().to_string();
        let name = format!("{}-{}", host_name(), &drawn[..6]);
        self.write(NODE_FILE, format!("{name}\n").as_bytes())?;
        Ok(name)
    }

    /// Tells where the process listens, once everything is bound.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_listeners(&self, listeners: &Listeners) -> Result<(), Error> {
        let mut text = serde_json::to_vec(listeners)
            .map_err(|source| io_error(&self.file(LISTENERS_FILE), source.into()))?;
        text.push(b'\n');
        self.write(LISTENERS_FILE, &text)
    }

    /// Takes the addresses away again: nobody listens there any more.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove_listeners(&self) -> Result<(), Error> {
        remove(&self.file(LISTENERS_FILE))
    }
}

/// Writes a file as [`DataDir::write`] does.
///
/// # Errors
/// When the disk refuses.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, bytes).map_err(|source| io_error(path, source))
}

/// Removes a file, if it is there.
///
/// # Errors
/// When the disk refuses.
pub fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(io_error(path, source)),
        _ => Ok(()),
    }
}

/// Reads a text file outside the directory (a key file); `None` when there is none.
///
/// # Errors
/// When it cannot be read, is too long, or is no text.
pub fn read_text(path: &Path) -> Result<Option<SecretString>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io_error(path, source)),
    };
    let mut text = String::new();
    let read = file
        .take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|source| io_error(path, source))?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(Error::Damaged {
            path: path.to_owned(),
            what: format!("longer than {MAX_FILE_BYTES} bytes"),
        });
    }
    Ok(Some(SecretString::from(text)))
}

/// Writes beside the file, syncs, and puts the new one in the old one's place.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", uuid::Uuid::new_v4().simple()));
    let beside = PathBuf::from(beside);
    let written = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&beside, path));
    if let Err(error) = written {
        // The first error tells more than a failed tidying up would.
        let _ = std::fs::remove_file(&beside);
        return Err(error);
    }
    // The new name itself must reach the disk too.
    path.parent()
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

/// The first label of the host's name, in the letters a name may have.
fn host_name() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .unwrap_or_default();
    let label: String = text
        .trim()
        .split('.')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(32)
        .collect();
    if label.is_empty() {
        "node".to_owned()
    } else {
        label
    }
}

fn io_error(path: &Path, source: io::Error) -> Error {
    Error::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
