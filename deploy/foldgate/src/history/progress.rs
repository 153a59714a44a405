//! How far long work is, on a terminal.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use foldgate_proto::Revision;
use indicatif::{ProgressBar, ProgressStyle};

/// What is over sooner than a bar could be read.
const SHORT: u64 = 2_000;

/// The one kind of work that prints while it goes on.
pub(super) const EXPORTING: &str = "exporting";

/// How often a bar is drawn that does not move.
const TICK: Duration = Duration::from_millis(250);

/// A bar on standard error; nothing where that is no terminal, or the work short.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Work on so many records. No bar is drawn through lines that go to a terminal.
    pub(crate) fn new(doing: &'static str, records: Revision) -> Self {
        let bar = if records.0 < SHORT || (doing == EXPORTING && stdout().is_terminal()) {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(records.0)
        };
        let style = ProgressStyle::with_template(
            "{msg} {wide_bar} {human_pos}/{human_len} records, {eta} left",
        );
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(doing);
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// Work on as many as will turn out.
    pub(crate) fn open(doing: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(doing);
        let style = ProgressStyle::with_template("{msg} {human_pos} records");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// How far it is.
    pub(crate) fn at(&self, revision: Revision) {
        self.0.set_position(revision.0);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
