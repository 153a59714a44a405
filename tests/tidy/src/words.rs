//! Words that may not stand in the source: silenced lints, panics outside
//! tests, work put off.

#[cfg(test)]
mod tests;

use crate::source::{Source, holds_token, is_test_file};
use crate::{Fault, Tree};

/// In code, anywhere.
const EVERYWHERE: &[(&str, &str)] = &[
    ("#[allow(", "use #[expect(lint, reason = \"...\")]"),
    ("#![allow(", "use #[expect(lint, reason = \"...\")]"),
    ("todo!", "finish it"),
    ("unimplemented!", "finish it"),
    ("dbg!", "take it out"),
];

/// In code outside tests.
const PRODUCT: &[(&str, &str)] = &[
    (
        ".unwrap()",
        "return an error, or expect(\"why it cannot happen\")",
    ),
    ("panic!", "return an error"),
];

/// In any text: work put off belongs in an issue. Spelled in halves, because
/// this file is checked too.
const PUT_OFF: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Files whose panics are their purpose.
const MAY_PANIC: &[(&str, &str)] = &[];

/// Finds such words.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.texts() {
        if path == "Cargo.lock" || path.contains("/fixtures/") {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            for word in PUT_OFF.iter().filter(|word| holds_token(line, word)) {
                let what = format!("{word}: finish it, or file an issue");
                faults.push(Fault::line(path, index + 1, what));
            }
        }
    }
    for (path, text) in tree.rust() {
        in_code(path, &Source::new(text), EVERYWHERE, &mut faults);
        let may_panic = MAY_PANIC.iter().any(|(file, _)| *file == path);
        if !is_test_file(path) && !may_panic {
            in_code(path, &Source::without_tests(text), PRODUCT, &mut faults);
        }
    }
    faults
}

fn in_code(path: &str, source: &Source, words: &[(&str, &str)], faults: &mut Vec<Fault>) {
    for (word, instead) in words {
        for line in source.lines_with(word) {
            faults.push(Fault::line(path, line, format!("{word}: {instead}")));
        }
    }
}
