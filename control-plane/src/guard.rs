//! How much clients may ask of the admin listener at once, and for how long. Whoever
//! holds a key may fill what is there for accounts, and no more: the owner and its admin
//! keys have turns that nobody else takes, so that a flood of calls can be seen and
//! ended. Probes take no turn.
//!
//! | who | at once | so long |
//! |---|---|---|
//! | the owner and its admin keys | [`OWNERS`] | [`MAX_DURATION`] |
//! | accounts, and whoever presents no key that is known | [`OTHERS`], an account [`PER_ACCOUNT`] | [`MAX_DURATION`] |
//! | the playground, whoever calls | [`PLAYGROUND`], an account [`PER_ACCOUNT`] | as the data plane bounds it |

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use foldgate_proto::{AccountNumber, OwnerId};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::access::Who;
use crate::app::App;
use crate::auth;
use crate::error::Error;

/// Requests of the owner and its admin keys at once. Each may hold a body of 1 MiB, and
/// each write a place in the submitter's queue, which is larger than all turns together.
const OWNERS: usize = 384;

/// Requests of all others at once.
const OTHERS: usize = 128;

/// Calls of the playground at once.
const PLAYGROUND: usize = 128;

/// Requests of one account at once, calls of the playground among them.
const PER_ACCOUNT: u32 = 32;

/// How long a request waits for its turn before it is told to come again.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(5);

/// From the request's head to the answer's; covers a slow body and a write whose
/// outcome has to be settled.
pub(crate) const MAX_DURATION: Duration = Duration::from_mins(1);

/// Below this paths are calls, which take as long as a model does.
const CALLS: &str = "/playground/";

/// What tells whether the process is well.
const PROBES: [&str; 4] = ["/healthz", "/livez", "/readyz", "/metrics"];

/// The limits' state.
pub(crate) struct Guard {
    app: App,
    owners: Semaphore,
    others: Semaphore,
    calls: Semaphore,
    accounts: Mutex<HashMap<Whose, u32>>,
}

type Whose = (OwnerId, AccountNumber);

/// A turn; it ends with this.
struct Turn<'g> {
    _turn: SemaphorePermit<'g>,
    _place: Option<Place<'g>>,
}

/// One of an account's.
struct Place<'g> {
    guard: &'g Guard,
    whose: Whose,
}

impl Guard {
    /// With nobody served yet.
    pub(crate) fn new(app: App) -> Self {
        Self {
            app,
            owners: Semaphore::new(OWNERS),
            others: Semaphore::new(OTHERS),
            calls: Semaphore::new(PLAYGROUND),
            accounts: Mutex::default(),
        }
    }

    /// Waits for a turn of whoever is known to ask.
    async fn turn(&self, known: Option<(Who, Whose)>, is_call: bool) -> Option<Turn<'_>> {
        let place = match known {
            Some((Who::Account, whose)) => Some(self.place(whose)?),
            _ => None,
        };
        let turns = match known {
            _ if is_call => &self.calls,
            Some((Who::Owner | Who::Admin(_), _)) => &self.owners,
            Some((Who::Account, _)) | None => &self.others,
        };
        let turn = timeout(MAX_WAIT, turns.acquire()).await.ok()?.ok()?;
        Some(Turn {
            _turn: turn,
            _place: place,
        })
    }

    fn place(&self, whose: Whose) -> Option<Place<'_>> {
        let mut accounts = self.accounts();
        let count = accounts.entry(whose).or_insert(0);
        if *count >= PER_ACCOUNT {
            return None;
        }
        *count += 1;
        Some(Place { guard: self, whose })
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<Whose, u32>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut accounts = self.guard.accounts();
        if let Some(count) = accounts.get_mut(&self.whose) {
            *count -= 1;
            if *count == 0 {
                accounts.remove(&self.whose);
            }
        }
    }
}

/// Waits for a turn and bounds the time it takes.
pub(crate) async fn layer(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if PROBES.contains(&path.trim_end_matches('/')) {
        return bounded(next.run(request)).await;
    }
    let is_call = path.starts_with(CALLS);
    let known = auth::known(guard.app.table(), request.headers());
    let Some(_turn) = guard.turn(known, is_call).await else {
        return Error::TooManyRequests.into_response();
    };
    if is_call {
        return next.run(request).await;
    }
    bounded(next.run(request)).await
}

async fn bounded(answer: impl Future<Output = Response>) -> Response {
    match timeout(MAX_DURATION, answer).await {
        Ok(response) => response,
        Err(_) => Error::TimedOut.into_response(),
    }
}
