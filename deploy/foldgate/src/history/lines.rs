//! The lines of an export, from a file or from standard input.

use std::os::fd::AsFd;
use std::path::Path;

use foldgate_log::export::{Fault, MAX_LINE};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::exit::Failure;

/// What stands for standard input.
pub(super) const STDIN: &str = "-";

/// How much is read at a time.
const BUFFER: usize = 256 * 1024;

/// See the module.
pub(super) struct Lines {
    input: BufReader<File>,
    line: u64,
}

impl Lines {
    /// Opens a file, or standard input.
    pub(super) async fn open(path: &Path) -> Result<Self, Failure> {
        let opened = if path == Path::new(STDIN) {
            // A file of its own over the same descriptor: reads do not block.
            let descriptor = std::io::stdin().as_fd().try_clone_to_owned();
            descriptor.map(|descriptor| File::from_std(std::fs::File::from(descriptor)))
        } else {
            File::open(path).await
        };
        let file = opened.map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
        let input = BufReader::with_capacity(BUFFER, file);
        Ok(Self { input, line: 0 })
    }

    /// The next line, without its end.
    ///
    /// # Errors
    /// When it cannot be read, is too long, or is no text.
    pub(super) async fn next(&mut self) -> Result<Option<String>, Failure> {
        self.line += 1;
        let mut line = Vec::new();
        let most = MAX_LINE as u64 + 1;
        let mut limited = (&mut self.input).take(most);
        let read = limited.read_until(b'\n', &mut line).await;
        if read.map_err(|error| Failure::io(format!("line {}: {error}", self.line)))? == 0 {
            return Ok(None);
        }
        let wrong = |reason: String| {
            Failure::broken(Fault {
                line: self.line,
                reason,
            })
        };
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > MAX_LINE {
            return Err(wrong(format!("it is longer than {MAX_LINE} bytes")));
        }
        let text = String::from_utf8(line).map_err(|error| wrong(error.to_string()))?;
        Ok(Some(text))
    }
}
