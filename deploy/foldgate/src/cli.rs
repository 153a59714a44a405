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
    /// Make one more owner.
    OwnerCreate {
        /// Its name.
        name: String,
        /// Tell it to a program.
        json: bool,
    },
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
            | Self::OwnerCreate { .. }
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
            "owner" => match inner.subcommand() {
                Some((_, deepest)) => return (Self::owner_create(deepest), deepest),
                None => Self::Standalone,
            },
            _ => Self::Standalone,
        };
        (verb, inner)
    }

    fn owner_create(arguments: &ArgMatches) -> Self {
        let name = arguments.get_one::<String>("name");
        Self::OwnerCreate {
            name: name.cloned().unwrap_or_default(),
            json: arguments.get_flag("json"),
        }
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
        .subcommand(owner())
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

/// `foldgate owner`.
fn owner() -> Command {
    let name = Arg::new("name")
        .long("name")
        .value_name("NAME")
        .required(true)
        .help("The owner's name");
    let create = verb(
        "create",
        "Make one more owner and show its key once: by the control plane at FOLDGATE_ADMIN_URL, \
         or, without one, in the data directory of a process that is stopped",
    );
    verb("owner", "Make owners (tenants)")
        .subcommand_required(true)
        .subcommand(
            create
                .arg(name)
                .arg(history::json("One JSON object: id, name, account, key")),
        )
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
