//! What each server says of its own copy of a stream. JetStream's API answers for
//! the leader's copy only; a copy that lost records on its server's disk shows
//! nowhere else than in that server's monitoring.

use std::collections::BTreeMap;

use foldgate_proto::{LogId, names};
use serde::Deserialize;

use super::options::Options;
use super::servers::{Question, ask};
use crate::Error;

const STREAMS: Question = Question {
    page: "/jsz?accounts=true&streams=true&config=true",
    subject: "JSZ",
    body: r#"{"accounts":true,"streams":true,"config":true}"#,
};

/// How many records a copy holds, by its own server's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Counts {
    /// Records.
    #[serde(rename = "messages")]
    pub records: u64,
    /// The first one's revision; 0 or 1 in an empty log.
    #[serde(rename = "first_seq")]
    pub first: u64,
    /// The last one's revision; 0 in an empty log.
    #[serde(rename = "last_seq")]
    pub last: u64,
    /// How many between them are gone.
    #[serde(rename = "num_deleted", default)]
    pub deleted: u64,
}

impl Counts {
    /// How many records are not there that once were. None ever may: a log's
    /// records cannot be deleted.
    pub const fn missing(&self) -> u64 {
        // What is gone at the front is not counted as deleted by the server.
        let front = if self.last == 0 {
            0
        } else {
            self.first.saturating_sub(1)
        };
        self.deleted + front
    }
}

#[derive(Deserialize)]
struct Jsz {
    #[serde(default)]
    account_details: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    #[serde(default)]
    stream_detail: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    name: String,
    config: Option<Config>,
    state: Counts,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// The counts of each server that tells, by its name.
pub(super) async fn counts(
    options: &Options,
    stream: &str,
    log_id: LogId,
) -> Result<BTreeMap<String, Counts>, Error> {
    let answers = ask::<Jsz>(options, &STREAMS).await?;
    let id = log_id.to_string();
    let mut found = BTreeMap::new();
    for answer in answers {
        let streams = answer.data.account_details.into_iter();
        let own = streams
            .flat_map(|account| account.stream_detail)
            .find(|held| {
                // Another account may have a stream of that name.
                let metadata = held.config.as_ref().map(|config| &config.metadata);
                let there = metadata.and_then(|metadata| metadata.get(names::LOG_ID_METADATA));
                held.name == stream && there == Some(&id)
            });
        if let Some(held) = own {
            found.insert(answer.server, held.state);
        }
    }
    Ok(found)
}
