//! Usage over NATS: a region's nodes hand batches to its own stream; folds read the
//! hub's streams, about five times a second, from whichever copy answers. Uses the log's
//! connection and knows nothing of the client behind it.

use std::time::Duration;

use bytes::Bytes;
use foldgate_proto::names;
use tokio::time::Instant;

use super::{Delivery, Group, Position, Positions};
use crate::jetstream::{Api, Connection, store};
use crate::{Error, JetStream};

/// Between two looks at the streams.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a stream begins.
const FIRST: u64 = 1;

pub(super) struct Places {
    connection: Connection,
    /// The hub's own usage, and what it gathers. A fleet of one region has no second.
    places: [(&'static str, Api); 2],
}

impl Places {
    pub(super) fn new(log: &JetStream) -> Self {
        let connection = log.connection().clone();
        let hub = log.options().hub_domain.clone();
        let place = |stream: &'static str| {
            let api = Api::new(&connection, hub.as_deref(), stream.to_owned());
            (stream, api)
        };
        Self {
            places: [names::USAGE_STREAM, names::USAGE_OTHERS_STREAM].map(place),
            connection,
        }
    }

    pub(super) async fn store(
        &self,
        (region, node): (&str, &str),
        id: String,
        bytes: Bytes,
    ) -> Result<(), Error> {
        // What is sent while there is no connection would wait inside the client.
        self.connection.connected(Instant::now() + PATIENCE).await?;
        let subject = names::usage_subject(region, node);
        let to = (names::USAGE_STREAM, subject);
        store(&self.connection, to, id, bytes).await?;
        Ok(())
    }

    pub(super) async fn next(
        &self,
        turn: &mut usize,
        positions: &Positions,
    ) -> Result<Group, Error> {
        loop {
            self.connection.connected(Instant::now() + PATIENCE).await?;
            let mut failed = None;
            for _ in 0..self.places.len() {
                let (stream, api) = &self.places[*turn % self.places.len()];
                *turn = turn.wrapping_add(1);
                match look(stream, api, positions.get(*stream)).await {
                    Ok(Some(group)) => return Ok(group),
                    Ok(None) => {}
                    Err(Error::Missing(_)) if *stream == names::USAGE_OTHERS_STREAM => {}
                    Err(error) => failed = Some(error),
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// What stands behind a position, if anything does.
async fn look(stream: &str, api: &Api, at: Option<&Position>) -> Result<Option<Group>, Error> {
    let (made, first, last) = api.extent().await?;
    // Another stream, or one that was put back to an earlier day, is read anew:
    // batches are known by their numbers.
    let known = at.filter(|at| at.made == made && at.sequence <= last);
    let next = known.map_or(FIRST, |at| at.sequence + 1);
    let from = next.max(first);
    if last < from {
        return Ok(None);
    }
    let found = api.numbered(from, names::USAGE_SUBJECTS).await?;
    let mut deliveries = Vec::new();
    for ((sequence, bytes), wanted) in found.into_iter().zip(from..) {
        if sequence != wanted {
            break;
        }
        let position = Position { made, sequence };
        deliveries.push(Delivery {
            position,
            bytes,
            folded: None,
        });
    }
    if deliveries.is_empty() {
        // A copy that lags, one with a hole, or it has expired since: asked again.
        return Err(Error::Unavailable(format!(
            "a copy of stream {stream} has no batch {from}"
        )));
    }
    Ok(Some(Group {
        origin: stream.to_owned(),
        missed: from - next,
        deliveries,
    }))
}
