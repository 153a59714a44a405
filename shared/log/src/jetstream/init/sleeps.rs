//! Where sleep reports are kept for those who join late. Each domain keeps the last
//! report of its own region's nodes in one stream, and those of all other regions
//! in a second: the hub's is fed by each region, a region's by both of the hub's.
//! So a node knows of a sleep wherever it starts, although the node that caused it
//! is gone, and although the link is cut by then.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, Source, StorageType};
use foldgate_proto::names;

use super::source;
use crate::Error;
use crate::jetstream::api::Api;
use crate::jetstream::{Connection, check};

/// The longest sleep a report may tell of, and so how long it is kept.
const LONGEST_SLEEP: Duration = Duration::from_hours(24);

/// The most that sleep reports may take on disk: about 200,000 of them.
const SLEEP_BYTES: i64 = 128 * 1024 * 1024;

/// How often sources are added that another `log init` at the same time took out.
const TRIES: u32 = 5;

/// Creates a domain's place for its own region's reports.
pub(super) async fn own(
    connection: &Connection,
    domain: Option<&str>,
    region: &str,
    replicas: usize,
) -> Result<(), Error> {
    let api = Api::new(connection, domain, names::SLEEP_STREAM.to_owned());
    let subjects = vec![names::sleep_region_subjects(region)];
    match api.info().await {
        Ok(info) => {
            let mut shortfalls = check::last_values(&info.config);
            shortfalls.extend(check::sleep_subjects(&info.config, &subjects));
            shortfalls.extend(check::replicas(&info.config, replicas));
            return strong(&shortfalls);
        }
        Err(Error::Missing(_)) => {}
        Err(error) => return Err(error),
    }
    let config = Config {
        subjects,
        ..kept(names::SLEEP_STREAM, replicas)
    };
    match api.create(&config).await {
        Ok(_) => Ok(()),
        Err(error) => api.info().await.map(|_| ()).map_err(|_| error),
    }
}

/// The domain of the region that a connection leads to.
pub(super) fn region(connection: &Connection, hub: &str) -> Result<String, Error> {
    let domain = connection.domain().filter(|domain| domain != hub);
    domain.ok_or_else(|| {
        Error::Invalid(format!(
            "the region's servers have no JetStream domain of their own (the hub's is {hub})"
        ))
    })
}

/// Lets the hub keep what that region reports, and the region what the hub knows.
/// The connection leads to the region.
pub(super) async fn exchange(
    connection: &Connection,
    hub: &str,
    region: &str,
    replicas: usize,
) -> Result<(), Error> {
    let place = |domain, stream: &str| Api::new(connection, domain, stream.to_owned());
    let there = place(Some(hub), names::SLEEP_STREAM).info().await?;
    let others = place(Some(hub), names::SLEEP_OTHERS_STREAM);
    let from_region = [source(region, names::SLEEP_STREAM)];
    feed(&others, &from_region, there.config.num_replicas).await?;
    let here = place(None, names::SLEEP_OTHERS_STREAM);
    let from_hub = [
        source(hub, names::SLEEP_STREAM),
        source(hub, names::SLEEP_OTHERS_STREAM),
    ];
    feed(&here, &from_hub, replicas).await
}

/// Creates the stream with these sources, or adds them to those it has.
async fn feed(api: &Api, wanted: &[Source], replicas: usize) -> Result<(), Error> {
    for _ in 0..TRIES {
        let mut config = match api.info().await {
            Ok(info) => info.config,
            Err(Error::Missing(_)) => {
                let config = Config {
                    sources: Some(wanted.to_vec()),
                    ..kept(names::SLEEP_OTHERS_STREAM, replicas)
                };
                // Another may have created it in the meantime: looked at again.
                if let Err(error) = api.create(&config).await {
                    api.info().await.map_err(|_| error)?;
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        let mut shortfalls = check::last_values(&config);
        shortfalls.extend(check::replicas(&config, replicas));
        strong(&shortfalls)?;
        let sources = config.sources.get_or_insert_default();
        let absent: Vec<&Source> = wanted
            .iter()
            .filter(|wanted| !sources.iter().any(|source| is_same(source, wanted)))
            .collect();
        if absent.is_empty() {
            return Ok(());
        }
        sources.extend(absent.into_iter().cloned());
        api.update(&config).await?;
    }
    Err(Error::Unavailable(format!(
        "the sources of stream {} keep changing; is another `log init` running?",
        api.stream()
    )))
}

fn is_same(one: &Source, other: &Source) -> bool {
    let prefix = |source: &Source| {
        let external = source.external.as_ref();
        external.map(|external| external.api_prefix.clone())
    };
    one.name == other.name && prefix(one) == prefix(other)
}

fn strong(shortfalls: &[String]) -> Result<(), Error> {
    if shortfalls.is_empty() {
        return Ok(());
    }
    Err(Error::Weak(shortfalls.join("; ")))
}

/// The last report per key, for as long as the longest sleep.
fn kept(name: &str, replicas: usize) -> Config {
    Config {
        name: name.to_owned(),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_messages_per_subject: 1,
        max_age: LONGEST_SLEEP,
        max_bytes: SLEEP_BYTES,
        num_replicas: replicas.max(1),
        allow_direct: true,
        ..Config::default()
    }
}
