//! Purity on planted impurities.

use super::check;
use crate::Tree;

fn lines(path: &str, text: &str) -> Vec<usize> {
    check(&Tree::of([(path, text)]))
        .into_iter()
        .map(|fault| fault.line)
        .collect()
}

#[test]
fn clocks_files_and_randomness_are_found_however_they_are_imported() {
    let text = "use std::{fmt, fs};\nuse std::time::Duration;\nfn f() { let _ = chrono::Utc::now(); }\nfn g() { let _ = uuid::Uuid::now_v7(); }\n";
    assert_eq!(lines("proto/src/x.rs", text), [1, 3, 4]);
    assert_eq!(lines("shared/domain/src/x.rs", "async fn f() {}\n"), [1]);
    assert_eq!(
        lines("shared/domain/src/x.rs", "fn f() { std::env::var(); }\n"),
        [1]
    );
}

#[test]
fn words_in_comments_strings_and_tests_are_fine() {
    let text = "//! No tokio, no async.\nconst X: &str = \"std::fs\";\n#[cfg(test)]\nmod tests { use std::fs; }\n";
    assert!(lines("proto/src/x.rs", text).is_empty());
    assert!(lines("proto/src/x/tests.rs", "use std::fs;\n").is_empty());
    assert!(lines("shared/log/src/x.rs", "use std::fs;\n").is_empty());
}

#[test]
fn a_dependency_can_be_impure_too() {
    let text = "[package]\nname = \"foldgate-proto\"\n[dependencies]\ntokio.workspace = true\n[dev-dependencies]\nrand = \"1\"\n";
    assert_eq!(check(&Tree::of([("proto/Cargo.toml", text)])).len(), 1);
}
