//! Every dependency in a manifest is used by its crate, and every version in
//! the workspace by some crate: what is not there costs nobody build time.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::manifest::{self, Manifest};
use crate::source::holds_token;
use crate::{Fault, Tree};

/// Dependencies that are used without being named: crate, dependency, reason.
const UNNAMED: &[(&str, &str, &str)] = &[];

/// Finds dependencies nobody uses.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let manifests = Manifest::all(tree);
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for manifest in &manifests {
        let sources = manifest.sources(tree);
        for name in manifest
            .dependencies
            .iter()
            .chain(&manifest.dev_dependencies)
        {
            used.insert(name.clone());
            let excused = UNNAMED
                .iter()
                .any(|(c, d, _)| *c == manifest.name && d == name);
            // Attributes name crates in strings, so the text is searched as it is.
            let token = name.replace('-', "_");
            if !excused && !sources.iter().any(|(_, text)| holds_token(text, &token)) {
                faults.push(Fault::file(&manifest.path, format!("{name} is not used")));
            }
        }
    }
    for name in manifest::workspace_dependencies(tree).difference(&used) {
        faults.push(Fault::file("Cargo.toml", format!("no crate uses {name}")));
    }
    faults
}
