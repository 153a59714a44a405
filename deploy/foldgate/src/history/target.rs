//! Where an import writes. What an interrupted one leaves behind is no log: in a
//! data directory it lies in a folder of its own until it is whole, on NATS the
//! stream is marked as unfinished.

use std::fs;
use std::path::{Path, PathBuf};

use foldgate_log::export::Header;
use foldgate_log::jetstream::{Options, begin_import, end_import};
use foldgate_log::{AppendError, Embedded, Error, EventLog, JetStream, Position, Stop, Stored};
use foldgate_proto::{Encoded, LogId, Revision};
use foldgate_runtime::{DataDir, Settings};

use crate::exit::Failure;
use crate::nats;
use crate::storage::{IMPORT_FOLDER, LOG_FOLDER};

/// See the module.
pub(super) struct Target {
    place: Place,
    log_id: LogId,
    /// What stands.
    at: Position,
    /// The records up to here stand from an earlier try.
    stands: Position,
}

enum Place {
    Directory {
        data: DataDir,
        log: Embedded,
    },
    Nats {
        options: Box<Options>,
        log: JetStream,
    },
}

impl Target {
    /// Makes the log that the header names, empty.
    ///
    /// # Errors
    /// When a log stands there that is not empty.
    pub(super) async fn open(settings: &Settings, header: &Header) -> Result<Self, Failure> {
        let log_id = header.log_id();
        let genesis = Position::genesis(log_id);
        if settings.nats.url.is_empty() {
            let data = DataDir::open(&settings.data_dir)?;
            refuse_unless_empty(&data.file(LOG_FOLDER)).await?;
            let unfinished = data.file(IMPORT_FOLDER);
            remove(&unfinished)?;
            let log = Embedded::create(&unfinished, log_id).await?;
            return Ok(Self {
                place: Place::Directory { data, log },
                log_id,
                at: genesis,
                stands: genesis,
            });
        }
        let options = nats::options(settings, "log import");
        let begun = begin_import(&options, log_id, header.head()).await?;
        let log = JetStream::open(options.clone()).await?;
        let stands = match begun.stands {
            Revision::ZERO => genesis,
            revision => {
                eprintln!("foldgate: an earlier import reached revision {revision}; going on");
                log.head().await?
            }
        };
        Ok(Self {
            place: Place::Nats {
                options: Box::new(options),
                log,
            },
            log_id,
            at: stands,
            stands,
        })
    }

    /// Whether a record stands there already.
    ///
    /// # Errors
    /// When another stands in its place.
    pub(super) fn holds(&self, stored: &Stored) -> Result<bool, Failure> {
        if stored.revision == self.stands.revision && stored.hash != self.stands.hash {
            return Err(Failure::broken(format!(
                "revision {} of the unfinished import is another record",
                stored.revision
            )));
        }
        Ok(stored.revision <= self.stands.revision)
    }

    /// Appends the next records.
    ///
    /// # Errors
    /// When the log does not take them.
    pub(super) async fn append(&mut self, group: &[Encoded]) -> Result<(), Failure> {
        let appended = self.log().append(self.at.revision, group).await;
        match appended {
            Ok(appended) => {
                self.at = appended.head;
                Ok(())
            }
            Err(AppendError { stop, .. }) => Err(match stop {
                Stop::Conflict { .. } => {
                    Failure::io(format!("{stop}: somebody else writes to the log"))
                }
                Stop::Refused(_) => Failure::internal(stop),
                Stop::Unknown { .. } | Stop::Unavailable(_) => {
                    Failure::io(format!("{stop}; the import is not finished"))
                }
            }),
        }
    }

    /// Makes a whole import the log; says where that is.
    ///
    /// # Errors
    /// When it does not end at `head`, or the disk or NATS refuses.
    pub(super) async fn finish(self, head: Position) -> Result<String, Failure> {
        if self.log().head().await? != head {
            return Err(Failure::internal(
                "the log does not end where the import does",
            ));
        }
        match self.place {
            Place::Directory { data, log } => {
                // Its files are to be closed before their folder moves.
                drop(log);
                let folder = data.file(LOG_FOLDER);
                remove(&folder)?;
                rename(&data.file(IMPORT_FOLDER), &folder)?;
                Ok(folder.display().to_string())
            }
            Place::Nats { options, .. } => {
                end_import(&options, self.log_id, head).await?;
                Ok("NATS".to_owned())
            }
        }
    }

    fn log(&self) -> &dyn EventLog {
        match &self.place {
            Place::Directory { log, .. } => log,
            Place::Nats { log, .. } => log,
        }
    }
}

/// An empty log may stand there: a start that went no further leaves one.
async fn refuse_unless_empty(folder: &Path) -> Result<(), Failure> {
    let found = match Embedded::inspect(folder).await {
        Err(Error::Missing(_)) => return Ok(()),
        found => found?,
    };
    let head = found.head().await?;
    if head.revision == Revision::ZERO {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the log in {} holds {} records; only an empty log can be imported into",
        folder.display(),
        head.revision
    )))
}

fn remove(folder: &PathBuf) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::io(format!("{}: {error}", folder.display())))
        }
        _ => Ok(()),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io(format!("{}: {error}", to.display()));
    fs::rename(from, to).map_err(failed)?;
    // The new name itself must reach the disk too.
    let parent = to.parent().map(fs::File::open).transpose();
    let synced = parent.and_then(|parent| parent.map_or(Ok(()), |folder| folder.sync_all()));
    synced.map_err(failed)
}
