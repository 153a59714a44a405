//! Counts of rate limits on their way between nodes: core NATS, at most once, nothing
//! kept and nothing queued. What is lost is in the next message.

use foldgate_proto::{Counts, counts, names};

use crate::Error;
use crate::jetstream::{Connection, Subscription};

/// A handle on it.
#[derive(Clone)]
pub struct Counting {
    connection: Connection,
}

impl Counting {
    pub(super) const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Sends a message, unless there is no connection: late, it would be worth nothing.
    pub async fn send(&self, said: &Counts) {
        if !self.connection.is_connected() {
            return;
        }
        let subject = match said.nodes {
            None => names::counts_subject(&said.region, &said.node),
            Some(_) => names::counts_across_subject(&said.region),
        };
        let sent = match counts::encode(said) {
            Ok(bytes) => self.connection.publish(subject, bytes.into()).await,
            Err(error) => {
                tracing::error!(subject, %error, "counts cannot be encoded");
                return;
            }
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "counts were not sent");
        }
    }

    /// Hears what the nodes of a region say, this one among them, and what regions say.
    /// Ends when the process does.
    ///
    /// # Errors
    /// When nothing can be heard.
    pub async fn hear(&self, region: &str, heard: impl Fn(Counts)) -> Result<(), Error> {
        let near = names::counts_subjects(region);
        let mut near = self.connection.subscribe(near).await?;
        let across = names::COUNTS_ACROSS_SUBJECTS.to_owned();
        let mut across = self.connection.subscribe(across).await?;
        loop {
            let Some(bytes) = next(&mut near, &mut across).await else {
                return Ok(());
            };
            match counts::decode(&bytes) {
                Ok(said) => heard(said),
                Err(error) => {
                    metrics::counter!("foldgate_reports_unreadable_total").increment(1);
                    tracing::debug!(%error, "counts cannot be read");
                }
            }
        }
    }
}

async fn next(near: &mut Subscription, across: &mut Subscription) -> Option<bytes::Bytes> {
    tokio::select! {
        bytes = near.payload() => bytes,
        bytes = across.payload() => bytes,
    }
}
