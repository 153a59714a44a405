//! Where a history is read: by the word of a running control plane, on NATS, or
//! in a data directory.

use std::sync::Arc;

use foldgate_log::{Embedded, Error, EventLog, JetStream, Position, Stored};
use foldgate_proto::{LogId, Revision};
use foldgate_runtime::Settings;

use super::remote::Remote;
use crate::exit::Failure;
use crate::nats;
use crate::storage::LOG_FOLDER;

/// See the module.
pub(super) enum Source {
    /// On NATS.
    Nats(Arc<dyn EventLog>),
    /// In a data directory that no process holds: nothing comes to it.
    Resting(Arc<dyn EventLog>),
    /// Behind a running control plane.
    Remote(Box<Remote>),
}

impl Source {
    /// Finds the log that the settings name. A data directory that a running
    /// process holds is read through that process.
    ///
    /// # Errors
    /// When there is none, or it cannot be reached.
    pub(super) async fn open(settings: &Settings) -> Result<Self, Failure> {
        if !settings.admin_url.is_empty() {
            return Ok(Self::Remote(Box::new(Remote::named(settings)?)));
        }
        if !settings.nats.url.is_empty() {
            let log = JetStream::open(nats::options(settings, "log")).await?;
            if let Some(promised) = log.unfinished().await? {
                return Err(Failure::io(format!(
                    "the log is not whole: the import of {} records is not finished",
                    promised.revision
                )));
            }
            return Ok(Self::Nats(Arc::new(log)));
        }
        match Embedded::inspect(&settings.data_dir.join(LOG_FOLDER)).await {
            Ok(log) => Ok(Self::Resting(Arc::new(log))),
            Err(Error::InUse(folder)) => match Remote::beside(settings)? {
                Some(remote) => Ok(Self::Remote(Box::new(remote))),
                None => Err(Failure::io(format!(
                    "{}; ask it: --admin-url names its admin listener, FOLDGATE_OWNER_KEY its key",
                    Error::InUse(folder)
                ))),
            },
            Err(error @ Error::Missing(_)) => Err(Failure::usage(format!(
                "{error} (--data-dir, FOLDGATE_NATS_URL or --admin-url name another)"
            ))),
            Err(error) => Err(foldgate_log::VerifyError::from(error).into()),
        }
    }

    /// The log's id.
    pub(super) async fn log_id(&self) -> Result<LogId, Failure> {
        match self {
            Self::Nats(log) | Self::Resting(log) => Ok(log.log_id().await?),
            Self::Remote(remote) => Ok(remote.page(Revision(1), 1).await?.0.log_id()),
        }
    }

    /// The log's last position.
    pub(super) async fn head(&self) -> Result<Position, Failure> {
        match self {
            Self::Nats(log) | Self::Resting(log) => Ok(log.head().await?),
            Self::Remote(remote) => Ok(remote.page(Revision(1), 1).await?.0.head()),
        }
    }

    /// Up to `max` consecutive records from `from` on.
    pub(super) async fn read(&self, from: Revision, max: usize) -> Result<Vec<Stored>, Failure> {
        match self {
            Self::Nats(log) | Self::Resting(log) => {
                let read = log.read(from, max).await;
                Ok(read.map_err(foldgate_log::VerifyError::from)?)
            }
            Self::Remote(remote) => Ok(remote.page(from, max).await?.1),
        }
    }
}
