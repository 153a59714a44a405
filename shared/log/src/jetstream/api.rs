//! The few calls of the JetStream API that the log needs, on one stream.

mod table;

use async_nats::jetstream::Context;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{Config, Info};
use async_nats::{HeaderMap, Message, StatusCode};
use bytes::Bytes;
use foldgate_proto::names;
use foldgate_proto::{LogId, Revision};
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::connection::{Connection, REQUEST_LIMIT, Subscription};
use super::options::Options;
use crate::event_log::{MAX_READ, MAX_READ_BYTES};
use crate::{Error, Stored};

pub(crate) use table::Expected;

/// JetStream's error code for a stream that does not exist.
const STREAM_NOT_FOUND: u64 = 10059;

/// JetStream's error code for a message that does not exist.
const MESSAGE_NOT_FOUND: u64 = 10037;

/// One stream of one JetStream domain.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    connection: Connection,
    context: Context,
    prefix: String,
    stream: String,
}

/// What a batched direct get found.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Stored>,
    /// Nothing stands behind them, by that replica's word.
    pub(crate) tail: bool,
}

impl Api {
    pub(crate) fn new(connection: &Connection, domain: Option<&str>, stream: String) -> Self {
        let prefix = match domain {
            Some(domain) => format!("$JS.{domain}.API"),
            None => "$JS.API".to_owned(),
        };
        Self {
            connection: connection.clone(),
            context: connection.context(&prefix),
            prefix,
            stream,
        }
    }

    /// The hub's log.
    pub(super) fn hub(connection: &Connection, options: &Options) -> Self {
        let domain = options.hub_domain.as_deref();
        Self::new(connection, domain, names::LOG_STREAM.to_owned())
    }

    /// The region's mirror of it, in the domain this process is connected to.
    pub(super) fn mirror(connection: &Connection, options: &Options) -> Self {
        Self::new(connection, None, names::mirror_stream(&options.region))
    }

    /// The same stream over another connection.
    pub(super) fn through(&self, connection: &Connection) -> Self {
        Self {
            connection: connection.clone(),
            context: connection.context(&self.prefix),
            ..self.clone()
        }
    }

    pub(super) fn stream(&self) -> &str {
        &self.stream
    }

    fn missing(&self) -> Error {
        Error::Missing(format!(
            "no stream {}; run `foldgate log init`",
            self.stream
        ))
    }

    pub(super) async fn info(&self) -> Result<Info, Error> {
        self.request(&format!("STREAM.INFO.{}", self.stream), &())
            .await?
            .ok_or_else(|| self.missing())
    }

    pub(super) async fn create(&self, config: &Config) -> Result<Info, Error> {
        self.request(&format!("STREAM.CREATE.{}", self.stream), config)
            .await?
            .ok_or_else(|| self.missing())
    }

    pub(super) async fn update(&self, config: &Config) -> Result<Info, Error> {
        self.request(&format!("STREAM.UPDATE.{}", self.stream), config)
            .await?
            .ok_or_else(|| self.missing())
    }

    pub(super) async fn log_id(&self) -> Result<LogId, Error> {
        log_id(&self.info().await?.config)
    }

    /// The record at `revision`, from the stream's leader.
    pub(super) async fn get(&self, revision: Revision) -> Result<Option<Stored>, Error> {
        self.leader(json!({ "seq": revision.0 })).await
    }

    /// The last record, from the stream's leader.
    pub(super) async fn last(&self) -> Result<Option<Stored>, Error> {
        self.leader(json!({ "last_by_subj": names::LOG_SUBJECTS }))
            .await
    }

    async fn leader(&self, which: serde_json::Value) -> Result<Option<Stored>, Error> {
        let found = self.message(which).await?;
        let stored = |(at, payload)| Stored::new(Revision(at), payload);
        Ok(found.map(stored))
    }

    /// One message, by the word of the stream's leader: its sequence and payload.
    async fn message(&self, which: serde_json::Value) -> Result<Option<(u64, Bytes)>, Error> {
        #[derive(serde::Deserialize)]
        struct Got {
            message: async_nats::jetstream::stream::RawMessage,
        }
        let subject = format!("STREAM.MSG.GET.{}", self.stream);
        let Some(got) = self.request::<_, Got>(&subject, &which).await? else {
            return Ok(None);
        };
        let sequence = got.message.sequence;
        let message = async_nats::jetstream::message::StreamMessage::try_from(got.message)
            .map_err(|_| Error::Unavailable("a stored message cannot be read".to_owned()))?;
        Ok(Some((sequence, message.payload)))
    }

    /// `None` when the stream or the message is not there.
    async fn request<T: Serialize, V: serde::de::DeserializeOwned>(
        &self,
        subject: &str,
        body: &T,
    ) -> Result<Option<V>, Error> {
        let answer = self.context.request(subject.to_owned(), body).await;
        match answer.map_err(|error| Error::Unavailable(error.to_string()))? {
            Response::Ok(value) => Ok(Some(value)),
            Response::Err { error } => match error.error_code().0 {
                STREAM_NOT_FOUND => Err(self.missing()),
                MESSAGE_NOT_FOUND => Ok(None),
                code => Err(Error::Unavailable(format!(
                    "{} ({code})",
                    error.to_string().trim_end_matches('.')
                ))),
            },
        }
    }

