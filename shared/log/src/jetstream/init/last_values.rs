//! Streams that keep the last message per subject for a while: what they are like, and
//! how one comes to stand.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use super::sources::strong;
use crate::Error;
use crate::jetstream::api::Api;
use crate::jetstream::check;

/// How long a message is kept: the longest sleep a report may tell of, and how long it
/// is tried to send a mail.
const KEPT: Duration = Duration::from_hours(24);

/// Such a stream, of so many bytes at most.
pub(super) fn config(name: &str, bytes: i64, replicas: usize) -> Config {
    Config {
        name: name.to_owned(),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_messages_per_subject: 1,
        max_age: KEPT,
        max_bytes: bytes,
        num_replicas: replicas.max(1),
        allow_direct: true,
        ..Config::default()
    }
}

/// Creates the stream unless it is there; then it must be one of these.
pub(super) async fn ensure(
    api: &Api,
    wanted: &Config,
    also: impl FnOnce(&Config) -> Option<String>,
) -> Result<(), Error> {
    match api.info().await {
        Ok(info) => {
            let mut shortfalls = shortfalls(&info.config, wanted.num_replicas);
            shortfalls.extend(also(&info.config));
            return strong(&shortfalls);
        }
        Err(Error::Missing(_)) => {}
        Err(error) => return Err(error),
    }
    match api.create(wanted).await {
        Ok(_) => Ok(()),
        // Another may have created it in the meantime.
        Err(error) => api.info().await.map(|_| ()).map_err(|_| error),
    }
}

/// Where a stream is none of these, or is kept in too few copies.
fn shortfalls(config: &Config, replicas: usize) -> Vec<String> {
    let mut shortfalls = check::last_values(config);
    shortfalls.extend(check::replicas(config, replicas));
    shortfalls
}
