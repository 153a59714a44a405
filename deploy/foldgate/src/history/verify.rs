//! `foldgate log verify`, where a running process holds the log.

use foldgate_log::{BrokenLink, Position};
use foldgate_proto::LogId;
use foldgate_runtime::Settings;

use super::source::Source;
use super::walk::Walk;
use crate::exit::Failure;

/// Reads the whole log through the process that holds it and checks every link.
///
/// # Errors
/// Why the log could not be read; a broken link is an answer.
pub(crate) async fn verify_remote(
    settings: &Settings,
) -> Result<Result<(LogId, Position), BrokenLink>, Failure> {
    let source = Source::open(settings).await?;
    let mut walk = Walk::begin(&source, "verifying").await?;
    loop {
        match walk.step().await? {
            Err(link) => return Ok(Err(link)),
            Ok(entries) if entries.is_empty() => return Ok(Ok((walk.log_id(), walk.head()))),
            Ok(_) => {}
        }
    }
}
