use super::{caught_by, known};
use crate::pattern::Pattern;

fn caught(pattern: &str) -> Vec<&'static str> {
    caught_by(&Pattern::parse(pattern).unwrap()).collect()
}

#[test]
fn ids_are_sorted_unique_and_plain_names() {
    assert!(known().len() > 300);
    assert!(known().is_sorted_by(|a, b| a < b));
    for id in known() {
        let pattern = Pattern::parse(id).unwrap();
        assert!(pattern.is_exact(), "{id}");
        assert_eq!(*id, id.trim());
    }
}

#[test]
fn the_notice_stands_in_the_file() {
    assert!(super::TEXT.contains("Copyright (c) 2023 Berri AI"));
    assert!(super::TEXT.contains("Permission is hereby granted, free of charge"));
}

#[test]
fn a_pattern_shows_what_it_catches() {
    assert!(caught("gpt-4o*").contains(&"gpt-4o-mini"));
    assert!(caught("*").len() == known().len());
    assert!(caught("no-such-model").is_empty());
    assert_eq!(caught("gpt-4o"), ["gpt-4o"]);
}
