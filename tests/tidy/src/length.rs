//! Lengths: of files, of functions, of parameter lists.

#[cfg(test)]
mod tests;

use crate::source::{Source, is_test_file};
use crate::{Fault, Tree};

/// Lines of a file.
pub const FILE: usize = 400;
/// Lines of a function, from `fn` to its closing brace.
pub const FUNCTION: usize = 70;
/// Lines of a function in test code, where a table of cases may stand.
pub const TEST_FUNCTION: usize = 100;
/// Parameters of a function beside `self`.
pub const PARAMETERS: usize = 5;
/// Lines of a function in a `lib.rs`, which is a table of contents.
pub const CONTENTS: usize = 10;

/// Files that read better long; each says why at its top, and here.
pub const LONG_FILES: &[(&str, &str)] = &[];

/// Functions that read better long: file, name, reason.
pub const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[];

/// Finds what is too long, and exceptions that are no longer needed.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.rust() {
        of_file(path, text, &mut faults);
        of_functions(path, text, &mut faults);
    }
    faults
}

fn of_file(path: &str, text: &str, faults: &mut Vec<Fault>) {
    let lines = text.lines().count();
    let excused = LONG_FILES.iter().any(|(file, _)| *file == path);
    if lines > FILE && !excused {
        faults.push(Fault::file(
            path,
            format!("{lines} lines; a file has at most {FILE}"),
        ));
    }
    if lines <= FILE && excused {
        faults.push(Fault::file(
            path,
            "is short now; take it off the list of long files",
        ));
    }
}

fn of_functions(path: &str, text: &str, faults: &mut Vec<Fault>) {
    let limit = match path {
        path if is_test_file(path) => TEST_FUNCTION,
        path if path.ends_with("/lib.rs") => CONTENTS,
        _ => FUNCTION,
    };
    for function in Source::new(text).functions() {
        let name = &function.name;
        let excused = LONG_FUNCTIONS
            .iter()
            .any(|(file, f, _)| *file == path && f == name);
        if function.lines > limit && !excused {
            let what = format!(
                "fn {name} has {} lines; at most {limit} here",
                function.lines
            );
            faults.push(Fault::line(path, function.line, what));
        }
        if function.parameters > PARAMETERS {
            let what = format!(
                "fn {name} has {} parameters; at most {PARAMETERS}",
                function.parameters
            );
            faults.push(Fault::line(path, function.line, what));
        }
    }
}

/// Median and ninetieth percentile of file lengths, tests left out, with the
/// number of files and the share of functions that are too long (per mille).
pub fn figures(tree: &Tree) -> String {
    let product: Vec<&str> = tree
        .rust()
        .filter(|(path, _)| !is_test_file(path))
        .map(|(_, text)| text)
        .collect();
    let mut lines: Vec<usize> = product.iter().map(|text| text.lines().count()).collect();
    lines.sort_unstable();
    let functions: Vec<usize> = product
        .iter()
        .flat_map(|text| Source::without_tests(text).functions())
        .map(|function| function.lines)
        .collect();
    let long = functions.iter().filter(|lines| **lines > FUNCTION).count();
    format!(
        "{} files, {} lines: median {}, p90 {}; {} functions, {long} over {FUNCTION} lines",
        lines.len(),
        lines.iter().sum::<usize>(),
        quantile(&lines, 50),
        quantile(&lines, 90),
        functions.len(),
    )
}

fn quantile(sorted: &[usize], percent: usize) -> usize {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or(0)
}
