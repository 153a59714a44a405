//! The lexer on the cases that trip lexers.

use super::{Function, Source, holds_token};

fn code(text: &str) -> String {
    Source::new(text).code
}

fn paths(text: &str) -> Vec<String> {
    Source::new(text)
        .paths()
        .into_iter()
        .map(|p| p.path)
        .collect()
}

#[test]
fn comments_and_literals_are_blanked_and_lines_stay() {
    let text = "a /* x /* y */ z */ b // c\n\"d \\\" e\" f r#\"g \" h\"# i\n'j' k '\\'' l";
    let blank = code(text);
    assert_eq!(blank.split_whitespace().collect::<String>(), "abfikl");
    assert_eq!(blank.lines().count(), text.lines().count());
    assert_eq!(blank.len(), text.len());
}

#[test]
fn lifetimes_and_raw_names_are_code() {
    assert_eq!(
        code("fn f<'a>(r#type: &'a str) {}"),
        "fn f<'a>(r#type: &'a str) {}"
    );
    assert_eq!(code("b'x' + 'é'").trim(), "+");
}

#[test]
fn a_string_over_lines_does_not_swallow_what_follows() {
    let blank = code("let x = \"one\n two\";\nunwrap");
    assert_eq!(Source { code: blank }.lines_with("unwrap"), [3]);
}

#[test]
fn functions_are_measured() {
    let text = "impl A {\n    fn one(&mut self, a: Map<K, V>, b: fn(u8, u8) -> u8) -> [u8; 2] {\n        0\n    }\n    fn declared(&self);\n}\n";
    assert_eq!(
        Source::new(text).functions(),
        [Function {
            name: "one".into(),
            line: 2,
            lines: 3,
            parameters: 2
        }]
    );
}

#[test]
fn items_under_cfg_test_are_left_out() {
    let text = "fn a() { x.unwrap(); }\n#[cfg(test)]\nmod tests {\n fn b() { y.unwrap(); }\n}\n#[cfg(test)]\nmod more;\nfn c() { z.unwrap(); }\n";
    assert_eq!(Source::without_tests(text).lines_with("unwrap"), [1, 8]);
}

#[test]
fn imports_are_multiplied_out() {
    let text =
        "use std::{fs, io::{self, Read as R}, time::SystemTime};\nlet x = std :: env::var(a);";
    assert_eq!(
        paths(text),
        [
            "std::fs",
            "std::io",
            "std::io::Read",
            "std::time::SystemTime",
            "std::env::var"
        ]
    );
}

#[test]
fn tokens_end_where_names_end() {
    assert!(holds_token("x.unwrap()", "unwrap"));
    assert!(!holds_token("x.unwrap_or(1)", "unwrap"));
    assert!(!holds_token("brand::x", "rand::"));
    assert!(holds_token("(rand::x)", "rand::"));
}
