//! Where control planes agree on mails: the last word per mail, in one stream of
//! the hub.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use foldgate_proto::names;

use crate::Error;
use crate::jetstream::api::Api;
use crate::jetstream::{Connection, check};

/// How long it is remembered that a mail was sent, and tried to send it.
const KEPT: Duration = Duration::from_hours(24);

/// The most that mails may take on disk.
const MAIL_BYTES: i64 = 64 * 1024 * 1024;

/// Creates the stream unless it is there.
pub(super) async fn ensure(
    connection: &Connection,
    domain: Option<&str>,
    replicas: usize,
) -> Result<(), Error> {
    let api = Api::new(connection, domain, names::MAIL_STREAM.to_owned());
    match api.info().await {
        Ok(info) => {
            let mut shortfalls = check::last_values(&info.config);
            shortfalls.extend(check::replicas(&info.config, replicas));
            if shortfalls.is_empty() {
                return Ok(());
            }
            return Err(Error::Weak(shortfalls.join("; ")));
        }
        Err(Error::Missing(_)) => {}
        Err(error) => return Err(error),
    }
    let config = Config {
        name: names::MAIL_STREAM.to_owned(),
        subjects: vec![names::MAIL_SUBJECTS.to_owned()],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_messages_per_subject: 1,
        max_age: KEPT,
        max_bytes: MAIL_BYTES,
        num_replicas: replicas.max(1),
        allow_direct: true,
        ..Config::default()
    };
    match api.create(&config).await {
        Ok(_) => Ok(()),
        // Another may have created it in the meantime.
        Err(error) => api.info().await.map(|_| ()).map_err(|_| error),
    }
}
