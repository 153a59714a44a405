//! Lengths at their limits.

use super::{CONTENTS, FILE, FUNCTION, check, quantile};
use crate::Tree;

fn faults(path: &str, text: &str) -> usize {
    check(&Tree::of([(path, text)])).len()
}

fn function(lines: usize) -> String {
    format!("fn f() {{\n{}}}\n", "    x();\n".repeat(lines - 2))
}

#[test]
fn a_file_may_have_400_lines() {
    assert_eq!(faults("a/src/x.rs", &"\n".repeat(FILE)), 0);
    assert_eq!(faults("a/src/x.rs", &"\n".repeat(FILE + 1)), 1);
}

#[test]
fn a_function_may_have_70_lines() {
    assert_eq!(faults("a/src/x.rs", &function(FUNCTION)), 0);
    assert_eq!(faults("a/src/x.rs", &function(FUNCTION + 1)), 1);
    assert_eq!(faults("a/src/lib.rs", &function(CONTENTS + 1)), 1);
}

#[test]
fn a_function_may_have_five_parameters() {
    assert_eq!(
        faults("a/src/x.rs", "fn f(&self, a: A, b: B, c: C, d: D, e: E) {}"),
        0
    );
    assert_eq!(
        faults("a/src/x.rs", "fn f(a: A, b: B, c: C, d: D, e: E, g: G) {}"),
        1
    );
}

#[test]
fn quantiles_are_of_the_sorted_list() {
    assert_eq!(quantile(&[1, 2, 3, 4, 100], 50), 3);
    assert_eq!(quantile(&[], 90), 0);
}
