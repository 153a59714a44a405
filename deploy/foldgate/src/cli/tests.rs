//! Every command is understood.

use super::*;

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
        (&["foldgate", "log", "verify"], Verb::LogVerify),
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
