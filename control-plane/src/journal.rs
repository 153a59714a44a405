//! The access journal: failed log-ins and refused writes. It stands beside the
//! log and not in it: what was refused changed nothing, and anybody can be
//! refused as often as they like. So it is a ring of a fixed size, and a request
//! never waits for it.
//!
//! Refusals of people who are known and of those who are not have a ring each:
//! a stranger with many wrong keys must not wash away what an owner's own people
//! were refused.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use foldgate_proto::{OwnerId, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::history::store::Fault;

mod ring;

use ring::Ring;

/// Refusals waiting for the disk; more are counted and not kept.
pub(crate) const MAX_QUEUE: usize = 1024;

/// Refusals written at once.
const MAX_GROUP: usize = 256;

/// The pause before a ring that could not be opened is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How long a question waits for the ring to open.
const OPENING: Duration = Duration::from_secs(5);

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    /// When it was answered.
    pub at: Timestamp,
    /// From which address.
    pub address: Option<String>,
    /// By whom, if that is known.
    pub actor: Option<String>,
    /// The method.
    pub method: String,
    /// The path, without what looks like a key.
    pub path: String,
    /// The answer's status.
    pub status: u16,
    /// The answer's code.
    pub code: Option<String>,
    /// The request's id.
    pub request_id: String,
}

/// Refusals with their numbers, and where the next page begins.
pub(crate) type Page = (Vec<(u64, Refused)>, Option<u64>);

/// A handle on the journal; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    queue: mpsc::Sender<(Option<OwnerId>, Refused)>,
    ring: watch::Receiver<Option<Arc<Ring>>>,
}

impl Journal {
    /// A journal in a folder, and the task that writes it, to be spawned.
    pub(crate) fn new(
        dir: PathBuf,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (queue, refusals) = mpsc::channel(MAX_QUEUE);
        let (opened, ring) = watch::channel(None);
        let task = run(dir, (refusals, opened), stop);
        (Self { queue, ring }, task)
    }

    /// Keeps a refusal of somebody of this owner's, or of nobody known. Never
    /// waits: where the disk is slower than the refusals, some are not kept.
    pub(crate) fn note(&self, owner: Option<OwnerId>, refused: Refused) {
        if self.queue.try_send((owner, refused)).is_err() {
            metrics::counter!("foldgate_access_log_dropped_total").increment(1);
        }
    }

    /// Up to `limit` refusals, the newest first, with their numbers, and where the
    /// next page begins. Those of nobody known only if `strangers`.
    ///
    /// # Errors
    /// The ring cannot be read now.
    pub(crate) async fn page(
        &self,
        (owner, strangers): (OwnerId, bool),
        (from, limit): (Option<u64>, usize),
    ) -> Result<Page, Unreadable> {
        let ring = self.opened().await;
        let ring = ring.ok_or_else(|| Unreadable("it is not open yet".to_owned()))?;
        let ask = move || ring.page((owner, strangers), (from, limit));
        let page = tokio::task::spawn_blocking(ask).await;
        match page {
            Ok(Ok(page)) => Ok(page),
            Ok(Err(fault)) => Err(Unreadable(fault.to_string())),
            Err(_) => Err(Unreadable("sled gave up on its file".to_owned())),
        }
    }

    async fn opened(&self) -> Option<Arc<Ring>> {
        let mut ring = self.ring.clone();
        let opened = tokio::time::timeout(OPENING, ring.wait_for(Option::is_some)).await;
        match opened {
            Ok(Ok(ring)) => ring.clone(),
            _ => None,
        }
    }
}

/// Why the journal does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the access log cannot be read: {0}")]
pub(crate) struct Unreadable(String);

type Refusals = mpsc::Receiver<(Option<OwnerId>, Refused)>;

async fn run(
    dir: PathBuf,
    (mut refusals, opened): (Refusals, watch::Sender<Option<Arc<Ring>>>),
    stop: CancellationToken,
) {
    let mut ring: Option<Arc<Ring>> = None;
    let mut group = Vec::with_capacity(MAX_GROUP);
    loop {
        let Some(open) = &ring else {
            ring = open_ring(&dir).await;
            opened.send_replace(ring.clone());
            if ring.is_none() {
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    () = stop.cancelled() => return,
                }
            }
            continue;
        };
        let received = tokio::select! {
            biased;
            received = refusals.recv_many(&mut group, MAX_GROUP) => received,
            () = stop.cancelled(), if !refusals.is_closed() => {
                // What waits is still written.
                refusals.close();
                continue;
            }
        };
        if received == 0 {
            break;
        }
        let (at_work, work) = (Arc::clone(open), std::mem::take(&mut group));
        let written = tokio::task::spawn_blocking(move || at_work.write(work)).await;
        if !matches!(written, Ok(Ok(()))) {
            metrics::counter!("foldgate_access_log_dropped_total").increment(received as u64);
            tracing::error!("refusals could not be kept, the access log is opened anew");
            ring = None;
            opened.send_replace(None);
        }
    }
    if let Some(ring) = ring {
        // Its last second is lost if this fails.
        let _ = tokio::task::spawn_blocking(move || ring.flush()).await;
    }
    opened.send_replace(None);
}

/// Opens the ring; a damaged one is set aside, as what it held is nowhere else.
async fn open_ring(dir: &std::path::Path) -> Option<Arc<Ring>> {
    let folder = dir.to_owned();
    let open = move || match Ring::open(&folder) {
        Err(Fault::Damaged(reason)) => {
            tracing::error!(reason, "the access log is damaged and set aside");
            let aside = folder.with_extension("damaged");
            // One such folder is kept.
            let _ = std::fs::remove_dir_all(&aside);
            std::fs::rename(&folder, &aside).map_err(|e| Fault::Disk(e.to_string()))?;
            Ring::open(&folder)
        }
        opened => opened,
    };
    match tokio::task::spawn_blocking(open).await {
        Ok(Ok(ring)) => Some(Arc::new(ring)),
        Ok(Err(error)) => {
            tracing::error!(%error, "the access log cannot be opened");
            None
        }
        Err(_) => None,
    }
}
