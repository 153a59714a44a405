//! The file of what keys made: entries of one size, each with its checksum, the newest
//! last. It is added to; a start writes it anew when most of it is forgotten.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use foldgate_proto::{KeyId, Made, MadeReport, RecordHash, Timestamp};
use uuid::Uuid;

/// What was made, the key, the time, whether it lasts, and a checksum.
const ENTRY_BYTES: usize = 16 + 16 + 8 + 8 + CHECK_BYTES;

const CHECK_BYTES: usize = 8;

/// What a file says, the oldest first; of more than `most` the newest. A broken entry,
/// such as the last one after a crash, is left out.
///
/// # Errors
/// The file is there but cannot be read.
pub(super) fn read(file: &Path, most: usize) -> io::Result<Vec<MadeReport>> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut seen = HashSet::new();
    let entries = bytes.chunks(ENTRY_BYTES).rev().filter_map(decode);
    let mut reports: Vec<MadeReport> = entries
        .filter(|report| seen.insert(report.made))
        .take(most)
        .collect();
    reports.reverse();
    let whole = reports.len() * ENTRY_BYTES;
    if bytes.len() > 2 * whole || bytes.len() % ENTRY_BYTES != 0 {
        let fresh = file.with_extension("new");
        write(File::create(&fresh)?, &reports)?;
        fs::rename(&fresh, file)?;
    }
    Ok(reports)
}

/// Adds to a file.
///
/// # Errors
/// It cannot be written.
pub(super) fn append(file: &Path, reports: &[MadeReport]) -> io::Result<()> {
    let file = OpenOptions::new().create(true).append(true).open(file)?;
    write(file, reports)
}

fn write(mut file: File, reports: &[MadeReport]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(reports.len() * ENTRY_BYTES);
    for report in reports {
        let from = bytes.len();
        bytes.extend_from_slice(&report.made.0);
        bytes.extend_from_slice(report.key.0.as_bytes());
        bytes.extend_from_slice(&report.at.0.to_be_bytes());
        bytes.extend_from_slice(&u64::from(report.lasting).to_be_bytes());
        let RecordHash(hash) = RecordHash::of(bytes.get(from..).unwrap_or_default());
        bytes.extend_from_slice(hash.get(..CHECK_BYTES).unwrap_or_default());
    }
    file.write_all(&bytes)
}

fn decode(entry: &[u8]) -> Option<MadeReport> {
    let (body, check) = entry.split_at_checked(ENTRY_BYTES - CHECK_BYTES)?;
    let RecordHash(hash) = RecordHash::of(body);
    if hash.get(..CHECK_BYTES)? != check {
        return None;
    }
    let (made, rest) = body.split_at_checked(16)?;
    let (key, rest) = rest.split_at_checked(16)?;
    let (at, lasting) = rest.split_at_checked(8)?;
    Some(MadeReport {
        made: Made(made.try_into().ok()?),
        key: KeyId(Uuid::from_slice(key).ok()?),
        at: Timestamp(i64::from_be_bytes(at.try_into().ok()?)),
        lasting: lasting.last() == Some(&1),
    })
}
