//! The fleet's table: a stream that keeps the last message per subject. A change
//! names the sequence that it saw there, and the stream refuses all but the first.

use std::time::Duration;

use bytes::Bytes;
use foldgate_proto::names;
use tokio::time::Instant;

use super::{Entry, MAX_ENTRIES, Put};
use crate::jetstream::{Api, Connection, Expected};
use crate::{Error, JetStream};

/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Table {
    connection: Connection,
    api: Api,
    /// What all subjects begin with, the dot included.
    prefix: &'static str,
}

impl Table {
    pub(super) fn mails(log: &JetStream) -> Self {
        let connection = log.connection().clone();
        let domain = log.options().hub_domain.as_deref();
        let api = Api::new(&connection, domain, names::MAIL_STREAM.to_owned());
        Self {
            connection,
            api,
            prefix: names::MAIL_PREFIX,
        }
    }

    pub(super) async fn all(&self) -> Result<Vec<Entry>, Error> {
        self.connected().await?;
        let subjects = format!("{}>", self.prefix);
        let found = self.api.entries(&subjects, MAX_ENTRIES).await?;
        let entry = |(subject, version, value): (String, u64, Bytes)| {
            let key = subject.strip_prefix(self.prefix)?.to_owned();
            Some(Entry {
                key,
                version,
                value,
            })
        };
        Ok(found.into_iter().filter_map(entry).collect())
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.connected().await?;
        let found = self.api.last_of(&self.subject(key)).await?;
        Ok(found.map(|(version, value)| Entry {
            key: key.to_owned(),
            version,
            value,
        }))
    }

    pub(super) async fn put(
        &self,
        key: &str,
        seen: Option<u64>,
        value: Bytes,
    ) -> Result<Put, Error> {
        self.connected().await?;
        let subject = self.subject(key);
        match self.api.set(subject, seen.unwrap_or(0), value).await? {
            Expected::Stands(version) => Ok(Put::Done { version }),
            Expected::Overtaken => Ok(Put::Overtaken),
        }
    }

    fn subject(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    async fn connected(&self) -> Result<(), Error> {
        self.connection.connected(Instant::now() + PATIENCE).await
    }
}
