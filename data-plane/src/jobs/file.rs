//! The file of jobs under way: a line of JSON for each that began or is billed, the
//! newest last. It is added to; a start, and many lines, write it anew.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use foldgate_proto::Job;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// After so many lines about jobs that are billed, the file is written anew.
const MOST_DEAD: usize = 20_000;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Began(Box<Job>),
    Billed(Uuid),
}

/// See the module.
pub(super) struct Kept {
    path: PathBuf,
    file: File,
    dead: usize,
}

impl Kept {
    /// Opens the file, or makes it; with it come the jobs that are under way. A line that
    /// is none, such as half of one after a crash, is left out.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Job>)> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut open: HashMap<Uuid, Job> = HashMap::new();
        for line in text.split(|byte| *byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(Line::Began(job)) => {
                    open.insert(job.name(), *job);
                }
                Ok(Line::Billed(job)) => {
                    open.remove(&job);
                }
                Err(_) => {}
            }
        }
        let jobs: Vec<Job> = open.into_values().collect();
        let mut kept = Self {
            path: path.to_owned(),
            file: OpenOptions::new().create(true).append(true).open(path)?,
            dead: 0,
        };
        kept.anew(&mut jobs.iter())?;
        Ok((kept, jobs))
    }

    /// Writes that a job began. Its bytes are with the kernel when this returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn began(&mut self, job: &Job) -> io::Result<()> {
        self.add(&Line::Began(Box::new(job.clone())))
    }

    /// Writes that a job is billed; `open` are those that are still under way.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn billed(
        &mut self,
        job: Uuid,
        open: &mut dyn Iterator<Item = &Job>,
    ) -> io::Result<()> {
        self.dead += 2;
        if self.dead > MOST_DEAD {
            return self.anew(open);
        }
        self.add(&Line::Billed(job))
    }

    fn anew(&mut self, open: &mut dyn Iterator<Item = &Job>) -> io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut text = Vec::new();
        for job in open {
            write_line(&mut text, &Line::Began(Box::new(job.clone())))?;
        }
        fs::write(&fresh, text)?;
        fs::rename(&fresh, &self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.dead = 0;
        Ok(())
    }

    fn add(&mut self, line: &Line) -> io::Result<()> {
        let mut text = Vec::new();
        write_line(&mut text, line)?;
        self.file.write_all(&text)
    }
}

/// A line begins with an end, in case the one before it was cut.
fn write_line(text: &mut Vec<u8>, line: &Line) -> io::Result<()> {
    text.push(b'\n');
    serde_json::to_writer(text, line).map_err(io::Error::from)
}
