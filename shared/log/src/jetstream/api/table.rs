//! A stream that keeps the last message per subject, used as a table.

use async_nats::{HeaderMap, header};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::{Api, MAX_READ, sequence};
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
        let (mut found, mut next) = (Vec::new(), 1);
        loop {
            let more = self
                .each(next, MAX_READ, subjects, |headers, payload| {
                    let subject = headers.get("Nats-Subject");
                    if let (Some(subject), Some(at)) = (subject, sequence(headers)) {
                        next = at.0 + 1;
                        found.push((subject.as_str().to_owned(), at.0, payload));
                    }
                })
                .await?;
            if !more || found.len() >= limit {
                return Ok(found);
            }
        }
    }

    /// The last message of one subject, by the word of the stream's leader.
    pub(crate) async fn last_of(&self, subject: &str) -> Result<Option<(u64, Bytes)>, Error> {
        #[derive(Deserialize)]
        struct Got {
            message: async_nats::jetstream::stream::RawMessage,
        }
        let which = json!({ "last_by_subj": subject });
        let call = format!("STREAM.MSG.GET.{}", self.stream);
        let Some(got) = self.request::<_, Got>(&call, &which).await? else {
            return Ok(None);
        };
        let sequence = got.message.sequence;
        let message = async_nats::jetstream::message::StreamMessage::try_from(got.message)
            .map_err(|_| Error::Unavailable("a stored message cannot be read".to_owned()))?;
        Ok(Some((sequence, message.payload)))
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
