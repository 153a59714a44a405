//! `proto` and `shared/domain` are functions of their arguments: no clock, no
//! randomness, no I/O, nothing asynchronous. The fold stands on it.

#[cfg(test)]
mod tests;

use crate::manifest::Manifest;
use crate::source::{Source, is_test_file};
use crate::{Fault, Tree};

/// The crates that are pure.
const PURE: &[&str] = &["proto/", "shared/domain/"];

/// Paths that lead out of purity, as imported or written out.
const PATHS: &[(&str, &str)] = &[
    ("std::time::SystemTime", "a clock"),
    ("std::time::Instant", "a clock"),
    ("std::fs", "I/O"),
    ("std::net::TcpStream", "I/O"),
    ("std::net::TcpListener", "I/O"),
    ("std::net::UdpSocket", "I/O"),
    ("std::net::ToSocketAddrs", "I/O"),
    ("std::os", "I/O"),
    ("std::io::stdin", "I/O"),
    ("std::io::stdout", "I/O"),
    ("std::io::stderr", "I/O"),
    ("std::process", "I/O"),
    ("std::env", "the environment"),
    ("std::thread", "threads"),
    ("std::future", "async"),
    ("std::task", "async"),
    ("std::hash::RandomState", "randomness"),
    ("std::collections::hash_map::RandomState", "randomness"),
    ("chrono::Local", "a clock"),
    ("tokio", "async"),
    ("futures_util", "async"),
    ("futures", "async"),
    ("rand", "randomness"),
    ("getrandom", "randomness"),
];

/// Words that lead out of purity wherever they come from.
const TOKENS: &[(&str, &str)] = &[
    ("SystemTime", "a clock"),
    ("Instant::now", "a clock"),
    ("Utc::now", "a clock"),
    ("Local::now", "a clock"),
    ("new_v4", "randomness"),
    ("now_v7", "randomness"),
    ("async", "async"),
    (".await", "async"),
    ("println!", "I/O"),
    ("eprintln!", "I/O"),
    ("print!", "I/O"),
    ("thread_local!", "hidden state"),
    ("static mut", "hidden state"),
];

/// Dependencies that a pure crate may not have.
const CRATES: &[&str] = &[
    "async-nats",
    "async-trait",
    "axum",
    "futures-util",
    "getrandom",
    "hyper",
    "hyper-util",
    "metrics",
    "rand",
    "reqwest",
    "sled",
    "tokio",
    "tokio-stream",
    "tokio-util",
    "tracing",
];

/// Finds what is not pure.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.rust() {
        if PURE.iter().any(|folder| path.starts_with(folder)) && !is_test_file(path) {
            of_file(path, text, &mut faults);
        }
    }
    for manifest in Manifest::all(tree) {
        if !PURE.contains(&manifest.folder.as_str()) {
            continue;
        }
        for name in manifest
            .dependencies
            .iter()
            .filter(|d| CRATES.contains(&d.as_str()))
        {
            let what = format!("a pure crate may not depend on {name}");
            faults.push(Fault::file(&manifest.path, what));
        }
    }
    faults
}

fn of_file(path: &str, text: &str, faults: &mut Vec<Fault>) {
    let source = Source::without_tests(text);
    for used in source.paths() {
        for (forbidden, what) in PATHS.iter().filter(|(prefix, _)| used.is_under(prefix)) {
            let what = format!("{what} ({forbidden}) in a pure crate");
            faults.push(Fault::line(path, used.line, what));
        }
    }
    for (token, what) in TOKENS {
        for line in source.lines_with(token) {
            let what = format!("{what} ({token}) in a pure crate");
            faults.push(Fault::line(path, line, what));
        }
    }
}
