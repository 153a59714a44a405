//! What a log must be before a process that writes trusts it.

use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType};
use foldgate_proto::names;

use super::api::{self, Api};
use super::connection::Connection;
use super::import;
use super::options::Options;
use super::strength;
use crate::Error;

/// The oldest server that knows what is used here and lost no acknowledged
/// records in public tests of its line.
const OLDEST: (u32, u32) = (2, 12);

/// Checks the server, the stream and how durable its acknowledgements are.
pub(super) async fn check(
    connection: &Connection,
    hub: &Api,
    options: &Options,
) -> Result<(), Error> {
    version(connection)?;
    let info = hub.info().await?;
    api::log_id(&info.config)?;
    if import::unfinished(&info.config).is_some() {
        return Err(Error::Unavailable(
            "an import into it is not finished; `foldgate log import` with the same file goes on"
                .to_owned(),
        ));
    }
    let mut weak = shortfalls(&info.config);
    weak.extend(replicas(&info.config, options.replicas));
    if let Some(lost) = info.state.deleted_count.filter(|lost| *lost > 0) {
        weak.push(format!("{lost} records are missing in the leader's copy"));
    }
    let unknown = match strength::servers(options).await {
        Ok(servers) => {
            weak.extend(unsynced(&info, &servers));
            unread(&info, &servers)
        }
        Err(error) => Some(error),
    };
    let problem = match (weak.is_empty(), unknown) {
        (true, None) => return Ok(()),
        (true, Some(error)) => error,
        (false, None) => Error::Weak(weak.join("; ")),
        (false, Some(error)) => Error::Weak(format!("{}; {error}", weak.join("; "))),
    };
    if options.allow_weak {
        tracing::warn!(%problem, "a weak log is used, as the settings allow");
        return Ok(());
    }
    Err(problem)
}

/// Refuses servers that are too old.
pub(super) fn version(connection: &Connection) -> Result<(), Error> {
    let version = connection.version();
    let mut numbers = version
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < OLDEST {
        return Err(Error::Weak(format!(
            "nats-server {version} is older than {}.{}",
            OLDEST.0, OLDEST.1
        )));
    }
    Ok(())
}

/// Where the stream's configuration falls short of a log's.
pub(super) fn shortfalls(config: &Config) -> Vec<String> {
    let republished = config.republish.as_ref().is_some_and(|republish| {
        republish.source == names::LOG_SUBJECTS && !republish.headers_only
    });
    let unlimited = |limit: i64| limit <= 0;
    let rules = [
        (
            config.storage == StorageType::File,
            "it is not kept in files",
        ),
        (
            config.retention == RetentionPolicy::Limits,
            "consumers remove records",
        ),
        (
            config.discard == DiscardPolicy::New,
            "when full it drops its oldest records",
        ),
        (config.deny_delete, "records can be deleted"),
        (config.deny_purge, "it can be purged"),
        (config.max_age.is_zero(), "records expire"),
        (
            unlimited(config.max_messages),
            "it is limited to a number of records",
        ),
        (
            unlimited(config.max_messages_per_subject),
            "it keeps a limited number of records per subject",
        ),
        (!config.allow_rollup, "it allows roll-up"),
        (!config.no_ack, "it acknowledges nothing"),
        (!config.allow_message_ttl, "records can carry an expiry"),
        (config.allow_direct, "it allows no direct reads"),
        (republished, "it is not republished"),
        (config.allow_atomic_publish, "it takes no atomic batches"),
        (
            config.subjects == [names::LOG_SUBJECTS],
            "its subjects are not those of a log",
        ),
    ];
    let broken = rules.into_iter().filter(|(kept, _)| !kept);
    broken
        .map(|(_, text)| format!("stream {}: {text}", config.name))
        .collect()
}

/// Where a stream is kept in fewer copies than are asked for.
pub(super) fn replicas(config: &Config, wanted: usize) -> Option<String> {
    (config.num_replicas < wanted).then(|| {
        format!(
            "stream {}: {} copies are kept, {wanted} are configured; a bootstrap user raises \
             that with `nats stream edit {} --replicas {wanted}`",
            config.name, config.num_replicas, config.name
        )
    })
}

/// Where a stream is not one that keeps the last message per subject for a while.
pub(super) fn last_values(config: &Config) -> Vec<String> {
    let rules = [
        (
            config.max_messages_per_subject == 1,
            "it keeps more than the last message per subject",
        ),
        (
            config.discard == DiscardPolicy::Old,
            "when full it refuses new messages",
        ),
        (
            config.retention == RetentionPolicy::Limits,
            "consumers remove messages",
        ),
        (!config.max_age.is_zero(), "messages never expire"),
        (config.allow_direct, "it allows no direct reads"),
    ];
    let broken = rules.into_iter().filter(|(kept, _)| !kept);
    broken
        .map(|(_, text)| format!("stream {}: {text}", config.name))
        .collect()
}

/// Where a stream for usage batches is not one that keeps them.
pub(super) fn usage_shortfalls(config: &Config) -> Vec<String> {
    let rules = [
        (
            config.storage == StorageType::File,
            "it is not kept in files",
        ),
        (
            config.retention == RetentionPolicy::Limits,
            "consumers remove batches",
        ),
        (
            config.discard == DiscardPolicy::Old,
            "when full it refuses new batches",
        ),
        (!config.no_ack, "it acknowledges nothing"),
        (config.allow_direct, "it allows no direct reads"),
    ];
    let broken = rules.into_iter().filter(|(kept, _)| !kept);
    broken
        .map(|(_, text)| format!("stream {}: {text}", config.name))
        .collect()
}

/// Whether a stream hears reports on these subjects, or what to say if not.
pub(super) fn sleep_subjects(config: &Config, subjects: &[String]) -> Option<String> {
    let whole = config
        .subjects
        .iter()
        .any(|kept| kept == names::SLEEP_SUBJECTS);
    let covered = |subject: &String| whole || config.subjects.contains(subject);
    (!subjects.iter().all(covered)).then(|| {
        format!(
            "stream {}: it does not hear this region's reports",
            config.name
        )
    })
}

/// The servers that hold a copy.
fn holders(info: &Info) -> Vec<&str> {
    let Some(cluster) = &info.cluster else {
        return Vec::new();
    };
    let replicas = cluster.replicas.iter().map(|peer| peer.name.as_str());
    cluster
        .leader
        .as_deref()
        .into_iter()
        .chain(replicas)
        .collect()
}

fn unsynced(info: &Info, servers: &[strength::Server]) -> Vec<String> {
    let holders = holders(info);
    let relevant = |name: &str| holders.is_empty() || holders.contains(&name);
    servers
        .iter()
        .filter(|server| relevant(&server.name) && !server.sync_always)
        .map(|server| {
            format!(
                "server {} does not sync before it acknowledges (sync_interval: always)",
                server.name
            )
        })
        .collect()
}

fn unread(info: &Info, servers: &[strength::Server]) -> Option<Error> {
    let missing: Vec<&str> = holders(info)
        .into_iter()
        .filter(|holder| servers.iter().all(|server| server.name != *holder))
        .collect();
    if missing.is_empty() && !servers.is_empty() {
        return None;
    }
    Some(Error::StrengthUnknown(format!(
        "no answer about server {}",
        if missing.is_empty() {
            "settings".to_owned()
        } else {
            missing.join(", ")
        }
    )))
}
