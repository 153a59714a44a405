//! How durable a server's acknowledgement is. JetStream's own API does not say;
//! the monitoring port does (`/jsz`, field `config.sync_always`), and so does the
//! system account.

use serde::Deserialize;

use super::options::Options;
use super::servers::{Question, ask};
use crate::Error;

const JETSTREAM: Question = Question {
    page: "/jsz",
    subject: "JSZ",
    body: "{}",
};

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) sync_always: bool,
}

#[derive(Deserialize)]
struct Jsz {
    #[serde(default)]
    disabled: bool,
    config: Option<Config>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    sync_always: bool,
}

/// Asks every server whose settings can be read.
pub(super) async fn servers(options: &Options) -> Result<Vec<Server>, Error> {
    let answers = ask::<Jsz>(options, &JETSTREAM).await?;
    let servers: Vec<Server> = answers
        .into_iter()
        .filter(|answer| !answer.data.disabled)
        .filter_map(|answer| {
            Some(Server {
                name: answer.server,
                sync_always: answer.data.config?.sync_always,
            })
        })
        .collect();
    if servers.is_empty() {
        return Err(Error::StrengthUnknown(
            "JetStream is not enabled on the servers that were asked".to_owned(),
        ));
    }
    Ok(servers)
}
