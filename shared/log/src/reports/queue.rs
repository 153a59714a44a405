//! Reports on their way out: bounded, and the newest win. A newer report on the
//! same subject takes the place of one that still waits.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

/// How many reports wait while NATS is away; older ones are dropped, because the
/// heartbeat repeats what still holds.
pub(super) const CAPACITY: usize = 4096;

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<VecDeque<(String, Bytes)>>,
    filled: Notify,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            filled: Notify::new(),
        }
    }

    /// Adds a report. Never blocks.
    pub(super) fn push(&self, subject: String, payload: Bytes) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= CAPACITY {
            let stale = waiting.iter().position(|(other, _)| *other == subject);
            waiting.remove(stale.unwrap_or(0));
            metrics::counter!("foldgate_reports_dropped_total").increment(1);
        }
        waiting.push_back((subject, payload));
        drop(waiting);
        self.filled.notify_one();
    }

    /// The oldest report that waits.
    pub(super) async fn pop(&self) -> (String, Bytes) {
        loop {
            let next = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.pop_front()
            };
            match next {
                Some(next) => return next,
                None => self.filled.notified().await,
            }
        }
    }
}
