//! Forbidden words, planted.

use super::check;
use crate::Tree;

fn faults(path: &str, text: &str) -> usize {
    check(&Tree::of([(path, text)])).len()
}

#[test]
fn silenced_lints_are_found() {
    assert_eq!(faults("a/src/x.rs", "#[allow(dead_code)]\nfn f() {}\n"), 1);
    assert_eq!(
        faults(
            "a/src/x.rs",
            "#[expect(dead_code, reason = \"x\")]\nfn f() {}\n"
        ),
        0
    );
    assert_eq!(faults("a/src/x.rs", "// not #[allow(x)]\n"), 0);
}

#[test]
fn unwrap_is_for_tests() {
    assert_eq!(faults("a/src/x.rs", "fn f() { x.unwrap(); }\n"), 1);
    assert_eq!(faults("a/src/x.rs", "fn f() { x.unwrap_or(1); }\n"), 0);
    assert_eq!(faults("a/src/x/tests.rs", "fn f() { x.unwrap(); }\n"), 0);
}

#[test]
fn work_put_off_is_found_in_any_text() {
    let text = concat!("# TO", "DO: later\n");
    assert_eq!(faults("README.md", text), 1);
    assert_eq!(faults("a/src/x.rs", "fn f() { todo!() }\n"), 1);
}
