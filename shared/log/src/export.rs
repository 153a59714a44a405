//! A log as text, to be kept or carried elsewhere: one header line, then one JSON
//! line per record with its stored bytes. `deploy/foldgate/EXPORT.md` tells users.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use foldgate_proto::{LogId, OwnerId, Record, RecordHash, Revision, record};
use serde::{Deserialize, Serialize};

use crate::{BrokenLink, Position, Stored, chain};

#[cfg(test)]
mod tests;

/// The version of the format, written as the header's first field.
pub const FORMAT: u32 = 1;

/// The longest line, in bytes: a greatest record in base64, told of once more in
/// readable fields.
pub const MAX_LINE: usize = 4 * record::MAX_BYTES;

/// The first line: which log, and how far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    foldgate_log: u32,
    log_id: LogId,
    head: Head,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    revision: Revision,
    #[serde(with = "hex_hash")]
    hash: RecordHash,
}

impl Header {
    /// Of a log up to a position.
    pub const fn new(log_id: LogId, head: Position) -> Self {
        Self {
            foldgate_log: FORMAT,
            log_id,
            head: Head {
                revision: head.revision,
                hash: head.hash,
            },
        }
    }

    /// The log.
    pub const fn log_id(&self) -> LogId {
        self.log_id
    }

    /// Its last position.
    pub const fn head(&self) -> Position {
        Position {
            revision: self.head.revision,
            hash: self.head.hash,
        }
    }

    /// Reads the first line of an export.
    ///
    /// # Errors
    /// Says why it is none.
    pub fn read(line: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            foldgate_log: u32,
        }
        let version: Version = serde_json::from_str(line)
            .map_err(|_| "this is no export of a log: its first line is no header".to_owned())?;
        if version.foldgate_log != FORMAT {
            let found = version.foldgate_log;
            return Err(format!("format {found} is not known, only {FORMAT}"));
        }
        let header: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if header.head.revision == Revision::ZERO
            && header.head() != Position::genesis(header.log_id)
        {
            return Err("the head of an empty log is not the hash of its id".to_owned());
        }
        Ok(header)
    }

    /// The line, without its end.
    ///
    /// # Errors
    /// What the codec cannot write.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// One record. Only `revision` and `bytes` are needed to restore it; the rest is
/// there for readers, and must say what the bytes say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    revision: Revision,
    #[serde(with = "hex_hash")]
    hash: RecordHash,
    at: String,
    owner: OwnerId,
    actor: String,
    command: String,
    kinds: Vec<String>,
    bytes: String,
}

impl Line {
    /// The line of a stored record.
    pub fn of(stored: &Stored, record: &Record) -> Self {
        let kinds = record.events.iter().map(|event| event.kind().to_owned());
        Self {
            revision: stored.revision,
            hash: stored.hash,
            at: record.at.to_string(),
            owner: record.owner,
            actor: record.actor.to_string(),
            command: record.command.clone(),
            kinds: kinds.collect(),
            bytes: STANDARD.encode(&stored.bytes),
        }
    }

    /// The line, without its end.
    ///
    /// # Errors
    /// What the codec cannot write.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a line back into what was stored; every field must say what the bytes
    /// say. Whether it fits the chain, [`Reader`] looks.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(line: &str) -> Result<Stored, String> {
        let given: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let bytes = STANDARD
            .decode(&given.bytes)
            .map_err(|error| format!("bytes: {error}"))?;
        let stored = Stored::new(given.revision, bytes.into());
        if stored.hash != given.hash {
            return Err(format!(
                "the hash of its bytes is {}, not {}",
                stored.hash, given.hash
            ));
        }
        let record = Record::decode(&stored.bytes).map_err(|error| error.to_string())?;
        let told = Self::of(&stored, &record);
        match given.differs_from(&told) {
            Some(field) => Err(format!("{field} is not what its bytes say")),
            None => Ok(stored),
        }
    }

    fn differs_from(&self, told: &Self) -> Option<&'static str> {
        let fields = [
            ("at", self.at != told.at),
            ("owner", self.owner != told.owner),
            ("actor", self.actor != told.actor),
            ("command", self.command != told.command),
            ("kinds", self.kinds != told.kinds),
            ("bytes", self.bytes != told.bytes),
        ];
        let differing = fields.into_iter().find(|(_, differs)| *differs);
        differing.map(|(field, _)| field)
    }
}

/// What is wrong with an export, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Fault {
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads an export line by line and lets nothing pass that is not the log its
/// header names.
#[derive(Debug, Clone)]
pub struct Reader {
    header: Header,
    at: Position,
    line: u64,
}

impl Reader {
    /// Begins with the first line.
    ///
    /// # Errors
    /// When it is no header of a known format.
    pub fn begin(line: &str) -> Result<Self, Fault> {
        let header = Header::read(line).map_err(|reason| Fault { line: 1, reason })?;
        Ok(Self {
            header,
            at: Position::genesis(header.log_id),
            line: 1,
        })
    }

    /// What the header says.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// How far it was read.
    pub const fn position(&self) -> Position {
        self.at
    }

    /// The next line's record.
    ///
    /// # Errors
    /// When it is damaged, or is not the record that comes next.
    pub fn next(&mut self, line: &str) -> Result<Stored, Fault> {
        self.line += 1;
        let fault = |reason| Fault {
            line: self.line,
            reason,
        };
        let stored = Line::read(line).map_err(fault)?;
        if self.at.revision >= self.header.head.revision {
            let head = self.header.head.revision;
            return Err(fault(format!("the header says that {head} is the last")));
        }
        let linked = chain::link(self.at, &stored);
        linked.map_err(|link| fault(told(&link)))?;
        self.at = stored.position();
        Ok(stored)
    }

    /// The end of the export.
    ///
    /// # Errors
    /// When its header names another.
    pub fn end(self) -> Result<Position, Fault> {
        let reached = chain::reaches(self.at, self.header.head());
        reached.map_err(|link| Fault {
            line: self.line.max(2),
            reason: told(&link),
        })?;
        Ok(self.at)
    }
}

fn told(link: &BrokenLink) -> String {
    format!("revision {}: {}", link.revision, link.reason)
}

/// A hash as 64 hex digits; stored records hold it as bytes.
mod hex_hash {
    use foldgate_proto::RecordHash;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        hash: &RecordHash,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(hash)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<RecordHash, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
