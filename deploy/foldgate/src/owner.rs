//! The first owner of an empty log, and the key that is shown once.
//!
//! A drawn key is on the disk before the owner is in the log: a process that
//! dies in between finds it again, where the other order would leave an owner
//! whose key nobody has.

use std::sync::Arc;
use std::time::Duration;

use foldgate_control_plane::bootstrap::Error;
use foldgate_control_plane::{KeyFile, ensure_owner};
use foldgate_log::{EventLog, Replica};
use foldgate_runtime::{Component, DataDir};
use foldgate_vault::new_key;
use secrecy::{ExposeSecret, SecretString};

use crate::exit::Failure;
use crate::storage::OWNER_KEY_FILE;

/// How long one try waits for the log.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is tried.
const AGAIN: Duration = Duration::from_millis(500);

/// What claiming needs.
pub(crate) struct Claim<'a> {
    /// Where to write.
    pub(crate) log: Arc<dyn EventLog>,
    /// Where to see what stands.
    pub(crate) replica: Replica,
    /// The owner's name.
    pub(crate) name: &'a str,
    /// The key the settings give.
    pub(crate) given: Option<&'a SecretString>,
    /// Where a drawn key is kept.
    pub(crate) data: &'a DataDir,
}

impl Claim<'_> {
    /// Waits until the log has an owner, and makes it if the log is empty. The
    /// key is given back if this directory keeps it and it came to stand now.
    ///
    /// # Errors
    /// When the owner is refused, or the disk refuses the key.
    pub(crate) async fn ensure(&self, component: &Component) -> Result<Option<Claimed>, Failure> {
        loop {
            match self.once().await {
                Ok(drawn) => {
                    component.ready();
                    return Ok(drawn);
                }
                Err(Stopped::Later(reason)) => component.not_ready(reason),
                Err(Stopped::Never(failure)) => return Err(failure),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn once(&self) -> Result<Option<Claimed>, Stopped> {
        let mut status = self.replica.watch();
        let caught_up = status.wait_for(|status| status.caught_up);
        if !matches!(tokio::time::timeout(PATIENCE, caught_up).await, Ok(Ok(_))) {
            return Err(Stopped::Later(
                "the log was not read to its end yet".to_owned(),
            ));
        }
        if let Some(owner) = self.replica.table().state.first_owner() {
            // A rotation may have been cut off between the log and the file.
            let file = KeyFile::new(self.data.file(OWNER_KEY_FILE));
            file.settle(&owner.key_hash).map_err(Failure::from)?;
            return Ok(None);
        }
        let drawn = match self.given {
            Some(_) => None,
            None => Some(self.kept_or_drawn()?),
        };
        let key = self.given.or(drawn.as_ref().map(|drawn| &drawn.key));
        let ensured = ensure_owner(&self.log, &self.replica, self.name, key, PATIENCE).await?;
        if ensured.claimed {
            return Ok(drawn);
        }
        if drawn.is_some() {
            // Another process was first: its key counts, this one opens nothing.
            let _ = std::fs::remove_file(self.data.file(OWNER_KEY_FILE));
        }
        Ok(None)
    }

    fn kept_or_drawn(&self) -> Result<Claimed, Stopped> {
        if let Some(kept) = self.data.read(OWNER_KEY_FILE).map_err(Failure::from)? {
            return Ok(Claimed {
                key: SecretString::from(kept.expose_secret().trim()),
                is_new: false,
            });
        }
        let drawn = new_key().map_err(Failure::io)?;
        let line = format!("{}\n", drawn.expose_secret());
        self.data
            .write(OWNER_KEY_FILE, line.as_bytes())
            .map_err(Failure::from)?;
        Ok(Claimed {
            key: drawn,
            is_new: true,
        })
    }
}

/// The key of an owner that was made just now, and that the directory keeps.
pub(crate) struct Claimed {
    /// The key.
    pub(crate) key: SecretString,
    /// Whether this start drew it: an earlier one may have shown it already.
    pub(crate) is_new: bool,
}

/// Why there is no owner yet.
enum Stopped {
    Later(String),
    Never(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Never(failure)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        match error {
            Error::NotCaughtUp(_) | Error::Unavailable(_) => Self::Later(error.to_string()),
            Error::Refused(_) => Self::Never(Failure::usage(error)),
            Error::NoKey(_) => Self::Never(Failure::io(error)),
        }
    }
}

#[cfg(test)]
mod tests;
