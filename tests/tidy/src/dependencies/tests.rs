//! Unused dependencies, planted.

use super::check;
use crate::Tree;

fn faults(root: &str, manifest: &str, source: &str) -> Vec<String> {
    let manifest = format!("[package]\nname = \"a\"\n[dependencies]\n{manifest}");
    let tree = Tree::of([
        ("Cargo.toml", root),
        ("a/Cargo.toml", manifest.as_str()),
        ("a/src/lib.rs", source),
    ]);
    check(&tree).into_iter().map(|fault| fault.what).collect()
}

#[test]
fn a_dependency_must_be_named_in_its_crate() {
    assert!(faults("", "serde-x = \"1\"\n", "use serde_x::Y;").is_empty());
    assert_eq!(
        faults("", "serde-x = \"1\"\n", "use serde;"),
        ["serde-x is not used"]
    );
}

#[test]
fn a_version_must_have_a_user() {
    let root = "[workspace.dependencies]\nfoo = \"1\"\n";
    assert_eq!(faults(root, "", ""), ["no crate uses foo"]);
}
