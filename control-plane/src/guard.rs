//! How much all clients together may ask of the admin listener: a limit on
//! requests at once, and on the time each may take. There is none per client:
//! the listener is for one owner's few programs, often behind one address.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use crate::error::Error;

/// Requests at once. Each may hold a body of 1 MiB, and each write a place in
/// the submitter's queue, which is larger.
pub(crate) const MAX_CONCURRENT: usize = 512;

/// How long a request waits for its turn before it is told to come again.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(5);

/// From the request's head to the answer's; covers a slow body and a write whose
/// outcome has to be settled.
pub(crate) const MAX_DURATION: Duration = Duration::from_mins(1);

/// What is the data plane's to bound.
const PLAYGROUND: &str = "/playground/";

/// The limits' state.
#[derive(Debug)]
pub(crate) struct Guard {
    turns: Semaphore,
}

impl Guard {
    /// With nobody served yet.
    pub(crate) fn new() -> Self {
        Self {
            turns: Semaphore::new(MAX_CONCURRENT),
        }
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

/// Waits for a turn and bounds the time it takes.
pub(crate) async fn layer(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(Ok(_turn)) = tokio::time::timeout(MAX_WAIT, guard.turns.acquire()).await else {
        return Error::TooManyRequests.into_response();
    };
    // A model takes its time to answer; the data plane bounds that itself.
    if request.uri().path().starts_with(PLAYGROUND) {
        return next.run(request).await;
    }
    match tokio::time::timeout(MAX_DURATION, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::TimedOut.into_response(),
    }
}
