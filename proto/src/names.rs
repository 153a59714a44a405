//! Names of streams and subjects, in one place.

use crate::{KeyId, OwnerId, RecordHash, SleepReport};

/// The stream that holds the log.
pub const LOG_STREAM: &str = "FOLDGATE_LOG";

/// Every record's subject: `foldgate.log.<owner>.<command>`.
pub const LOG_SUBJECTS: &str = "foldgate.log.>";

/// The stream metadata key that holds the log's id.
pub const LOG_ID_METADATA: &str = "foldgate_log_id";

/// The stream metadata key of a log whose import is not finished: where it will
/// end, as `<revision>:<hash>`.
pub const IMPORT_METADATA: &str = "foldgate_import";

/// The stream that keeps the last sleep report per key and model, per region.
pub const SLEEP_STREAM: &str = "FOLDGATE_SLEEP";

/// What a domain keeps of the sleep reports of all others. Nothing flows from it
/// into [`SLEEP_STREAM`], so that no report goes round in a circle.
pub const SLEEP_OTHERS_STREAM: &str = "FOLDGATE_SLEEP_OTHERS";

/// The stream that says which mails are to be sent, and which were.
pub const MAIL_STREAM: &str = "FOLDGATE_MAIL";

/// What the subjects of mails begin with.
pub const MAIL_PREFIX: &str = "foldgate.mail.";

/// Every mail's subject.
pub const MAIL_SUBJECTS: &str = "foldgate.mail.>";

/// Sleep reports as they are published at once (core subjects; they cross leaf links).
pub const SLEEP_SUBJECTS: &str = "foldgate.sleep.>";

/// What nodes tell and ask each other of what upstreams made (a core subject; it
/// crosses leaf links).
pub const MADE_SUBJECT: &str = "foldgate.made";

/// The stream that keeps what requests used, per region: batches of records.
pub const USAGE_STREAM: &str = "FOLDGATE_USAGE";

/// What the hub keeps of the usage of all other regions.
pub const USAGE_OTHERS_STREAM: &str = "FOLDGATE_USAGE_OTHERS";

/// Every usage batch.
pub const USAGE_SUBJECTS: &str = "foldgate.usage.>";

/// What control planes tell of accounts that may spend no more (core subjects; they
/// cross leaf links).
pub const PURSE_SUBJECTS: &str = "foldgate.purse.>";

/// Heartbeats of every node.
pub const HEARTBEAT_SUBJECTS: &str = "foldgate.heartbeat.>";

/// Counts of every node, for its region.
pub fn counts_subjects(region: &str) -> String {
    format!("foldgate.counts.near.{}.*", token(region))
}

/// The subject of one node's counts.
pub fn counts_subject(region: &str, node: &str) -> String {
    format!("foldgate.counts.near.{}.{}", token(region), token(node))
}

/// What each region has counted, for the others.
pub const COUNTS_ACROSS_SUBJECTS: &str = "foldgate.counts.across.*";

/// The subject of what one region has counted.
pub fn counts_across_subject(region: &str) -> String {
    format!("foldgate.counts.across.{}", token(region))
}

/// The subject a record is filed under.
pub fn log_subject(owner: OwnerId, command: &str) -> String {
    format!("foldgate.log.{owner}.{command}")
}

/// Where a region's stream (or mirror) republishes records; does not cross leaf links.
pub fn fold_subjects(region: &str) -> String {
    format!("foldgate.fold.{}.>", token(region))
}

/// The region's mirror of the log.
pub fn mirror_stream(region: &str) -> String {
    format!("{LOG_STREAM}_{}", token(region).to_ascii_uppercase())
}

/// Where a region keeps its sleep reports.
pub fn sleep_region_subjects(region: &str) -> String {
    format!("foldgate.sleep.{}.>", token(region))
}

/// The subject of one key's (or one key's and model's) sleep.
pub fn sleep_subject(report: &SleepReport) -> String {
    let region = token(&report.region);
    let KeyId(key) = report.key;
    match &report.model {
        None => format!("foldgate.sleep.{region}.{key}"),
        Some(model) => {
            let hash = RecordHash::of(model.as_bytes()).to_string();
            format!("foldgate.sleep.{region}.{key}.{}", &hash[..16])
        }
    }
}

/// Where a region keeps what its nodes' requests used.
pub fn usage_region_subjects(region: &str) -> String {
    format!("foldgate.usage.{}.>", token(region))
}

/// The subject of one node's usage batches.
pub fn usage_subject(region: &str, node: &str) -> String {
    format!("foldgate.usage.{}.{}", token(region), token(node))
}

/// The subject of what one control plane tells of an owner's accounts.
pub fn purse_subject(owner: OwnerId, node: &str) -> String {
    format!("foldgate.purse.{owner}.{}", token(node))
}

/// The subject of one node's heartbeat.
pub fn heartbeat_subject(region: &str, node: &str) -> String {
    format!("foldgate.heartbeat.{}.{}", token(region), token(node))
}

/// A name as a single subject token: what NATS does not allow becomes `_`.
pub fn token(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => c,
            _ => '_',
        })
        .collect()
}
