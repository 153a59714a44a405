//! `foldgate log`: creating the log and checking it.

use foldgate_log::jetstream::{Init, MirrorInit, Options, init, init_mirror};
use foldgate_log::{Embedded, EventLog, JetStream, VerifyError};
use foldgate_runtime::Settings;

use crate::exit::Failure;
use crate::nats;
use crate::storage::LOG_FOLDER;

/// Creates the log's streams, or a region's mirror.
///
/// # Errors
/// When there is no NATS URL, NATS does not answer, or another log stands there.
pub(crate) async fn create(settings: &Settings, mirror: bool) -> Result<(), Failure> {
    if settings.nats.url.is_empty() {
        return Err(Failure::usage(
            "log init needs FOLDGATE_NATS_URL (the embedded log of standalone needs no init)",
        ));
    }
    let options = nats::options(settings, "log init");
    let replicas = settings.nats.replicas;
    let (what, made) = if mirror {
        let hub_domain = options
            .hub_domain
            .clone()
            .unwrap_or_else(|| nats::HUB_DOMAIN.to_owned());
        // What stands in the region is made in the region's own domain.
        let region = Options {
            hub_domain: None,
            ..options
        };
        let mirror = MirrorInit {
            replicas,
            hub_domain,
        };
        let what = format!("mirror of region {}", settings.region);
        (what, init_mirror(&region, &mirror).await?)
    } else {
        let hub = Init {
            replicas,
            log_id: None,
        };
        ("log".to_owned(), init(&options, &hub).await?)
    };
    let verb = if made.created { "created" } else { "stands" };
    println!("{what} {verb}: {}", made.log_id);
    Ok(())
}

/// Reads the whole log, on NATS or in the data directory.
///
/// # Errors
/// The first broken link, or why the log could not be read.
pub(crate) async fn verify(settings: &Settings) -> Result<(), Failure> {
    if settings.nats.url.is_empty() {
        let inspected = Embedded::inspect(&settings.data_dir.join(LOG_FOLDER)).await;
        // Damage means the same wherever it is found.
        let log = inspected.map_err(VerifyError::from)?;
        return walk(&log).await;
    }
    let log = JetStream::open(nats::options(settings, "log verify")).await?;
    walk(&log).await
}

async fn walk(log: &dyn EventLog) -> Result<(), Failure> {
    let head = log.verify(&mut |_| {}).await?;
    let id = log.log_id().await?;
    println!(
        "log {id}: {} records, every link holds, head {}",
        head.revision, head.hash
    );
    Ok(())
}
