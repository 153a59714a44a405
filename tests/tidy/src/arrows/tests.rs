//! Arrows on made-up manifests.

use super::check;
use crate::Tree;

fn manifest(name: &str, sections: &str) -> String {
    format!("[package]\nname = \"{name}\"\n{sections}")
}

fn faults(name: &str, sections: &str) -> Vec<String> {
    let text = manifest(name, sections);
    let tree = Tree::of([("x/Cargo.toml", text.as_str())]);
    check(&tree).into_iter().map(|fault| fault.what).collect()
}

#[test]
fn an_arrow_down_is_fine() {
    let text = "[dependencies]\nfoldgate-proto.workspace = true\nserde = \"1\"\n";
    assert!(faults("foldgate-domain", text).is_empty());
}

#[test]
fn the_planes_may_not_meet() {
    let text = "[dependencies]\nfoldgate-control-plane.workspace = true\n";
    assert_eq!(
        faults("foldgate-data-plane", text),
        ["foldgate-data-plane may not depend on foldgate-control-plane"]
    );
}

#[test]
fn tests_may_use_the_harness_and_no_other_arrow() {
    let text =
        "[dev-dependencies]\nfoldgate-tests.workspace = true\nfoldgate-log.workspace = true\n";
    assert_eq!(
        faults("foldgate-domain", text),
        ["foldgate-domain may not depend on foldgate-log"]
    );
}

#[test]
fn an_unknown_crate_is_a_fault() {
    assert_eq!(faults("foldgate-extra", "").len(), 1);
}
