//! The command line.

use clap::{Arg, ArgAction, ArgMatches, Command};
use foldgate_runtime::settings::{self, Role};

use crate::history::History;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Both planes in one process.
    Standalone,
    /// Admin writes.
    ControlPlane,
    /// Traffic.
    DataPlane,
    /// Standalone with an upstream of its own, and a first chat.
    Demo,
    /// Create the log's streams, or a region's mirror.
    LogInit {
        /// The mirror.
        mirror: bool,
    },
    /// Read the log whole and check its chain.
    LogVerify {
        /// Tell it to a program.
        json: bool,
    },
    /// Read the history, or carry it elsewhere.
    History(History),
    /// Show the settings in force, or the table of all.
    Settings {
        /// The table.
        markdown: bool,
    },
    /// The version.
    Version,
}

impl Verb {
    /// What the settings are judged for.
    pub(crate) const fn role(&self) -> Role {
        match self {
            Self::Standalone | Self::Demo => Role::Standalone,
            Self::ControlPlane => Role::ControlPlane,
            Self::DataPlane => Role::DataPlane,
            Self::LogInit { .. }
            | Self::LogVerify { .. }
            | Self::History(_)
            | Self::Settings { .. }
            | Self::Version => Role::Tool,
        }
    }

    /// Reads the verb, and gives the arguments it came with.
    pub(crate) fn read(matches: &ArgMatches) -> (Self, &ArgMatches) {
        let Some((name, inner)) = matches.subcommand() else {
            return (Self::Standalone, matches);
        };
        let verb = match name {
            "control-plane" => Self::ControlPlane,
            "data-plane" => Self::DataPlane,
            "demo" => Self::Demo,
            "settings" => Self::Settings {
                markdown: inner.get_flag("markdown"),
            },
            "version" => Self::Version,
            "log" => match inner.subcommand() {
                Some(("init", deepest)) => {
                    let mirror = deepest.get_flag("mirror");
                    return (Self::LogInit { mirror }, deepest);
                }
                Some(("verify", deepest)) => {
                    let json = deepest.get_flag("json");
                    return (Self::LogVerify { json }, deepest);
                }
                Some((name, deepest)) => match history::read_log(name, deepest) {
                    Some(history) => return (Self::History(history), deepest),
                    None => Self::LogVerify { json: false },
                },
                None => Self::LogVerify { json: false },
            },
            "state" => {
                let (history, deepest) = history::read_state(inner);
                return (Self::History(history), deepest);
            }
            _ => Self::Standalone,
        };
        (verb, inner)
    }
}

/// The whole command line.
pub(crate) fn command() -> Command {
    Command::new("foldgate")
        .version(env!("CARGO_PKG_VERSION"))
        .about("An LLM gateway whose configuration is a log")
        .after_help("--help lists every setting; without a command, foldgate runs standalone")
        .args(settings::arguments())
        .subcommand(verb(
            "standalone",
            "Both planes in one process (the default)",
        ))
        .subcommand(verb(
            "control-plane",
            "Admin writes, on a log in NATS JetStream",
        ))
        .subcommand(verb("data-plane", "Traffic, on a log in NATS JetStream"))
        .subcommand(verb(
            "demo",
            "The whole main job in one go: an upstream of its own, a streamed chat, the events",
        ))
        .subcommand(
            verb("log", "Create, check, read and move the log")
                .subcommand_required(true)
                .subcommand(
                    verb("init", "Create the log's streams; may be repeated").arg(switch(
                        "mirror",
                        "Create the mirror of the region this connection leads to",
                    )),
                )
                .subcommand(
                    verb(
                        "verify",
                        "Read the whole log and name the first broken link, if there is one",
                    )
                    .arg(history::json("What was found as one JSON object")),
                )
                .subcommands(history::of_log()),
        )
        .subcommand(history::state())
        .subcommand(
            verb(
                "settings",
                "Show the settings in force and where they come from",
            )
            .arg(switch(
                "markdown",
                "Print the table of all settings instead",
            )),
        )
        .subcommand(verb("version", "Print the version"))
}

fn verb(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about)
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

mod history;
#[cfg(test)]
mod tests;
