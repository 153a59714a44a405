//! Creating the streams: the hub's log and its table of mails, a region's mirror of
//! the log, and where a region keeps its sleep reports and its usage. Every call may
//! be repeated.

mod last_values;
mod sleeps;
mod sources;
mod usage;

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Republish, RetentionPolicy, StorageType,
};
use foldgate_proto::{LogId, names};
use uuid::Uuid;

use super::api::Api;
use super::check;
use super::options::Options;
use super::{Connection, READ_DEADLINE};
use crate::Error;

/// How long the server remembers record ids; longer than any append tries.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(10);

/// The most that the table of mails may take on disk.
const MAIL_BYTES: i64 = 64 * 1024 * 1024;

/// How the hub's log is created.
#[derive(Debug, Clone, Default)]
pub struct Init {
    /// Servers that each hold a copy: 3 in a cluster, 1 on a single server.
    pub replicas: usize,
    /// The log's id, for an import; drawn if not given.
    pub log_id: Option<LogId>,
}

/// How a region's mirror is created.
#[derive(Debug, Clone)]
pub struct MirrorInit {
    /// Servers of the region that each hold a copy.
    pub replicas: usize,
    /// The hub's JetStream domain.
    pub hub_domain: String,
}

/// What stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Initialised {
    /// The log's id.
    pub log_id: LogId,
    /// Whether it was created just now.
    pub created: bool,
}

/// Creates the hub's log, its table of mails, and its region's places for sleep reports
/// and usage.
///
/// # Errors
/// When NATS does not answer, and when a log stands there that is weaker than
/// required or another than the one asked for.
pub async fn init(options: &Options, init: &Init) -> Result<Initialised, Error> {
    let connection = connect(options).await?;
    let hub = Api::hub(&connection, options);
    let found = ensure(&hub, || log_config(options, init)).await?;
    if init.log_id.is_some_and(|wanted| wanted != found.log_id) {
        return Err(Error::Mismatch(format!("its id is {}", found.log_id)));
    }
    finish(&connection, options, init.replicas).await?;
    Ok(found)
}

/// What remains to be done once the hub's stream stands.
pub(super) async fn finish(
    connection: &Connection,
    options: &Options,
    replicas: usize,
) -> Result<(), Error> {
    let info = Api::hub(connection, options).info().await?;
    let mut shortfalls = check::shortfalls(&info.config);
    shortfalls.extend(check::replicas(&info.config, replicas));
    if !shortfalls.is_empty() {
        return Err(Error::Weak(shortfalls.join("; ")));
    }
    let domain = options.hub_domain.as_deref();
    let mails = Api::new(connection, domain, names::MAIL_STREAM.to_owned());
    let wanted = Config {
        subjects: vec![names::MAIL_SUBJECTS.to_owned()],
        ..last_values::config(names::MAIL_STREAM, MAIL_BYTES, replicas)
    };
    last_values::ensure(&mails, &wanted, |_| None).await?;
    sleeps::own(connection, domain, &options.region, replicas).await?;
    usage::own(connection, domain, &options.region, replicas).await
}

/// Creates a region's mirror of the log and its places for sleep reports and usage,
/// lets hub and region keep each other's reports, and the hub gather the region's
/// usage. The connection must be to the region.
///
/// # Errors
/// When the region or the hub does not answer, when the region is no JetStream
/// domain of its own, and when a mirror of another log stands there.
pub async fn init_mirror(options: &Options, init: &MirrorInit) -> Result<Initialised, Error> {
    let connection = connect(options).await?;
    let region = sleeps::region(&connection, &init.hub_domain)?;
    let domain = Some(init.hub_domain.as_str());
    let hub = Api::new(&connection, domain, names::LOG_STREAM.to_owned());
    let log_id = hub.log_id().await?;
    let mirror = Api::mirror(&connection, options);
    let found = ensure(&mirror, || mirror_config(options, init, log_id)).await?;
    if found.log_id != log_id {
        return Err(Error::Mismatch(format!(
            "{} mirrors log {}, the hub's is {log_id}",
            mirror.stream(),
            found.log_id
        )));
    }
    let info = mirror.info().await?;
    if let Some(shortfall) = check::replicas(&info.config, init.replicas) {
        return Err(Error::Weak(shortfall));
    }
    sleeps::own(&connection, None, &options.region, init.replicas).await?;
    sleeps::exchange(&connection, &init.hub_domain, &region, init.replicas).await?;
    usage::own(&connection, None, &options.region, init.replicas).await?;
    usage::gather(&connection, &init.hub_domain, &region).await?;
    Ok(found)
}

pub(super) async fn connect(options: &Options) -> Result<Connection, Error> {
    let connection = Connection::open(options).await?;
    connection
        .admitted(tokio::time::Instant::now() + READ_DEADLINE)
        .await?;
    check::version(&connection)?;
    Ok(connection)
}

/// Creates the stream unless it is there. Two may try at once: one creates.
pub(super) async fn ensure(api: &Api, config: impl Fn() -> Config) -> Result<Initialised, Error> {
    match api.log_id().await {
        Ok(log_id) => {
            return Ok(Initialised {
                log_id,
                created: false,
            });
        }
        Err(Error::Missing(_)) => {}
        Err(error) => return Err(error),
    }
    let created = api.create(&config()).await;
    let log_id = api.log_id().await;
    match (created, log_id) {
        (Ok(_), Ok(log_id)) => Ok(Initialised {
            log_id,
            created: true,
        }),
        (Err(_), Ok(log_id)) => Ok(Initialised {
            log_id,
            created: false,
        }),
        (Err(error), Err(_)) | (Ok(_), Err(error)) => Err(error),
    }
}

pub(super) fn log_config(options: &Options, init: &Init) -> Config {
    let log_id = init.log_id.unwrap_or_else(|| LogId(Uuid::new_v4()));
    Config {
        name: names::LOG_STREAM.to_owned(),
        subjects: vec![names::LOG_SUBJECTS.to_owned()],
        discard: DiscardPolicy::New,
        allow_atomic_publish: true,
        duplicate_window: DUPLICATE_WINDOW,
        num_replicas: init.replicas.max(1),
        ..kept_config(options, log_id)
    }
}

fn mirror_config(options: &Options, init: &MirrorInit, log_id: LogId) -> Config {
    Config {
        name: names::mirror_stream(&options.region),
        mirror: Some(sources::source(&init.hub_domain, names::LOG_STREAM)),
        mirror_direct: true,
        num_replicas: init.replicas.max(1),
        ..kept_config(options, log_id)
    }
}

/// What the log and its mirrors have in common: nothing is ever dropped.
fn kept_config(options: &Options, log_id: LogId) -> Config {
    Config {
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        republish: Some(Republish {
            source: names::LOG_SUBJECTS.to_owned(),
            destination: names::fold_subjects(&options.region),
            headers_only: false,
        }),
        metadata: HashMap::from([(names::LOG_ID_METADATA.to_owned(), log_id.0.to_string())]),
        ..Config::default()
    }
}