    /// Consecutive messages from `from` on, from any replica; holes are left out.
    pub(super) async fn batch(&self, from: Revision, max: usize) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        let more = self
            .each(
                from.0,
                max.min(MAX_READ),
                names::LOG_SUBJECTS,
                |headers, payload| {
                    if let Some(revision) = sequence(headers) {
                        batch.entries.push(Stored::new(revision, payload));
                    }
                },
            )
            .await?;
        batch.tail = !more;
        Ok(batch)
    }

    /// Consecutive records from `from` on, none left out.
    pub(super) async fn read(&self, from: Revision, max: usize) -> Result<Vec<Stored>, Error> {
        let mut next = from.max(Revision(1));
        let found = self.batch(next, max).await?.entries;
        for stored in &found {
            if stored.revision != next {
                return Err(Error::Damaged {
                    revision: next,
                    reason: format!("it is missing, revision {} comes next", stored.revision),
                });
            }
            next = next.next();
        }
        Ok(found)
    }

    /// Every message of the stream on `subjects` from a sequence on, in batches, and
    /// the sequence behind the last of them.
    pub(crate) async fn all(
        &self,
        from: u64,
        subjects: &str,
        limit: usize,
    ) -> Result<(Vec<Bytes>, u64), Error> {
        self.walk(from, subjects, limit, |_, payload| Some(payload))
            .await
    }

    /// What `take` makes of every message on `subjects` from a sequence on, read in
    /// batches until there are `limit`; and the sequence behind the last of them.
    async fn walk<T>(
        &self,
        from: u64,
        subjects: &str,
        limit: usize,
        take: impl Fn(&HeaderMap, Bytes) -> Option<T>,
    ) -> Result<(Vec<T>, u64), Error> {
        let (mut found, mut next) = (Vec::new(), from);
        loop {
            let more = self
                .each(next, MAX_READ, subjects, |headers, payload| {
                    next = sequence(headers).map_or(next, |revision| revision.0 + 1);
                    found.extend(take(headers, payload));
                })
                .await?;
            if !more || found.len() >= limit {
                return Ok((found, next));
            }
        }
    }

    /// When the stream was made (milliseconds), and its first and last sequence now.
    pub(crate) async fn extent(&self) -> Result<(i64, u64, u64), Error> {
        let info = self.info().await?;
        let made = info.created.timestamp_millis();
        Ok((made, info.state.first_sequence, info.state.last_sequence))
    }

    /// Some messages on `subjects` from a sequence on, each with its sequence; holes
    /// are left out.
    pub(crate) async fn numbered(
        &self,
        from: u64,
        subjects: &str,
    ) -> Result<Vec<(u64, Bytes)>, Error> {
        let mut found = Vec::new();
        let got = |headers: &HeaderMap, payload| {
            if let Some(Revision(sequence)) = sequence(headers) {
                found.push((sequence, payload));
            }
        };
        self.each(from, MAX_READ, subjects, got).await?;
        Ok(found)
    }

    /// One batched direct get. Answers whether more messages stand behind it.
    async fn each(
        &self,
        from: u64,
        max: usize,
        subjects: &str,
        mut got: impl FnMut(&HeaderMap, Bytes),
    ) -> Result<bool, Error> {
        let body = json!({
            "seq": from, "batch": max, "max_bytes": MAX_READ_BYTES, "next_by_subj": subjects,
        });
        let deadline = Instant::now() + REQUEST_LIMIT;
        let inbox = self.connection.client().new_inbox();
        let mut answers = self.connection.subscribe(inbox.clone()).await?;
        let asked = self.connection.client().publish_with_reply(
            format!("{}.DIRECT.GET.{}", self.prefix, self.stream),
            inbox,
            Bytes::from(body.to_string()),
        );
        timeout_at(deadline, asked)
            .await
            .map_err(|_| Error::Unavailable("NATS does not take requests".to_owned()))?
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        loop {
            let message = answer(&mut answers, deadline).await?;
            match message.status {
                None | Some(StatusCode::OK) => {
                    got(&message.headers.unwrap_or_default(), message.payload);
                }
                Some(StatusCode::NOT_FOUND) => return Ok(false),
                // End of batch.
                Some(status) if status.as_u16() == 204 => {
                    let headers = message.headers.unwrap_or_default();
                    return Ok(number(&headers, "Nats-Num-Pending").unwrap_or(0) > 0);
                }
                Some(StatusCode::NO_RESPONDERS) => {
                    // Because it is not there, or only for now.
                    self.info().await?;
                    let gone = format!("stream {} does not answer", self.stream);
                    return Err(Error::Unavailable(gone));
                }
                Some(status) => {
                    let why = message.description.unwrap_or_default();
                    return Err(Error::Unavailable(format!("direct get: {status} {why}")));
                }
            }
        }
    }
}

async fn answer(answers: &mut Subscription, deadline: Instant) -> Result<Message, Error> {
    timeout_at(deadline, answers.message())
        .await
        .map_err(|_| Error::Unavailable("no answer in time".to_owned()))?
        .ok_or_else(|| Error::Unavailable("the connection has ended".to_owned()))
}

/// The revision a republished or directly read message stands at.
pub(super) fn sequence(headers: &HeaderMap) -> Option<Revision> {
    number(headers, "Nats-Sequence").map(Revision)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.as_str().parse().ok()
}

/// The log's id that a stream carries.
pub(super) fn log_id(config: &Config) -> Result<LogId, Error> {
    config
        .metadata
        .get(names::LOG_ID_METADATA)
        .and_then(|text| Uuid::parse_str(text).ok())
        .map(LogId)
        .ok_or_else(|| Error::Missing(format!("stream {} carries no log id", config.name)))
}
