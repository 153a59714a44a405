//! The rows, and what is found wrong with them.

use super::check;
use crate::Tree;

const RUST: &str = "/// Said.\n#[test]\nfn holds() {}\n\n#[tokio::test(flavor = \"x\")]\n/// Said.\nasync fn waits() {}\n\nfn no_test() {}\n";
const PYTHON: &str =
    "def runs():\n    pass\n\ndef rests():\n    pass\n\nrun(\n    (\n        runs,\n    )\n)\n";

fn faults(rows: &str) -> Vec<String> {
    let text = format!("# Facts\n\n| fact | tests |\n| --- | --- |\n{rows}");
    let tree = Tree::of([
        ("tests/wire.md", text.as_str()),
        ("a/tests.rs", RUST),
        ("b.py", PYTHON),
        ("fixtures/x.json", "{}"),
    ]);
    check(&tree).iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_there_is_no_fault() {
    let rows = "| one | `a/tests.rs::holds` |\n\
        | two | `a/tests.rs::waits`, `b.py::runs` |\n\
        | three | `fixtures/x.json` through `a/tests.rs::holds` |\n";
    assert_eq!(faults(rows), [""; 0]);
}

#[test]
fn what_is_missing_is_named_with_its_line() {
    for (row, what) in [
        ("| one | `a/tests.rs::gone` |", "has no test gone"),
        ("| one | `a/tests.rs::no_test` |", "has no test no_test"),
        ("| one | `a/tests.rs::hold` |", "has no test hold;"),
        ("| one | `gone.rs::holds` |", "no file gone.rs"),
        ("| one | `b.py::rests` |", "has no test rests"),
        ("| one | `b.py::gone` |", "has no test gone"),
        ("| one | |", "no test; write one"),
        ("| one | `fixtures/x.json` |", "no test; write one"),
        (
            "| one | `fixtures/y.json` `a/tests.rs::holds` |",
            "no such file",
        ),
        ("| one | two | three |", "has 3 cells"),
    ] {
        let found = faults(row);
        assert_eq!(found.len(), 1, "{row}: {found:?}");
        assert!(found[0].contains(what), "{row}: {found:?}");
        assert!(found[0].starts_with("tests/wire.md:5: "), "{found:?}");
    }
    let twice = "| One | `a/tests.rs::holds` |\n| one  | `a/tests.rs::waits` |\n";
    let expected = "tests/wire.md:6: the same fact stands in line 5";
    assert_eq!(faults(twice), [expected]);
    assert_eq!(faults(""), ["tests/wire.md: holds no fact"]);
    assert_eq!(check(&Tree::default()).len(), 1);
}
