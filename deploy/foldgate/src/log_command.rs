//! `foldgate log`: creating the log and checking it.

use foldgate_log::jetstream::{Audit, Init, MirrorInit, Options, Outcome, init, init_mirror};
use foldgate_log::{
    BrokenLink, Embedded, Error as LogError, EventLog, JetStream, Position, VerifyError,
};
use foldgate_proto::LogId;
use foldgate_runtime::Settings;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::history::{self, Out, Progress};
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
pub(crate) async fn verify(settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut out = Out::view();
    let found = found(settings).await?;
    if json {
        out.json(&found.json())?;
    } else {
        for line in found.lines() {
            out.line(&line)?;
        }
    }
    out.flush()?;
    match found.broken() {
        Some(link) => Err(link.into()),
        None => Ok(()),
    }
}

/// What reading a log came to.
enum Found {
    Whole(LogId, Position),
    Broken(BrokenLink),
    /// On NATS, where it has copies.
    Audit(Audit),
}

async fn found(settings: &Settings) -> Result<Found, Failure> {
    if settings.admin_url.is_empty() && !settings.nats.url.is_empty() {
        let log = JetStream::open(nats::options(settings, "log verify")).await?;
        let progress = Progress::open("verifying");
        let audit = log.audit(&mut |at| progress.at(at.revision)).await?;
        return Ok(Found::Audit(audit));
    }
    let outcome = if settings.admin_url.is_empty() {
        match in_directory(settings).await {
            Err(VerifyError::Unread(LogError::InUse(_))) => {
                history::verify_remote(settings).await?
            }
            Err(VerifyError::Unread(error)) => return Err(error.into()),
            Err(VerifyError::Broken(link)) => Err(link),
            Ok(whole) => Ok(whole),
        }
    } else {
        history::verify_remote(settings).await?
    };
    Ok(match outcome {
        Ok((id, head)) => Found::Whole(id, head),
        Err(link) => Found::Broken(link),
    })
}

async fn in_directory(settings: &Settings) -> Result<(LogId, Position), VerifyError> {
    // Damage means the same wherever it is found.
    let log = Embedded::inspect(&settings.data_dir.join(LOG_FOLDER)).await?;
    let progress = Progress::new("verifying", log.head().await?.revision);
    let head = log.verify(&mut |at| progress.at(at.revision)).await?;
    Ok((log.log_id().await?, head))
}

impl Found {
    fn broken(&self) -> Option<BrokenLink> {
        match self {
            Self::Whole(..) => None,
            Self::Broken(link) => Some(link.clone()),
            Self::Audit(audit) => audit.fault(),
        }
    }

    fn lines(&self) -> Vec<String> {
        match self {
            Self::Whole(id, head) => vec![whole(*id, *head)],
            Self::Broken(_) => Vec::new(),
            Self::Audit(audit) => told(audit),
        }
    }

    fn json(&self) -> Value {
        let link = self.broken();
        let (id, head) = match self {
            Self::Whole(id, head) => (Some(*id), Some(*head)),
            Self::Broken(_) => (None, None),
            Self::Audit(audit) => {
                let leader = audit.copies.first().map(|copy| &copy.outcome);
                let head = leader.and_then(|outcome| match outcome {
                    Outcome::Whole(head) => Some(*head),
                    _ => None,
                });
                (Some(audit.log_id), head)
            }
        };
        json!({
            "whole": link.is_none(),
            "log_id": id,
            "head": head.map(|head| json!({"revision": head.revision, "hash": head.hash.to_string()})),
            "broken": link.map(|link| json!({"revision": link.revision, "reason": link.reason})),
        })
    }
}

fn whole(id: LogId, head: Position) -> String {
    format!(
        "log {id}: {} records, every link holds, head {}",
        head.revision, head.hash
    )
}

/// What was read, of which copy, and what was not.
fn told(audit: &Audit) -> Vec<String> {
    let Some(leader) = audit.copies.first() else {
        return Vec::new();
    };
    let mut lines = vec![match &leader.outcome {
        Outcome::Whole(head) if audit.fault().is_none() => whole(audit.log_id, *head),
        _ => format!("log {}: NOT WHOLE", audit.log_id),
    }];
    lines.push(format!(
        "read: revisions 1 to {} of stream {}, by the word of its leader, server {}",
        audit.head, audit.stream, leader.server
    ));
    if let Some(later) = &audit.led_later {
        lines.push(format!(
            "the leader changed meanwhile: server {later} leads now"
        ));
    }
    lines.extend(audit.copies.iter().map(ToString::to_string));
    if let Some(why) = &audit.uncounted {
        lines.push(format!(
            "how many records each server holds was not asked: {why} (the leader told of its own \
             copy, which is all that JetStream tells)"
        ));
    }
    lines
}
