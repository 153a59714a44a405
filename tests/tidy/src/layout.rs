//! Where files stand and what they are called: `foo.rs` + `foo/`, a header that
//! says why the file exists, names that say what is inside.

#[cfg(test)]
mod tests;

use crate::{Fault, Tree};

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc"];

/// Finds misplaced, misnamed and unexplained files.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.rust() {
        if path.ends_with("/mod.rs") {
            faults.push(Fault::file(path, "write foo.rs + foo/ instead of mod.rs"));
        }
        let parts = path.trim_end_matches(".rs").split('/');
        for name in parts.filter(|part| EMPTY_NAMES.contains(part)) {
            faults.push(Fault::file(path, format!("the name {name} says nothing")));
        }
        if path.ends_with("/tests.rs") || (path.contains("/src/") && path.contains("/tests/")) {
            continue; // A unit test's place says why it exists.
        }
        let header = text.lines().find(|line| !line.starts_with("#!"));
        if !header.is_some_and(|line| line.starts_with("//! ")) {
            faults.push(Fault::file(
                path,
                "starts without a //! that says why it exists",
            ));
        }
    }
    faults
}
