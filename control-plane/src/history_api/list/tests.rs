//! The kinds that may be asked for are those that there are.

use super::*;

/// The names that a function of a source file maps its variants to.
fn named(source: &str, function: &str) -> Vec<String> {
    let (_, behind) = source.split_once(function).expect("the function is there");
    let (body, _) = behind.split_once("\n    }\n").expect("it ends");
    let names = body.split("=> \"").skip(1);
    let names = names.filter_map(|rest| rest.split_once('"'));
    names.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_kind_and_command_may_be_asked_for_in_any_case() {
    let events = include_str!("../../../../proto/src/event.rs");
    let commands = include_str!("../../../../shared/domain/src/command.rs");
    assert_eq!(named(events, "const fn kind"), KINDS);
    assert_eq!(named(commands, "const fn name"), COMMANDS);
    for name in KINDS.into_iter().chain(COMMANDS) {
        assert_eq!(known_kind(name), Ok(name));
        assert_eq!(known_kind(&name.to_lowercase()), Ok(name));
    }
}

#[test]
fn a_kind_that_is_none_is_refused_with_all_there_are() {
    let refused = known_kind(&"NoSuch ".repeat(20)).unwrap_err();
    assert_eq!(refused.param(), Some("kind"));
    let told = crate::request::quote::message(&refused.to_string());
    for kind in KINDS {
        assert!(told.contains(kind), "{kind}: {told}");
    }
}
