//! Either log, behind one face.

use std::path::PathBuf;
use std::sync::Arc;

use foldgate_log::jetstream::{Init, init};
use foldgate_log::{Embedded, EventLog};
use foldgate_proto::{LogId, Revision};
use tempfile::TempDir;

use super::NatsServer;

/// A fresh log of one kind.
pub(crate) enum Bench {
    Embedded { log: Option<Embedded>, dir: TempDir },
    JetStream { server: NatsServer },
}

impl Bench {
    pub(crate) async fn embedded() -> Self {
        let dir = TempDir::new().unwrap();
        let log = Some(Embedded::open(dir.path()).await.unwrap());
        Self::Embedded { log, dir }
    }

    pub(crate) async fn jetstream() -> Self {
        let server = NatsServer::start();
        server.log().await;
        Self::JetStream { server }
    }

    /// An empty log of the same kind with this id.
    pub(crate) async fn with_id(&self, id: LogId) -> Self {
        match self {
            Self::Embedded { .. } => {
                let dir = TempDir::new().unwrap();
                let log = Some(Embedded::create(dir.path(), id).await.unwrap());
                Self::Embedded { log, dir }
            }
            Self::JetStream { .. } => {
                let server = NatsServer::start();
                let log_id = Some(id);
                let how = Init {
                    replicas: 1,
                    log_id,
                };
                init(&server.options(), &how).await.unwrap();
                Self::JetStream { server }
            }
        }
    }

    /// A handle; on NATS each has a connection of its own.
    pub(crate) async fn log(&self) -> Arc<dyn EventLog> {
        match self {
            Self::Embedded { log, .. } => Arc::new(log.clone().unwrap()),
            Self::JetStream { server } => Arc::new(server.open().await),
        }
    }

    /// Writes bytes at a revision past all checks of the log. Drop every handle first.
    pub(crate) async fn intrude(&mut self, revision: Revision, bytes: &[u8]) {
        match self {
            Self::Embedded { log, dir } => {
                drop(log.take());
                let path = dir.path().join("sled");
                super::eventually("the store is closed", || async {
                    write(&path, revision, bytes).ok()
                })
                .await;
                *log = Some(Embedded::inspect(dir.path()).await.unwrap());
            }
            Self::JetStream { server } => {
                let context = async_nats::jetstream::new(server.client().await);
                let ack = context
                    .publish("foldgate.log.x.y", bytes.to_vec().into())
                    .await;
                assert_eq!(ack.unwrap().await.unwrap().sequence, revision.0);
            }
        }
    }
}

/// The store's layout, written down a second time: it must not change unnoticed.
fn write(path: &PathBuf, revision: Revision, bytes: &[u8]) -> sled::Result<()> {
    let db = sled::open(path)?;
    let mut value = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    value.extend_from_slice(&foldgate_proto::RecordHash::of(bytes).0);
    value.extend_from_slice(bytes);
    let mut key = revision.0.to_be_bytes().to_vec();
    key.extend_from_slice(&[0, 0]);
    db.open_tree("records")?.insert(key, value)?;
    db.flush()?;
    Ok(())
}
