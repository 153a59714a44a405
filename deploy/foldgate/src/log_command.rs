//! `foldgate log`: creating the log and checking it.

use foldgate_log::jetstream::{Audit, Init, MirrorInit, Options, Outcome, init, init_mirror};
use foldgate_log::{Embedded, EventLog, JetStream, Position, VerifyError};
use foldgate_proto::LogId;
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
    let audit = log.audit(&mut |_| {}).await?;
    tell(&audit);
    match audit.fault() {
        Some(link) => Err(VerifyError::from(link).into()),
        None => Ok(()),
    }
}

async fn walk(log: &dyn EventLog) -> Result<(), Failure> {
    let head = log.verify(&mut |_| {}).await?;
    whole(log.log_id().await?, head);
    Ok(())
}

fn whole(id: LogId, head: Position) {
    println!(
        "log {id}: {} records, every link holds, head {}",
        head.revision, head.hash
    );
}

/// What was read, of which copy, and what was not.
fn tell(audit: &Audit) {
    let Some(leader) = audit.copies.first() else {
        return;
    };
    match &leader.outcome {
        Outcome::Whole(head) if audit.fault().is_none() => whole(audit.log_id, *head),
        _ => println!("log {}: NOT WHOLE", audit.log_id),
    }
    println!(
        "read: revisions 1 to {} of stream {}, by the word of its leader, server {}",
        audit.head, audit.stream, leader.server
    );
    if let Some(later) = &audit.led_later {
        println!("the leader changed meanwhile: server {later} leads now");
    }
    for copy in &audit.copies {
        println!("{copy}");
    }
    if let Some(why) = &audit.uncounted {
        println!(
            "how many records each server holds was not asked: {why} (the leader told of its own \
             copy, which is all that JetStream tells)"
        );
    }
}
