//! Golden fixtures: bytes that some release once wrote, and that every later
//! one must read. `SHA256SUMS` beside them (`sha256sum` format) is the lock: a
//! listed fixture never changes and never vanishes; a new one is added to the
//! list. Whoever edits both shows it in the diff.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::tree::has_ending;
use crate::{Fault, Tree};

/// Where the fixtures are.
const FOLDER: &str = "proto/fixtures/";
/// The list of their hashes.
const LOCK: &str = "proto/fixtures/SHA256SUMS";

/// Finds fixtures that changed, vanished or are not listed.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let Some(text) = tree.text(LOCK) else {
        let what = "missing; write it with: cd proto/fixtures && sha256sum */* >SHA256SUMS";
        return vec![Fault::file(LOCK, what)];
    };
    let mut locked: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(hash, name)| (name.trim(), hash))
        .collect();
    let mut faults = Vec::new();
    if locked.is_empty() {
        faults.push(Fault::file(LOCK, "lists no fixture"));
    }
    for (path, bytes) in tree.files() {
        let Some(name) = path.strip_prefix(FOLDER).filter(|_| path != LOCK) else {
            continue;
        };
        match locked.remove(name) {
            Some(hash) if hash == sha256(bytes) => {}
            Some(_) => faults.push(Fault::file(path, "a golden fixture was changed")),
            None if has_ending(name, "md") => {}
            None => faults.push(Fault::file(path, format!("add it to {LOCK}"))),
        }
    }
    for name in locked.keys() {
        faults.push(Fault::file(LOCK, format!("golden fixture {name} vanished")));
    }
    faults
}

fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
