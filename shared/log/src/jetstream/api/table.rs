//! A stream that keeps the last message per subject, used as a table.

use async_nats::{HeaderMap, header};
use bytes::Bytes;
use serde_json::json;

use super::{Api, sequence};
use crate::Error;
use crate::jetstream::publish::{Fault, ask};

/// How a conditional write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It stands at this sequence.
    Stands(u64),
    /// The subject's last message is another than was expected.
    Overtaken,
}

impl Api {
    /// The last message of each subject: subject, sequence, payload.
    pub(crate) async fn entries(
        &self,
        subjects: &str,
        limit: usize,
    ) -> Result<Vec<(String, u64, Bytes)>, Error> {
        let entry = |headers: &HeaderMap, payload| {
            let subject = headers.get("Nats-Subject")?.as_str().to_owned();
            Some((subject, sequence(headers)?.0, payload))
        };
        let (found, _) = self.walk(1, subjects, limit, entry).await?;
        Ok(found)
    }

    /// The last message of one subject, by the word of the stream's leader.
    pub(crate) async fn last_of(&self, subject: &str) -> Result<Option<(u64, Bytes)>, Error> {
        self.message(json!({ "last_by_subj": subject })).await
    }

    /// Sets a subject's last message, if the one before stands at `seen` (0: there is
    /// none).
    pub(crate) async fn set(
        &self,
        subject: String,
        seen: u64,
        payload: Bytes,
    ) -> Result<Expected, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_EXPECTED_STREAM, self.stream.as_str());
        headers.insert(
            header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE,
            seen.to_string(),
        );
        match ask(&self.connection, subject, headers, payload).await {
            Ok(stands) => Ok(Expected::Stands(stands.0)),
            Err(Fault::Expectation) => Ok(Expected::Overtaken),
            Err(fault) => Err(Error::Unavailable(fault.to_string())),
        }
    }
}
