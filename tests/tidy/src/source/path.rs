//! Paths: what a file imports or names in full.

use super::{is_name, line_of};

/// A path with at least two parts (or one that is imported).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedPath {
    /// Its parts with `::` between them.
    pub path: String,
    /// Its line, from 1.
    pub line: usize,
}

impl UsedPath {
    /// Whether this is `prefix` or something below it.
    pub fn is_under(&self, prefix: &str) -> bool {
        self.path
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }
}

/// Every import and every path written out.
pub(super) fn all(code: &str) -> Vec<UsedPath> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = next_name(code, at) {
        let end = path_end(code, start);
        let text = &code[start..end];
        let line = line_of(code, start);
        if text == "use" {
            let stop = code[end..].find(';').map_or(code.len(), |o| end + o);
            for path in expand("", code[end..stop].trim()) {
                found.push(UsedPath { path, line });
            }
            at = stop;
        } else {
            if text.contains("::") {
                let path = squeeze(text);
                found.push(UsedPath { path, line });
            }
            at = end;
        }
    }
    found
}

fn next_name(code: &str, from: usize) -> Option<usize> {
    code[from..].find(is_name).map(|offset| from + offset)
}

/// The end of `a::b::c` (spaces around `::` allowed).
fn path_end(code: &str, start: usize) -> usize {
    let mut end = start + length(&code[start..]);
    loop {
        let rest = code[end..].trim_start();
        let Some(after) = rest.strip_prefix("::").map(str::trim_start) else {
            return end;
        };
        let name = length(after);
        if name == 0 {
            return end;
        }
        end = code.len() - after.len() + name;
    }
}

fn length(text: &str) -> usize {
    text.find(|c| !is_name(c)).unwrap_or(text.len())
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Multiplies `a::{b, c::{d, e}}` out.
fn expand(prefix: &str, tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        let whole = squeeze(&format!("{prefix}{name}"));
        let whole = whole.strip_suffix("::self").unwrap_or(&whole).to_owned();
        let plain = whole.trim_start_matches("::").to_owned();
        return if plain.is_empty() {
            vec![]
        } else {
            vec![plain]
        };
    };
    let prefix = format!("{prefix}{head}");
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    split(inside)
        .into_iter()
        .flat_map(|part| expand(&prefix, part))
        .collect()
}

/// Splits at commas outside braces.
fn split(list: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts
}
