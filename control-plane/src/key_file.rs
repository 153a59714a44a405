//! The file in which a process keeps the first owner's key. A key that is drawn
//! anew stands beside it before the log knows of it: whenever the process dies,
//! the key that counts is in one of the two, and the next start puts it into its
//! place.

use std::path::{Path, PathBuf};

use foldgate_runtime::data_dir::{self, Error};
use foldgate_vault::digest;
use secrecy::ExposeSecret;

/// See the module.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
    next: PathBuf,
}

impl KeyFile {
    /// The file at a path, be it there or not.
    pub fn new(path: PathBuf) -> Self {
        let mut next = path.clone().into_os_string();
        next.push(".next");
        Self {
            path,
            next: PathBuf::from(next),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it holds the key with this SHA-256. A file that was taken away, or
    /// holds an older key, is left as it is.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn holds(&self, hash: &[u8]) -> Result<bool, Error> {
        let kept = data_dir::read_text(&self.path)?;
        Ok(kept.is_some_and(|kept| digest(kept.expose_secret().trim()) == *hash))
    }

    /// Puts a new key beside the one that counts still.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn stage(&self, key: &str) -> Result<(), Error> {
        data_dir::write_private(&self.next, format!("{key}\n").as_bytes())
    }

    /// Puts the new key in the old one's place if it is the one with this SHA-256,
    /// which counts now, and forgets it otherwise.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn settle(&self, hash: &[u8]) -> Result<(), Error> {
        let Some(next) = data_dir::read_text(&self.next)? else {
            return Ok(());
        };
        let next = next.expose_secret();
        if digest(next.trim()) == *hash {
            data_dir::write_private(&self.path, next.as_bytes())?;
        }
        data_dir::remove(&self.next)
    }
}
