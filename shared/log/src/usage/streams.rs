//! The way from senders to folds: over JetStream, where batches are kept, or inside
//! one process.

mod nats;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

use crate::{Error, JetStream};

/// The name of the origin of what does not leave this process.
const LOCAL: &str = "local";

/// Where a fold stands in one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// When the stream was made, in milliseconds: another stream of the same name is
    /// read from its beginning.
    pub made: i64,
    /// The last batch that was folded.
    pub sequence: u64,
}

/// Where a fold stands, by stream.
pub type Positions = BTreeMap<String, Position>;

/// Some batches of one stream, in order.
#[derive(Debug)]
pub struct Group {
    /// The stream.
    pub origin: String,
    /// How many batches before them had gone from the stream before they were read.
    pub missed: u64,
    /// The batches.
    pub deliveries: Vec<Delivery>,
}

/// A batch, as it stands in a stream.
#[derive(Debug)]
pub struct Delivery {
    /// Where.
    pub position: Position,
    /// The batch; see [`super::codec`].
    pub bytes: Bytes,
    folded: Option<oneshot::Sender<()>>,
}

impl Delivery {
    /// Whether its sender keeps it until it is folded, and nobody else does.
    pub const fn is_awaited(&self) -> bool {
        self.folded.is_some()
    }

    /// Says that it is folded, and that on disk: only now may its sender forget it.
    pub fn folded(self) {
        if let Some(folded) = self.folded {
            // The sender may have ended; then it sends it again.
            let _ = folded.send(());
        }
    }
}

/// A handle on the streams. Cheap to clone.
#[derive(Clone)]
pub struct Streams(Kind);

#[derive(Clone)]
enum Kind {
    Local(mpsc::Sender<Delivery>, Arc<Mutex<mpsc::Receiver<Delivery>>>),
    Nats(Arc<nats::Places>),
}

impl Streams {
    /// Inside one process: standalone on the embedded log.
    pub fn local() -> Self {
        let (to, from) = mpsc::channel(1);
        Self(Kind::Local(to, Arc::new(Mutex::new(from))))
    }

    /// Over the log's own connection to NATS.
    pub fn nats(log: &JetStream) -> Self {
        Self(Kind::Nats(Arc::new(nats::Places::new(log))))
    }

    /// Hands a batch over. It has arrived when this returns: it is kept where every
    /// fold will find it.
    ///
    /// # Errors
    /// Nobody knows whether it has arrived: it has to be sent again.
    pub async fn deliver(
        &self,
        (region, node): (&str, &str),
        (spool, number): (Uuid, u64),
        bytes: Bytes,
    ) -> Result<(), Error> {
        match &self.0 {
            Kind::Local(to, _) => {
                let (folded, done) = oneshot::channel();
                let delivery = Delivery {
                    position: Position {
                        made: 0,
                        sequence: number,
                    },
                    bytes,
                    folded: Some(folded),
                };
                let nobody = || Error::Unavailable("nobody folds usage".to_owned());
                to.send(delivery).await.map_err(|_| nobody())?;
                done.await.map_err(|_| nobody())
            }
            Kind::Nats(places) => {
                let id = format!("{spool}:{number}");
                places.store((region, node), id, bytes).await
            }
        }
    }

    /// What arrives, for a fold.
    pub fn feed(&self) -> Feed {
        Feed {
            streams: self.clone(),
            next: 0,
        }
    }
}

/// See [`Streams::feed`].
pub struct Feed {
    streams: Streams,
    /// Which place is asked first.
    next: usize,
}

impl Feed {
    /// Waits for batches behind these positions. Those of one stream come in order;
    /// one may come that was folded before, for its sender does not know.
    ///
    /// # Errors
    /// A stream does not answer, or its copy is damaged: to be asked again later.
    pub async fn next(&mut self, positions: &Positions) -> Result<Group, Error> {
        match &self.streams.0 {
            Kind::Local(_, from) => match from.lock().await.recv().await {
                Some(delivery) => Ok(Group {
                    origin: LOCAL.to_owned(),
                    missed: 0,
                    deliveries: vec![delivery],
                }),
                None => std::future::pending().await,
            },
            Kind::Nats(places) => places.next(&mut self.next, positions).await,
        }
    }
}
