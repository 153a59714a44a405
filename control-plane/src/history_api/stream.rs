//! `GET /admin/v1/history/stream`: the history as it goes on, as server-sent
//! events. A client that comes back says what it saw last (`Last-Event-ID`, which
//! browsers send by themselves, or `?since=`), and misses nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use foldgate_proto::Revision;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::params::{Params, digits};
use super::{list, place, view};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;

/// Streams at once: consoles and exporters of one owner's few people.
pub(crate) const MAX_STREAMS: usize = 64;

/// How often an idle stream says that it lives; proxies cut at 30 to 60 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Records read at a time.
const PAGE: usize = 100;

/// How long a client waits before it comes back, in milliseconds.
const COME_BACK_MS: u32 = 1000;

const LAST_EVENT_ID: &str = "last-event-id";

/// Asks nginx not to gather what is to be told at once.
static UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Places for streams.
pub(crate) fn places() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MAX_STREAMS))
}

/// `GET /admin/v1/history/stream`
pub(crate) async fn get(
    State(app): State<App>,
    caller: Authenticated,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let since = match last_seen(&headers)? {
        Some(revision) => Some(revision),
        None => Params::new(query).revision("since")?,
    };
    let at = since.map(super::params::Place::At);
    let (caller, since) = match at {
        // Before anything is a good place to begin.
        Some(super::params::Place::At(Revision::ZERO)) => {
            (place::settled(&app, caller).await?, Revision::ZERO)
        }
        at => begin(&app, caller, at).await?,
    };
    let place = Arc::clone(&app.streams).try_acquire_owned();
    let tail = Tail {
        app,
        caller,
        at: since,
        greeted: false,
        _place: place.map_err(|_| Error::TooManyStreams(MAX_STREAMS))?,
    };
    let events = stream::unfold(tail, |mut tail| async move {
        let chunk = tail.next().await?;
        Some((Ok::<Bytes, Infallible>(chunk), tail))
    });
    let mut response = Body::from_stream(events).into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream");
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(UNBUFFERED.clone(), HeaderValue::from_static("no"));
    Ok(response)
}

/// Where a stream begins: behind what the client saw, else behind the newest.
async fn begin(
    app: &App,
    caller: Authenticated,
    at: Option<super::params::Place>,
) -> Result<(Authenticated, Revision), Error> {
    let Some(super::params::Place::At(revision)) = at else {
        let caller = place::settled(app, caller).await?;
        let head = caller.table().revision();
        return Ok((caller, head));
    };
    let caller = if revision > caller.table().revision() {
        app.caught_up(&caller).await
    } else {
        caller
    };
    let caller = place::settled(app, caller).await?;
    let head = caller.table().revision();
    if revision > head {
        return Err(Error::NotInHistory {
            param: "since",
            message: format!("revision {revision} is beyond the head, which is {head}"),
        });
    }
    Ok((caller, revision))
}

fn last_seen(headers: &HeaderMap) -> Result<Option<Revision>, Error> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let number = value.to_str().ok().and_then(digits);
    let problem = "must be the id of an event, such as 12";
    let number = number.ok_or_else(|| Error::field("Last-Event-ID", problem))?;
    Ok(Some(Revision(number)))
}

/// One open stream.
struct Tail {
    app: App,
    caller: Authenticated,
    /// The last revision that was told.
    at: Revision,
    greeted: bool,
    _place: OwnedSemaphorePermit,
}

impl Tail {
    /// The next piece; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.greeted {
            self.greeted = true;
            let greeting = format!("retry: {COME_BACK_MS}\n: behind revision {}\n\n", self.at);
            return Some(Bytes::from(greeting));
        }
        if self.app.ending.is_cancelled() || !self.caller.still_stands(&self.app.table()) {
            return None;
        }
        loop {
            // Asked before the page is: what comes after is waited for below.
            let seen = self.app.history.revision();
            let filter = list::behind(self.at);
            let owner = self.caller.owner_id();
            let page = self.app.history.page(owner, filter, (None, PAGE)).await;
            if let Ok((rows, _)) = &page
                && let Some(last) = rows.last()
            {
                self.at = last.revision;
                return Some(rows.iter().map(event).collect::<String>().into());
            }
            let more = async {
                match page {
                    Ok(_) => self.app.history.beyond(seen).await,
                    // The index is made anew: it comes back.
                    Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                () = more => {
                    if !self.caller.still_stands(&self.app.table()) {
                        return None;
                    }
                }
                () = tokio::time::sleep(KEEP_ALIVE) => {
                    return Some(Bytes::from_static(b": still here\n\n"));
                }
                () = self.app.ending.cancelled() => return None,
            }
        }
    }
}

fn event(row: &crate::history::Row) -> String {
    let data = view::line(row);
    format!("id: {}\nevent: record\ndata: {data}\n\n", row.revision)
}
