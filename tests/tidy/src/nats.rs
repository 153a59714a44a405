//! The planes share nothing but streams, and one place knows the client that
//! speaks to them: `shared/log/src/jetstream*` for the log and, beside it,
//! `shared/log/src/reports*`.

#[cfg(test)]
mod tests;

use crate::manifest::Manifest;
use crate::source::{Source, is_test_file};
use crate::{Fault, Tree};

/// Where the client may be named.
const MAY_IMPORT: &[&str] = &["shared/log/src/jetstream", "shared/log/src/reports"];

/// Crates that may depend on it.
const MAY_DEPEND: &[&str] = &["foldgate-log", "foldgate-tests", "foldgate-bench"];

/// Finds others that know the client.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.rust() {
        if is_test_file(path) || MAY_IMPORT.iter().any(|start| path.starts_with(start)) {
            continue;
        }
        for line in Source::without_tests(text).lines_with("async_nats") {
            let what = format!("async_nats is known only to {}", MAY_IMPORT.join("* and "));
            faults.push(Fault::line(path, line, what));
        }
    }
    for manifest in Manifest::all(tree) {
        let depends = manifest.dependencies.contains("async-nats");
        if depends && !MAY_DEPEND.contains(&manifest.name.as_str()) {
            let what = format!("{} may not depend on async-nats", manifest.name);
            faults.push(Fault::file(&manifest.path, what));
        }
    }
    faults
}
