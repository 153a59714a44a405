//! The lock on fixtures.

use super::{check, sha256};
use crate::Tree;

fn faults(lock: &str, fixture: Option<&str>) -> Vec<String> {
    let tree = match fixture {
        Some(text) => Tree::of([
            ("proto/fixtures/SHA256SUMS", lock),
            ("proto/fixtures/a.bin", text),
        ]),
        None => Tree::of([("proto/fixtures/SHA256SUMS", lock)]),
    };
    check(&tree).into_iter().map(|fault| fault.what).collect()
}

#[test]
fn hashes_are_those_of_sha256sum() {
    assert_eq!(
        sha256(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn a_fixture_may_not_change_or_vanish_or_be_unlisted() {
    let lock = format!("{}  a.bin\n", sha256(b"first"));
    assert!(faults(&lock, Some("first")).is_empty());
    assert_eq!(
        faults(&lock, Some("second")),
        ["a golden fixture was changed"]
    );
    assert_eq!(faults(&lock, None), ["golden fixture a.bin vanished"]);
    assert_eq!(faults("", Some("first")).len(), 2);
    assert_eq!(check(&Tree::default()).len(), 1);
}
