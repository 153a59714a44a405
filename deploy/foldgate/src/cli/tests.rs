//! Every command is understood.

use foldgate_proto::Revision;

use super::*;
use crate::history::{Ask, Point};

fn read(arguments: &[&str]) -> Verb {
    let matches = command().try_get_matches_from(arguments).unwrap();
    Verb::read(&matches).0
}

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}

#[test]
fn every_command_is_understood() {
    for (arguments, expected) in [
        (&["foldgate"][..], Verb::Standalone),
        (&["foldgate", "--region", "east"], Verb::Standalone),
        (&["foldgate", "standalone"], Verb::Standalone),
        (&["foldgate", "control-plane"], Verb::ControlPlane),
        (
            &["foldgate", "data-plane", "--allow-weak-log"],
            Verb::DataPlane,
        ),
        (&["foldgate", "demo"], Verb::Demo),
        (
            &["foldgate", "log", "init"],
            Verb::LogInit { mirror: false },
        ),
        (
            &["foldgate", "log", "init", "--mirror"],
            Verb::LogInit { mirror: true },
        ),
        (
            &["foldgate", "log", "verify"],
            Verb::LogVerify { json: false },
        ),
        (
            &["foldgate", "log", "verify", "--json"],
            Verb::LogVerify { json: true },
        ),
        (
            &["foldgate", "owner", "create", "--name", "Acme", "--json"],
            Verb::OwnerCreate {
                name: "Acme".to_owned(),
                json: true,
            },
        ),
        (
            &["foldgate", "settings"],
            Verb::Settings { markdown: false },
        ),
        (
            &["foldgate", "settings", "--markdown"],
            Verb::Settings { markdown: true },
        ),
        (&["foldgate", "version"], Verb::Version),
    ] {
        assert_eq!(read(arguments), expected, "{arguments:?}");
    }
}

#[test]
fn an_owner_needs_a_name() {
    let missing = ["foldgate", "owner", "create"];
    assert!(command().try_get_matches_from(missing).is_err());
}

#[test]
fn a_setting_is_read_wherever_it_stands() {
    for arguments in [
        ["foldgate", "--region", "east", "log", "init"],
        ["foldgate", "log", "--region", "east", "init"],
        ["foldgate", "log", "init", "--region", "east"],
    ] {
        let matches = command().try_get_matches_from(arguments).unwrap();
        let (_, deepest) = Verb::read(&matches);
        assert_eq!(deepest.get_one::<String>("region").unwrap(), "east");
    }
}

fn asked(arguments: &[&str]) -> Option<History> {
    match read(arguments) {
        Verb::History(history) => Some(history),
        _ => None,
    }
}

#[test]
fn questions_to_the_history_are_understood() {
    let ask = |ask, json| Some(History { ask, json });
    let revision = |number| Point::Revision(Revision(number));
    for (arguments, expected) in [
        (&["log", "tail"][..], ask(Ask::Tail { last: 10 }, false)),
        (
            &["log", "tail", "-n", "0", "--json"],
            ask(Ask::Tail { last: 0 }, true),
        ),
        (&["log", "show", "7"], ask(Ask::Show(Revision(7)), false)),
        (&["log", "export"], ask(Ask::Export, false)),
        (&["log", "import", "-"], ask(Ask::Import("-".into()), false)),
        (
            &["state", "--at", "3", "--owner", "root"],
            ask(
                Ask::State {
                    at: revision(3),
                    owner: Some("root".to_owned()),
                },
                false,
            ),
        ),
        (
            &["state", "--json"],
            ask(
                Ask::State {
                    at: Point::Newest,
                    owner: None,
                },
                true,
            ),
        ),
        (
            &["state", "diff", "3", "--json"],
            ask(
                Ask::Diff {
                    points: [revision(3), Point::Newest],
                    owner: None,
                    misplaced: false,
                },
                true,
            ),
        ),
        (
            &["state", "--at", "1", "diff", "3", "5"],
            ask(
                Ask::Diff {
                    points: [revision(3), revision(5)],
                    owner: None,
                    misplaced: true,
                },
                false,
            ),
        ),
    ] {
        let arguments = [&["foldgate"], arguments].concat();
        assert_eq!(asked(&arguments), expected, "{arguments:?}");
    }
    for wrong in [
        &["foldgate", "log"][..],
        &["foldgate", "log", "show"],
        &["foldgate", "log", "show", "0"],
        &["foldgate", "log", "import"],
        &["foldgate", "state", "diff"],
        &["foldgate", "state", "--at", "yesterday"],
    ] {
        assert!(command().try_get_matches_from(wrong).is_err(), "{wrong:?}");
    }
}
