//! Documents with planted faults.

use super::check;
use crate::Tree;

const WHOLE: [(&str, &str); 4] = [
    ("LICENSE", ""),
    ("CHANGELOG.md", ""),
    ("Cargo.lock", ""),
    ("rust-toolchain.toml", ""),
];

fn faults(readme: &str) -> Vec<String> {
    let [a, b, c, d] = WHOLE;
    let tree = Tree::of([a, b, c, d, ("README.md", readme), ("proto/src/lib.rs", "")]);
    check(&tree).into_iter().map(|fault| fault.what).collect()
}

#[test]
fn readme_names_every_folder() {
    assert!(faults("`proto/` is the vocabulary").is_empty());
    assert_eq!(faults(""), ["does not say what proto/ is"]);
}

#[test]
fn links_lead_somewhere() {
    assert!(
        faults(
            "# First steps\nproto/ [a](proto/src/lib.rs) [b](#first-steps) [c](https://x.example)"
        )
        .is_empty()
    );
    assert_eq!(
        faults("proto/ [a](docs/none.md)"),
        ["link to docs/none.md: no such file"]
    );
    assert_eq!(
        faults("proto/ [a](#none)"),
        ["link to #none: no such heading"]
    );
    assert!(faults("proto/\n```\n[a](none)\n```").is_empty());
}

#[test]
fn missing_files_are_found() {
    assert!(
        check(&Tree::default())
            .iter()
            .any(|fault| fault.path == "LICENSE")
    );
}
