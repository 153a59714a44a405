//! Documents stay true: README names every top-level folder, and links between
//! documents lead somewhere.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::tree::has_ending;
use crate::{Fault, Tree};

const README: &str = "README.md";

/// Files that the top of the repository must have.
const MUST_EXIST: &[&str] = &[
    README,
    "LICENSE",
    "CHANGELOG.md",
    "Cargo.lock",
    "rust-toolchain.toml",
];

/// Finds folders that README does not name, and links that lead nowhere.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for name in MUST_EXIST.iter().filter(|name| !tree.holds(name)) {
        faults.push(Fault::file(name, "is missing"));
    }
    let readme = tree.text(README).unwrap_or_default();
    for folder in top_folders(tree) {
        if !readme.contains(&format!("{folder}/")) {
            faults.push(Fault::file(
                README,
                format!("does not say what {folder}/ is"),
            ));
        }
    }
    for (path, text) in tree.texts().filter(|(path, _)| has_ending(path, "md")) {
        links(tree, path, text, &mut faults);
    }
    faults
}

fn top_folders(tree: &Tree) -> BTreeSet<&str> {
    tree.files()
        .filter_map(|(path, _)| path.split_once('/'))
        .map(|(folder, _)| folder)
        .filter(|folder| !folder.starts_with('.'))
        .collect()
}

fn links(tree: &Tree, path: &str, text: &str, faults: &mut Vec<Fault>) {
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(line) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = if file.is_empty() {
                path.to_owned()
            } else {
                resolve(path, file)
            };
            if !tree.holds(&to) {
                faults.push(Fault::line(
                    path,
                    index + 1,
                    format!("link to {target}: no such file"),
                ));
            } else if !anchor.is_empty() && !has_heading(tree.text(&to).unwrap_or_default(), anchor)
            {
                faults.push(Fault::line(
                    path,
                    index + 1,
                    format!("link to {target}: no such heading"),
                ));
            }
        }
    }
}

/// The relative link targets of one line.
fn targets(line: &str) -> Vec<&str> {
    line.match_indices("](")
        .filter_map(|(at, _)| line[at + 2..].split_once(')'))
        .map(|(target, _)| target.split_whitespace().next().unwrap_or_default())
        .filter(|target| {
            !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:")
        })
        .collect()
}

fn resolve(from: &str, link: &str) -> String {
    let mut parts: Vec<&str> = match link.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from
            .rsplit_once('/')
            .map_or(vec![], |(folder, _)| folder.split('/').collect()),
    };
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Whether a heading has this anchor: lower case, spaces to hyphens, other
/// signs dropped.
fn has_heading(text: &str, anchor: &str) -> bool {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .any(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let made: String = title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect();
            made == anchor
        })
}
