//! A small table that all control planes share: one value per key, changed only by
//! who knows the value before. What is written there settles who does something
//! that is to be done once (send a mail, say), without a leader.

mod local;
mod nats;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Error, JetStream};

/// The most entries that are read at once.
pub const MAX_ENTRIES: usize = 10_000;

/// The greatest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name: one or more tokens, with dots between.
    pub key: String,
    /// Which of the key's values this is; to be named by whoever changes it.
    pub version: u64,
    /// The value.
    pub value: Bytes,
}

/// How an attempt to change an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It stands.
    Done {
        /// Its version.
        version: u64,
    },
    /// Another was first: the version that was named is not the last.
    Overtaken,
}

/// A handle on a table; clones share it.
#[derive(Clone)]
pub struct Board(Kind);

#[derive(Clone)]
enum Kind {
    Local(Arc<local::Table>),
    Nats(Arc<nats::Table>),
}

impl Board {
    /// A table of one process, in a directory of its own.
    ///
    /// # Errors
    /// When the directory cannot be used, or what is in it cannot be read.
    pub fn local(dir: &Path) -> Result<Self, Error> {
        Ok(Self(Kind::Local(Arc::new(local::Table::open(dir)?))))
    }

    /// The fleet's table of mails, in a stream of the hub.
    pub fn mails(log: &JetStream) -> Self {
        Self(Kind::Nats(Arc::new(nats::Table::mails(log))))
    }

    /// Every entry, or [`MAX_ENTRIES`] of them. What is older than a day is gone.
    ///
    /// # Errors
    /// When the table cannot be read now.
    pub async fn all(&self) -> Result<Vec<Entry>, Error> {
        match &self.0 {
            Kind::Local(table) => table.all(),
            Kind::Nats(table) => table.all().await,
        }
    }

    /// One entry.
    ///
    /// # Errors
    /// When the table cannot be read now.
    pub async fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        match &self.0 {
            Kind::Local(table) => table.get(key),
            Kind::Nats(table) => table.get(key).await,
        }
    }

    /// Sets an entry, if its last version is still this one (`None`: there is none).
    ///
    /// # Errors
    /// When the table cannot be written now. Then it may stand nevertheless: read it
    /// before it is tried again.
    pub async fn put(&self, key: &str, seen: Option<u64>, value: Bytes) -> Result<Put, Error> {
        if value.len() > MAX_VALUE_BYTES {
            let bytes = value.len();
            return Err(Error::Invalid(format!("a value of {bytes} bytes")));
        }
        match &self.0 {
            Kind::Local(table) => table.put(key, seen, &value),
            Kind::Nats(table) => table.put(key, seen, value).await,
        }
    }
}
