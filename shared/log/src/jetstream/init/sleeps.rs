//! Where sleep reports are kept for those who join late. Each domain keeps the last
//! report of its own region's nodes in one stream, and those of all other regions
//! in a second: the hub's is fed by each region, a region's by both of the hub's.
//! So a node knows of a sleep wherever it starts, although the node that caused it
//! is gone, and although the link is cut by then.

use async_nats::jetstream::stream::{Config, Source};
use foldgate_proto::names;

use super::last_values;
use super::sources::{self, source};
use crate::Error;
use crate::jetstream::api::Api;
use crate::jetstream::{Connection, check};

/// The most that sleep reports may take on disk: about 200,000 of them.
const SLEEP_BYTES: i64 = 128 * 1024 * 1024;

/// Creates a domain's place for its own region's reports.
pub(super) async fn own(
    connection: &Connection,
    domain: Option<&str>,
    region: &str,
    replicas: usize,
) -> Result<(), Error> {
    let api = Api::new(connection, domain, names::SLEEP_STREAM.to_owned());
    let subjects = vec![names::sleep_region_subjects(region)];
    let wanted = Config {
        subjects: subjects.clone(),
        ..kept(names::SLEEP_STREAM, replicas)
    };
    let deaf = |config: &Config| check::sleep_subjects(config, &subjects);
    last_values::ensure(&api, &wanted, deaf).await
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
    let feed = async |api: &Api, from: &[Source], replicas| {
        let config = kept(names::SLEEP_OTHERS_STREAM, replicas);
        sources::feed(api, (from, config), check::last_values).await
    };
    feed(&others, &from_region, there.config.num_replicas).await?;
    let here = place(None, names::SLEEP_OTHERS_STREAM);
    let from_hub = [
        source(hub, names::SLEEP_STREAM),
        source(hub, names::SLEEP_OTHERS_STREAM),
    ];
    feed(&here, &from_hub, replicas).await
}

/// The last report per key.
fn kept(name: &str, replicas: usize) -> Config {
    last_values::config(name, SLEEP_BYTES, replicas)
}
