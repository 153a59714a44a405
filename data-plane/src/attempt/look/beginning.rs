//! The body of an answer whose first bytes may have been read already, to see
//! what it is.

use std::collections::VecDeque;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::{Flow, Limit, Miss, kind};

/// A body, and what was read of it.
pub(super) struct Beginning {
    read: VecDeque<Bytes>,
    body: Incoming,
    ended: bool,
}

impl Beginning {
    /// Nothing is read yet.
    pub(super) fn of(body: Incoming) -> Self {
        Self {
            read: VecDeque::new(),
            body,
            ended: false,
        }
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        match self.read.pop_front() {
            Some(piece) => Ok(Some(piece)),
            None => self.fetch().await,
        }
    }

    async fn fetch(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        while !self.ended {
            match self.body.frame().await {
                None => self.ended = true,
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether it begins as events do, whatever its type says; reads no more of it
    /// than that takes.
    pub(super) async fn looks_like_events(&mut self, limit: Limit<Instant>) -> Result<bool, Miss> {
        let mut start = Vec::new();
        loop {
            if let Some(known) = kind::begins_events(&start) {
                return Ok(known);
            }
            match timeout_at(limit.at, self.fetch()).await {
                Err(_) => return Err(Miss::late(&limit, "no event in time")),
                Ok(Err(_)) => return Err(Miss::broken("the answer broke off")),
                Ok(Ok(None)) => return Ok(false),
                Ok(Ok(Some(piece))) => {
                    let room = kind::LOOKED_AT.saturating_sub(start.len());
                    start.extend_from_slice(piece.get(..room).unwrap_or(&piece));
                    self.read.push_back(piece);
                }
            }
        }
    }

    /// Whether all that came was handed out.
    pub(super) fn is_read(&self) -> bool {
        self.read.is_empty()
    }

    /// The rest of the body, once all that was read is handed out.
    pub(super) fn into_body(self) -> Incoming {
        self.body
    }

    /// The rest of a stream; what was read of it goes into its flow.
    pub(super) fn rest(self, flow: &mut Flow) -> Option<Incoming> {
        for piece in &self.read {
            flow.push(piece);
        }
        (!self.ended).then_some(self.body)
    }
}
