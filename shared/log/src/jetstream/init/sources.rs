//! Streams that are fed by streams of other domains.

use async_nats::jetstream::stream::{Config, External, Source};

use crate::Error;
use crate::jetstream::api::Api;
use crate::jetstream::check;

/// How often sources are added that another `log init` at the same time took out.
const TRIES: u32 = 5;

/// A stream of another domain.
pub(super) fn source(domain: &str, stream: &str) -> Source {
    Source {
        name: stream.to_owned(),
        // Not `domain`: servers refuse it as an unknown field.
        external: Some(External {
            api_prefix: format!("$JS.{domain}.API"),
            delivery_prefix: None,
        }),
        ..Source::default()
    }
}

/// Creates the stream with these sources, or adds them to those it has.
pub(super) async fn feed(
    api: &Api,
    (wanted, new): (&[Source], Config),
    shortfalls: impl Fn(&Config) -> Vec<String>,
) -> Result<(), Error> {
    for _ in 0..TRIES {
        let mut config = match api.info().await {
            Ok(info) => info.config,
            Err(Error::Missing(_)) => {
                let config = Config {
                    sources: Some(wanted.to_vec()),
                    ..new.clone()
                };
                // Another may have created it in the meantime: looked at again.
                if let Err(error) = api.create(&config).await {
                    api.info().await.map_err(|_| error)?;
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        let mut shortfalls = shortfalls(&config);
        shortfalls.extend(check::replicas(&config, new.num_replicas));
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

pub(super) fn strong(shortfalls: &[String]) -> Result<(), Error> {
    if shortfalls.is_empty() {
        return Ok(());
    }
    Err(Error::Weak(shortfalls.join("; ")))
}
