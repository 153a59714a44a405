//! `X-Foldgate-Min-Revision`: a request is answered from that revision on, not
//! from an older one. What another control plane wrote a moment ago is there.

use std::sync::LazyLock;
use std::time::Duration;

use foldgate_proto::Revision;
use http::HeaderMap;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::error::Error;

const HEADER: &str = "x-foldgate-min-revision";

/// How long a request waits for the revision it asks for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many requests may wait at once: they wait before it is known who asks.
const MAX_WAITING: usize = 64;

static WAITING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(MAX_WAITING));

/// Reads the header, if it is there.
///
/// # Errors
/// A value that is no whole number.
fn read(headers: &HeaderMap) -> Result<Option<Revision>, Error> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    let refused = || Error::field("X-Foldgate-Min-Revision", "must be a whole number");
    number.map(Revision).map(Some).ok_or_else(refused)
}

/// Waits, but not for ever, until this process has folded the revision that a request
/// asks for: its client may have written it by another control plane a moment ago.
///
/// # Errors
/// It has not, or too many wait; the header holds no whole number.
pub(crate) async fn awaited(app: &App, headers: &HeaderMap) -> Result<(), Error> {
    match read(headers)? {
        Some(wanted) if app.table().revision() < wanted => reach(app, wanted).await,
        _ => Ok(()),
    }
}

async fn reach(app: &App, wanted: Revision) -> Result<(), Error> {
    let _place = WAITING.try_acquire().map_err(|_| Error::TooManyRequests)?;
    app.replica.poke();
    let reached = app.replica.wait_for(wanted, PATIENCE).await;
    reached.map_err(|lagging| Error::NotReached(lagging.wanted))
}
