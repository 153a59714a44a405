//! Where sleep reports are kept for those who join late. Each domain keeps the last
//! report of its own region's nodes in one stream, and those of all other regions
//! in a second: the hub's is fed by each region, a region's by both of the hub's.
//! So a node knows of a sleep wherever it starts, although the node that caused it
//! is gone, and although the link is cut by then.

use async_nats::jetstream::stream::{Config, Source};
use foldgate_proto::names;

use super::last_values::{self, strong};
use super::source;
use crate::Error;
use crate::jetstream::api::Api;
use crate::jetstream::{Connection, check};

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
        strong(&last_values::shortfalls(&config, replicas))?;
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

/// The last report per key.
fn kept(name: &str, replicas: usize) -> Config {
    last_values::config(name, SLEEP_BYTES, replicas)
}
