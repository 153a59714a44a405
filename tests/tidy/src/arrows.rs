//! Arrows between crates point down only; a new one is a decision and needs a
//! line here and in README.

#[cfg(test)]
mod tests;

use crate::manifest::Manifest;
use crate::{Fault, Tree};

/// Which crate may depend on which. Crates that are not listed may not exist.
pub const ALLOWED: &[(&str, &[&str])] = &[
    ("foldgate-proto", &[]),
    ("foldgate-domain", &["foldgate-proto"]),
    ("foldgate-vault", &["foldgate-proto"]),
    ("foldgate-runtime", &[]),
    ("foldgate-log", &["foldgate-proto", "foldgate-domain"]),
    ("foldgate-control-plane", SHARED),
    ("foldgate-data-plane", SHARED),
    ("foldgate", EVERYTHING),
    // Tests see the product from outside; benches look in.
    ("foldgate-tests", &["foldgate-proto"]),
    ("foldgate-tidy", &[]),
    ("foldgate-bench", EVERYTHING),
];

const SHARED: &[&str] = &[
    "foldgate-proto",
    "foldgate-domain",
    "foldgate-log",
    "foldgate-vault",
    "foldgate-runtime",
];

const EVERYTHING: &[&str] = &[
    "foldgate-proto",
    "foldgate-domain",
    "foldgate-log",
    "foldgate-vault",
    "foldgate-runtime",
    "foldgate-control-plane",
    "foldgate-data-plane",
    "foldgate-tests",
];

/// Test code of any crate may use the harness.
const HARNESS: &str = "foldgate-tests";

/// Finds arrows that are not in the table.
pub fn check(tree: &Tree) -> Vec<Fault> {
    Manifest::all(tree).iter().flat_map(of_crate).collect()
}

fn of_crate(manifest: &Manifest) -> Vec<Fault> {
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == manifest.name) else {
        let what = format!("crate {} has no line in the table of arrows", manifest.name);
        return vec![Fault::file(&manifest.path, what)];
    };
    let test_arrows = manifest.dev_dependencies.iter().filter(|to| *to != HARNESS);
    manifest
        .dependencies
        .iter()
        .chain(test_arrows)
        .filter(|to| to.as_str() == "foldgate" || to.starts_with("foldgate-"))
        .filter(|to| !allowed.contains(&to.as_str()))
        .map(|to| {
            let what = format!("{} may not depend on {to}", manifest.name);
            Fault::file(&manifest.path, what)
        })
        .collect()
}
