//! `foldgate log import`: an export, record by record, into an empty log. A file
//! is read twice, so that a broken one is refused before anything is written;
//! standard input is checked as it comes.

use std::path::Path;

use foldgate_log::Stored;
use foldgate_log::event_log::{MAX_GROUP, MAX_GROUP_BYTES};
use foldgate_log::export::Reader;
use foldgate_proto::Encoded;
use foldgate_runtime::Settings;

use super::lines::Lines;
use super::out::Out;
use super::progress::Progress;
use super::target::Target;
use crate::exit::Failure;

/// Imports a file into the log that the settings name.
pub(super) async fn run(settings: &Settings, file: &Path) -> Result<(), Failure> {
    if !settings.admin_url.is_empty() {
        return Err(Failure::usage(
            "log import writes to the log itself, on NATS or in a data directory; \
             take FOLDGATE_ADMIN_URL away",
        ));
    }
    if file.is_file() {
        check(file).await?;
    }
    let mut lines = Lines::open(file).await?;
    let mut reader = begin(&mut lines).await?;
    let header = *reader.header();
    let mut target = Target::open(settings, &header).await?;
    let progress = Progress::new("importing", header.head().revision);
    let mut group = Group::default();
    while let Some(line) = lines.next().await? {
        let stored = reader.next(&line).map_err(Failure::broken)?;
        if target.holds(&stored)? {
            continue;
        }
        if group.is_full(&stored) {
            target.append(&group.take()).await?;
        }
        progress.at(stored.revision);
        group.add(&stored)?;
    }
    let head = reader.end().map_err(Failure::broken)?;
    if !group.records.is_empty() {
        target.append(&group.take()).await?;
    }
    drop(progress);
    let place = target.finish(head).await?;
    let mut out = Out::view();
    out.line(&format!(
        "log {}: {} records imported into {place}, head {}",
        header.log_id(),
        head.revision,
        head.hash
    ))?;
    out.flush()?;
    eprintln!(
        "foldgate: sealed secrets open only under the master key they were sealed under: give it \
         to every process of this log before the first start"
    );
    Ok(())
}

/// Reads a file whole.
async fn check(file: &Path) -> Result<(), Failure> {
    let mut lines = Lines::open(file).await?;
    let mut reader = begin(&mut lines).await?;
    let progress = Progress::new("checking", reader.header().head().revision);
    while let Some(line) = lines.next().await? {
        let stored = reader.next(&line).map_err(Failure::broken)?;
        progress.at(stored.revision);
    }
    reader.end().map_err(Failure::broken)?;
    Ok(())
}

async fn begin(lines: &mut Lines) -> Result<Reader, Failure> {
    let first = lines.next().await?;
    Reader::begin(&first.unwrap_or_default()).map_err(Failure::broken)
}

/// Records on their way, as many as one append takes.
#[derive(Default)]
struct Group {
    records: Vec<Encoded>,
    bytes: usize,
}

impl Group {
    fn is_full(&self, next: &Stored) -> bool {
        !self.records.is_empty()
            && (self.records.len() == MAX_GROUP || self.bytes + next.bytes.len() > MAX_GROUP_BYTES)
    }

    fn add(&mut self, stored: &Stored) -> Result<(), Failure> {
        self.bytes += stored.bytes.len();
        self.records
            .push(stored.encoded().map_err(Failure::internal)?);
        Ok(())
    }

    fn take(&mut self) -> Vec<Encoded> {
        self.bytes = 0;
        std::mem::take(&mut self.records)
    }
}
