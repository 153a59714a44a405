//! `GET /admin/v1/log`: the stored records of the whole log, every tenant's, for
//! exports, checks and tools. Secrets stay sealed; it is the first owner's alone
//! all the same, because it holds what other owners did.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use foldgate_log::Stored;
use foldgate_log::event_log::MAX_READ;
use foldgate_log::export::{Header, Line};
use foldgate_proto::{Record, Revision};
use http::header::{CONTENT_TYPE, HeaderValue};

use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::request::query;

/// `GET /admin/v1/log`: lines of an export, its header first, of up to `limit`
/// records from `from` on. It may be fewer where they are large; none is the end.
pub(crate) async fn get(
    State(app): State<App>,
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let first = caller.table().state.first_owner().map(|owner| owner.id);
    if first != Some(caller.owner_id()) {
        return Err(Error::NotFirstOwner);
    }
    let query = query.unwrap_or_default();
    let from = query::number(&query, "from", 1..=u64::MAX)?.unwrap_or(1);
    let most = MAX_READ as u64;
    let limit = query::number(&query, "limit", 1..=most)?.unwrap_or(most);
    let limit = usize::try_from(limit).unwrap_or(MAX_READ);
    let text = lines(&app, Revision(from), limit).await?;
    let ndjson = HeaderValue::from_static("application/x-ndjson");
    Ok(([(CONTENT_TYPE, ndjson)], text).into_response())
}

async fn lines(app: &App, from: Revision, limit: usize) -> Result<String, Error> {
    let unread = |error: foldgate_log::Error| Error::LogUnread(error.to_string());
    let log_id = app.log.log_id().await.map_err(unread)?;
    let head = app.log.head().await.map_err(unread)?;
    let records = app.log.read(from, limit).await.map_err(unread)?;
    let mut text = Header::new(log_id, head)
        .line()
        .map_err(|_| Error::Internal)?;
    text.push('\n');
    for stored in &records {
        text.push_str(&line(stored)?);
        text.push('\n');
    }
    Ok(text)
}

fn line(stored: &Stored) -> Result<String, Error> {
    let record = Record::decode(&stored.bytes).map_err(|error| {
        let revision = stored.revision;
        Error::LogUnread(format!("revision {revision}: {error}"))
    })?;
    let line = Line::of(stored, &record).line();
    line.map_err(|_| Error::Internal)
}
