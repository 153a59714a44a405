//! `tests/wire.md`: each fact about the vendors' protocols stands in a row of its own,
//! with the tests that fail if it does not hold. A test that is renamed, moved or taken
//! away leaves its row behind, and is found here.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::source::holds_token;
use crate::tree::has_ending;
use crate::{Fault, Tree};

const FACTS: &str = "tests/wire.md";

/// Finds rows without a test, tests and fixtures that are not there, and facts that
/// stand there twice.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let Some(text) = tree.text(FACTS) else {
        return vec![Fault::file(FACTS, "is missing")];
    };
    let mut faults = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let rows = text.lines().enumerate().filter(|(_, line)| is_row(line));
    if rows.clone().next().is_none() {
        faults.push(Fault::file(FACTS, "holds no fact"));
    }
    for (index, row) in rows {
        let line = index + 1;
        let mut fault = |what: String| faults.push(Fault::line(FACTS, line, what));
        let cells: Vec<&str> = row.trim().trim_matches('|').split('|').collect();
        let [fact, tests] = cells.as_slice() else {
            fault(format!(
                "a row is a fact and its tests; this one has {} cells",
                cells.len()
            ));
            continue;
        };
        if let Some(first) = seen.insert(fact.trim().to_lowercase(), line) {
            fault(format!("the same fact stands in line {first}"));
        }
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        if !named.iter().any(|name| name.contains("::")) {
            fault("no test; write one, and name it `path/of/the/file::function`".to_owned());
        }
        for name in named {
            if let Some(what) = missing(tree, name) {
                fault(what);
            }
        }
    }
    faults
}

/// Whether a line of Markdown is a row of a table, and no head of one.
fn is_row(line: &str) -> bool {
    let line = line.trim();
    let is_head = line.starts_with("| fact ") || line.starts_with("| ---");
    line.starts_with('|') && !is_head
}

/// What is wrong with a name: of a test, `file::function`, or of a fixture.
fn missing(tree: &Tree, name: &str) -> Option<String> {
    let Some((path, function)) = name.split_once("::") else {
        return (!tree.holds(name)).then(|| format!("{name}: there is no such file"));
    };
    let Some(text) = tree.text(path) else {
        return Some(format!("{name}: there is no file {path}"));
    };
    let found = if has_ending(path, "py") {
        is_check(text, function)
    } else {
        is_test(text, function)
    };
    (!found).then(|| format!("{name}: {path} has no test {function}; was it renamed or moved?"))
}

/// Whether a function of Rust is a test.
fn is_test(text: &str, function: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let head = format!("fn {function}(");
    lines.iter().enumerate().any(|(at, line)| {
        let above = lines.iter().take(at).rev();
        let mut above = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        let begins = line.starts_with(&head) || line.starts_with(&format!("async {head}"));
        begins && above.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

/// Whether a function of Python is there, and is run: named outside of its definition.
fn is_check(text: &str, function: &str) -> bool {
    let head = format!("def {function}(");
    let is_head = |line: &&str| line.starts_with(&head);
    let is_run = |line: &str| !line.starts_with("def ") && holds_token(line, function);
    text.lines().any(|line| is_head(&line)) && text.lines().any(is_run)
}
