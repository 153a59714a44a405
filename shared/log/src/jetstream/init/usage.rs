//! Where usage batches are kept until every control plane has folded them, and for
//! control planes that join later. Each domain keeps its own region's in one stream;
//! the hub gathers those of all other regions in a second, for control planes read
//! the hub's. A region that is cut off keeps its own until the link is back.

use std::time::Duration;

use async_nats::jetstream::stream::{
    Compression, Config, DiscardPolicy, RetentionPolicy, StorageType,
};
use foldgate_proto::names;

use super::sources::{self, source};
use crate::Error;
use crate::jetstream::api::Api;
use crate::jetstream::{Connection, check};

/// How long batches are kept: a year's bills can be made anew, and a month more.
const KEPT: Duration = Duration::from_hours(400 * 24);

/// The most that batches may take, as JetStream counts (before it compresses them):
/// about ten million records. Then the oldest go: control planes that live have
/// folded them long before, and a stream that took no more would stop the traffic.
const USAGE_BYTES: i64 = 4 * 1024 * 1024 * 1024;

/// How long a batch that comes twice is not even stored. Numbers make it harmless later.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(10);

/// Creates a domain's place for its own region's batches, or lets it hear them.
pub(super) async fn own(
    connection: &Connection,
    domain: Option<&str>,
    region: &str,
    replicas: usize,
) -> Result<(), Error> {
    let api = Api::new(connection, domain, names::USAGE_STREAM.to_owned());
    let subject = names::usage_region_subjects(region);
    let mut config = match api.info().await {
        Ok(info) => info.config,
        Err(Error::Missing(_)) => {
            let config = Config {
                subjects: vec![subject],
                duplicate_window: DUPLICATE_WINDOW,
                ..kept(names::USAGE_STREAM, replicas)
            };
            return match api.create(&config).await {
                Ok(_) => Ok(()),
                Err(error) => api.info().await.map(|_| ()).map_err(|_| error),
            };
        }
        Err(error) => return Err(error),
    };
    let mut shortfalls = check::usage_shortfalls(&config);
    shortfalls.extend(check::replicas(&config, replicas));
    sources::strong(&shortfalls)?;
    if !config.subjects.contains(&subject) {
        config.subjects.push(subject);
        api.update(&config).await?;
    }
    Ok(())
}

/// Lets the hub gather what a region's nodes use. The connection leads to the region.
pub(super) async fn gather(connection: &Connection, hub: &str, region: &str) -> Result<(), Error> {
    let place = |stream: &str| Api::new(connection, Some(hub), stream.to_owned());
    let there = place(names::USAGE_STREAM).info().await?;
    let config = kept(names::USAGE_OTHERS_STREAM, there.config.num_replicas);
    let from = [source(region, names::USAGE_STREAM)];
    let others = place(names::USAGE_OTHERS_STREAM);
    sources::feed(&others, (&from, config), check::usage_shortfalls).await
}

fn kept(name: &str, replicas: usize) -> Config {
    Config {
        name: name.to_owned(),
        storage: StorageType::File,
        compression: Some(Compression::S2),
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_age: KEPT,
        max_bytes: USAGE_BYTES,
        num_replicas: replicas.max(1),
        allow_direct: true,
        ..Config::default()
    }
}
