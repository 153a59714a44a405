//! Standard output, which may be closed at any time: `| head` is no fault of
//! whoever reads, but what is meant to be whole must not end well without it.

use std::io::{BufWriter, ErrorKind, StdoutLock, Write, stdout};

use serde::Serialize;
use serde_json::Value;

use crate::exit::Failure;

/// See the module.
pub(crate) struct Out {
    to: BufWriter<StdoutLock<'static>>,
    whole: bool,
}

impl Out {
    /// For somebody who may look away.
    pub(crate) fn view() -> Self {
        Self::new(false)
    }

    /// For what is of no use unless it is whole.
    pub(crate) fn whole() -> Self {
        Self::new(true)
    }

    /// Shows one value: for programs as it is, for people in these lines.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub(super) fn show(
        value: &Value,
        json: bool,
        lines: impl FnOnce(&Value) -> Vec<String>,
    ) -> Result<(), Failure> {
        let mut out = Self::view();
        if json {
            out.json(value)?;
        } else {
            for line in lines(value) {
                out.line(&line)?;
            }
        }
        out.flush()
    }

    fn new(whole: bool) -> Self {
        let to = BufWriter::with_capacity(64 * 1024, stdout().lock());
        Self { to, whole }
    }

    /// Writes a text and ends the line.
    ///
    /// # Errors
    /// Nobody reads any more, or the disk is full.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        let written = writeln!(self.to, "{text}");
        written.map_err(|error| self.failure(&error))
    }

    /// Writes a value as one line of JSON.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(Failure::internal)?;
        self.line(&text)
    }

    /// Hands over what is still held.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.to.flush();
        flushed.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &std::io::Error) -> Failure {
        match error.kind() {
            ErrorKind::BrokenPipe if !self.whole => Failure::unread(),
            ErrorKind::BrokenPipe => Failure::io("standard output was closed before the end"),
            _ => Failure::io(format!("standard output: {error}")),
        }
    }
}
