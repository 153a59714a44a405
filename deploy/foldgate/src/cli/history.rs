//! The commands that read the history: `log tail|show|export|import`, `state`.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use foldgate_proto::Revision;

use super::{switch, verb};
use crate::history::{Ask, History, Point};

/// How many records `log tail` shows before it waits for more.
const TAIL: &str = "10";

/// What stands below `foldgate log`.
pub(super) fn of_log() -> [Command; 4] {
    [
        verb(
            "tail",
            "Show the last records, and those that come, until Ctrl-C",
        )
        .arg(
            Arg::new("last")
                .short('n')
                .long("last")
                .value_name("COUNT")
                .value_parser(value_parser!(u64))
                .default_value(TAIL)
                .help("How many records to begin with"),
        )
        .arg(json("One JSON object per record")),
        verb("show", "Show one record: who, when, why, what it changed")
            .arg(
                Arg::new("revision")
                    .value_name("REVISION")
                    .required(true)
                    .value_parser(value_parser!(u64).range(1..))
                    .help("Where it stands in the log"),
            )
            .arg(json("The record as one JSON object")),
        verb(
            "export",
            "Write the log to standard output, one JSON line per record",
        ),
        verb("import", "Read an export into an empty log").arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("What `log export` wrote; - is standard input"),
        ),
    ]
}

/// `foldgate state`.
pub(super) fn state() -> Command {
    let point = |name: &'static str, help: &'static str| {
        let parser = |text: &str| text.parse::<Point>();
        Arg::new(name)
            .value_name("WHEN")
            .value_parser(parser)
            .help(help)
    };
    verb("state", "Show what was in force, at any revision or time")
        .arg(
            point(
                "at",
                "A revision, or a time as 2026-01-31T12:00:00Z [default: now]",
            )
            .long("at"),
        )
        .arg(owner())
        .arg(json("The state as one JSON object"))
        .subcommand(
            verb("diff", "Show what changed between two revisions or times")
                .arg(point("from", "A revision, or a time").required(true))
                .arg(point("to", "A revision, or a time [default: now]"))
                .arg(owner())
                .arg(json("The changes as one JSON object")),
        )
}

fn owner() -> Arg {
    Arg::new("owner")
        .long("owner")
        .value_name("NAME")
        .help("Only this owner, by name or id")
}

/// For people unless asked.
pub(super) fn json(help: &'static str) -> Arg {
    switch("json", help)
}

/// Reads what stands below `foldgate log`, other than `init` and `verify`.
pub(super) fn read_log(name: &str, matches: &ArgMatches) -> Option<History> {
    let ask = match name {
        "tail" => Ask::Tail {
            last: matches.get_one::<u64>("last").copied().unwrap_or_default(),
        },
        "show" => Ask::Show(Revision(*matches.get_one::<u64>("revision")?)),
        "export" => Ask::Export,
        "import" => Ask::Import(matches.get_one::<PathBuf>("file")?.clone()),
        _ => return None,
    };
    Some(History {
        ask,
        json: matches!(name, "tail" | "show") && matches.get_flag("json"),
    })
}

/// Reads `foldgate state`, and gives the arguments it came with.
pub(super) fn read_state(matches: &ArgMatches) -> (History, &ArgMatches) {
    let point = |matches: &ArgMatches, name: &str| matches.get_one::<Point>(name).copied();
    let owner = |matches: &ArgMatches| matches.get_one::<String>("owner").cloned();
    let at = point(matches, "at");
    let Some((_, inner)) = matches.subcommand() else {
        let ask = Ask::State {
            at: at.unwrap_or_default(),
            owner: owner(matches),
        };
        let json = matches.get_flag("json");
        return (History { ask, json }, matches);
    };
    let ask = Ask::Diff {
        points: [point(inner, "from"), point(inner, "to")].map(Option::unwrap_or_default),
        owner: owner(inner).or_else(|| owner(matches)),
        misplaced: at.is_some(),
    };
    let json = inner.get_flag("json") || matches.get_flag("json");
    (History { ask, json }, inner)
}
