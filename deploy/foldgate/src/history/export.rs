//! `foldgate log export`: the log as text, every link checked on the way.

use foldgate_log::export::{Header, Line};
use foldgate_runtime::Settings;

use super::out::Out;
use super::progress::EXPORTING;
use super::source::Source;
use super::walk::Walk;
use crate::exit::Failure;

/// Writes the log to standard output.
pub(super) async fn run(settings: &Settings) -> Result<(), Failure> {
    let source = Source::open(settings).await?;
    let mut walk = Walk::begin(&source, EXPORTING).await?;
    let mut out = Out::whole();
    let header = Header::new(walk.log_id(), walk.head()).line();
    out.line(&header.map_err(Failure::internal)?)?;
    loop {
        let entries = walk.next().await?;
        if entries.is_empty() {
            return out.flush();
        }
        for (stored, record) in entries {
            let line = Line::of(&stored, &record).line();
            out.line(&line.map_err(Failure::internal)?)?;
        }
    }
}
