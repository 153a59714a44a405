//! Handing records to the stream, and reading what it says to that.

use async_nats::client::{Request, RequestErrorKind};
use async_nats::{HeaderMap, header};
use bytes::Bytes;
use foldgate_proto::{Encoded, Revision, names};
use serde::Deserialize;
use uuid::Uuid;

use super::connection::{Connection, REQUEST_LIMIT};
use crate::Error;

/// Why an attempt did not end in an acknowledgement.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Refused for the revision it expects.
    #[error("the log refused the expected revision")]
    Expectation,
    /// Refused for good.
    #[error("the log refused it: {0}")]
    Refused(String),
    /// Refused for now.
    #[error("the log does not take it for now: {0}")]
    Busy(String),
    /// The stream takes no batches.
    #[error("the stream takes no batches")]
    NoBatches,
    /// Handed to nobody.
    #[error("{0}")]
    Unsent(String),
    /// Nobody knows.
    #[error("{0}")]
    Unknown(String),
}

/// The stream's answer.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    seq: u64,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    err_code: u16,
    #[serde(default)]
    description: String,
}

/// Hands over consecutive records behind `expected`, all or none of them, and
/// answers where the last one stands. (A server that is killed while it stores a
/// batch may keep its first records; settling finds them.)
pub(super) async fn publish(
    connection: &Connection,
    expected: Revision,
    records: &[Encoded],
) -> Result<Revision, Fault> {
    let client = connection.client();
    let Some((last, before)) = records.split_last() else {
        return Ok(expected);
    };
    let batch = (!before.is_empty()).then(|| Uuid::new_v4().to_string());
    for (index, record) in before.iter().enumerate() {
        let headers = headers(record, expected, index, batch.as_deref());
        let sent = client.publish_with_headers(subject(record), headers, payload(record));
        // A batch that is never committed is never stored.
        tokio::time::timeout(REQUEST_LIMIT, sent)
            .await
            .map_err(|_| Fault::Unsent("NATS does not take messages".to_owned()))?
            .map_err(|error| Fault::Unsent(error.to_string()))?;
    }
    let mut headers = headers(last, expected, before.len(), batch.as_deref());
    if batch.is_some() {
        headers.insert(header::NATS_BATCH_COMMIT, header::NATS_BATCH_COMMIT_FINAL);
    }
    ask(connection, subject(last), headers, payload(last)).await
}

/// Hands over something that the stream of this name keeps once, known by `id`.
pub(crate) async fn store(
    connection: &Connection,
    (stream, subject): (&str, String),
    id: String,
    payload: Bytes,
) -> Result<Revision, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(header::NATS_MESSAGE_ID, id);
    headers.insert(header::NATS_EXPECTED_STREAM, stream);
    let stored = ask(connection, subject, headers, payload).await;
    stored.map_err(|fault| Error::Unavailable(format!("stream {stream}: {fault}")))
}

/// Publishes one message and reads what the stream says to it.
pub(super) async fn ask(
    connection: &Connection,
    subject: String,
    headers: HeaderMap,
    payload: Bytes,
) -> Result<Revision, Fault> {
    let request = Request::new()
        .payload(payload)
        .headers(headers)
        .timeout(Some(REQUEST_LIMIT));
    let asked = connection.client().send_request(subject, request);
    let answer = tokio::time::timeout(REQUEST_LIMIT * 2, asked)
        .await
        .map_err(|_| Fault::Unknown("NATS does not take messages".to_owned()))?
        .map_err(|error| match error.kind() {
            // 503: no stream heard it, for instance during an election.
            RequestErrorKind::NoResponders => Fault::Unsent(error.to_string()),
            RequestErrorKind::MaxPayloadExceeded | RequestErrorKind::InvalidSubject => {
                Fault::Refused(error.to_string())
            }
            RequestErrorKind::TimedOut | RequestErrorKind::Other => {
                Fault::Unknown(error.to_string())
            }
        })?;
    read(&answer.payload)
}

fn read(answer: &[u8]) -> Result<Revision, Fault> {
    let answer: Answer = serde_json::from_slice(answer)
        .map_err(|error| Fault::Unknown(format!("an unreadable answer: {error}")))?;
    let Some(refusal) = answer.error else {
        return Ok(Revision(answer.seq));
    };
    let text = format!("{} ({})", refusal.description, refusal.err_code);
    Err(match refusal.err_code {
        // Wrong last sequence, in two forms.
        10071 | 10164 => Fault::Expectation,
        // Atomic publish is disabled.
        10174 => Fault::NoBatches,
        // The store is full.
        10077 => Fault::Refused(text),
        // A record with this id stands already, or is on its way.
        10158 | 10201 => Fault::Unknown(text),
        // A batch that was not received whole, or too many at once.
        10176 | 10210 | 10211 => Fault::Busy(text),
        _ if refusal.code >= 429 => Fault::Busy(text),
        _ => Fault::Refused(text),
    })
}

fn headers(record: &Encoded, expected: Revision, index: usize, batch: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::NATS_MESSAGE_ID, record.id.to_string());
    if index == 0 {
        headers.insert(header::NATS_EXPECTED_STREAM, names::LOG_STREAM);
        headers.insert(header::NATS_EXPECTED_LAST_SEQUENCE, expected.to_string());
    }
    if let Some(batch) = batch {
        headers.insert(header::NATS_BATCH_ID, batch);
        headers.insert(header::NATS_BATCH_SEQUENCE, (index + 1).to_string());
    }
    headers
}

fn subject(record: &Encoded) -> String {
    names::log_subject(record.owner, &names::token(&record.command))
}

fn payload(record: &Encoded) -> Bytes {
    Bytes::copy_from_slice(&record.bytes)
}
