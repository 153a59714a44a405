//! Layout on planted faults.

use super::check;
use crate::Tree;

fn faults(path: &str, text: &str) -> usize {
    check(&Tree::of([(path, text)])).len()
}

#[test]
fn names_and_headers_are_checked() {
    assert_eq!(faults("a/src/sleep.rs", "//! Why.\n"), 0);
    assert_eq!(faults("a/src/sleep.rs", "// Why.\n"), 1);
    assert_eq!(faults("a/src/sleep.rs", ""), 1);
    assert_eq!(faults("a/src/sleep/mod.rs", "//! Why.\n"), 1);
    assert_eq!(faults("a/src/sleep/tests.rs", ""), 0);
    assert_eq!(faults("a/src/sleep/tests/wake.rs", ""), 0);
    assert_eq!(faults("a/tests/suite.rs", ""), 1);
    assert_eq!(faults("a/src/utils.rs", "//! Why.\n"), 1);
    assert_eq!(faults("a/src/helpers/x.rs", "//! Why.\n"), 1);
}
