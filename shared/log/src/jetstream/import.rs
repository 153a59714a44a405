//! A log that is being imported. Its stream carries a mark from before its first
//! record until it is whole: a part of a log is a log by its looks, and somebody
//! would build on it.

use async_nats::jetstream::stream::{Config, Info};
use foldgate_proto::{LogId, Revision, names};

use super::api::{self, Api};
use super::init::{Init, connect, ensure, finish, log_config};
use super::options::Options;
use crate::{Error, Position};

/// What stands where an import begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// How many records of this import stand there already, from one that was
    /// interrupted.
    pub stands: Revision,
}

/// Makes the stream of a log that is to be imported up to `head`, or takes the
/// empty one that stands there, and marks it as unfinished.
///
/// # Errors
/// When a log stands there that is not empty, unless it is what an interrupted
/// import of the same log left behind; and as [`super::init`].
pub async fn begin_import(
    options: &Options,
    log_id: LogId,
    head: Position,
) -> Result<Begun, Error> {
    let connection = connect(options).await?;
    let hub = Api::hub(&connection, options);
    let init = Init {
        replicas: options.replicas,
        log_id: Some(log_id),
    };
    let marked = || mark(log_config(options, &init), log_id, head);
    ensure(&hub, marked).await?;
    let info = hub.info().await?;
    let begun = take(&hub, &info, log_id, head).await?;
    finish(&connection, options, init.replicas).await?;
    Ok(begun)
}

/// Takes the mark away: the log is whole.
///
/// # Errors
/// When the log does not end at `head`, or NATS does not answer.
pub async fn end_import(options: &Options, log_id: LogId, head: Position) -> Result<(), Error> {
    let connection = connect(options).await?;
    let hub = Api::hub(&connection, options);
    let last = hub.last().await?;
    let at = last.map_or_else(|| Position::genesis(log_id), |stored| stored.position());
    if at != head {
        return Err(Error::Mismatch(format!(
            "it ends at revision {}, not at {}",
            at.revision, head.revision
        )));
    }
    let mut config = hub.info().await?.config;
    config.metadata.remove(names::IMPORT_METADATA);
    hub.update(&config).await?;
    Ok(())
}

async fn take(hub: &Api, info: &Info, log_id: LogId, head: Position) -> Result<Begun, Error> {
    let config = &info.config;
    let stands = Revision(info.state.last_sequence);
    let begun = Begun { stands };
    if config.metadata.get(names::IMPORT_METADATA) == Some(&promise(head))
        && api::log_id(config)? == log_id
    {
        return Ok(begun);
    }
    if stands > Revision::ZERO {
        let found = api::log_id(config)?;
        return Err(Error::Mismatch(match unfinished(config) {
            Some(_) => format!("log {found}, of which another import is not finished"),
            None => {
                format!("log {found} of {stands} records; only an empty log can be imported into")
            }
        }));
    }
    // Made by `log init`, and nobody has written to it yet.
    hub.update(&mark(config.clone(), log_id, head)).await?;
    Ok(begun)
}

fn mark(mut config: Config, log_id: LogId, head: Position) -> Config {
    let entries = [
        (names::LOG_ID_METADATA, log_id.0.to_string()),
        (names::IMPORT_METADATA, promise(head)),
    ];
    let entries = entries.map(|(name, value)| (name.to_owned(), value));
    config.metadata.extend(entries);
    config
}

fn promise(head: Position) -> String {
    format!("{}:{}", head.revision, head.hash)
}

/// Where a log will end whose import is not finished.
pub(super) fn unfinished(config: &Config) -> Option<Position> {
    let text = config.metadata.get(names::IMPORT_METADATA)?;
    let promised = text.split_once(':').and_then(|(revision, hash)| {
        Some(Position {
            revision: Revision(revision.parse().ok()?),
            hash: hash.parse().ok()?,
        })
    });
    // A mark nobody can read is a mark.
    Some(promised.unwrap_or(Position {
        revision: Revision(u64::MAX),
        hash: foldgate_proto::RecordHash([0; 32]),
    }))
}
