//! The one binary. It only composes: settings, a log, a fold, and the plane or
//! planes that its role asks for.

mod announce;
mod base;
mod cli;
mod config_status;
mod demo;
mod exit;
mod fatal;
mod health;
mod heartbeat;
mod history;
mod https;
mod keys;
mod listen;
mod log_command;
mod nats;
mod node;
mod open_log;
mod owner;
mod owner_command;
mod source;
mod storage;

use std::process::ExitCode;
use std::time::Duration;

use clap::ArgMatches;
use clap::error::ErrorKind;
use foldgate_runtime::settings::{self, Loaded, Settings, Sources};

use base::Base;
use cli::Verb;
use exit::Failure;
use node::Node;

/// Smaller and steadier than the system's under many short-lived buffers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the end waits for work that cannot be interrupted (a disk write).
const LAST_WORK: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let matches = match cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return refuse(&error),
    };
    let (verb, arguments) = Verb::read(&matches);
    match run(verb, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Help and version are no faults; anything else is a wrong command line.
fn refuse(error: &clap::Error) -> ExitCode {
    // Nobody reads what cannot be printed.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => Failure::usage("").report(),
    }
}

fn run(verb: Verb, arguments: &ArgMatches) -> Result<(), Failure> {
    match verb {
        Verb::Version => {
            println!("foldgate {}", env!("CARGO_PKG_VERSION"));
            return Ok(());
        }
        Verb::Settings { markdown: true } => {
            print!("{}", settings::markdown());
            return Ok(());
        }
        _ => {}
    }
    let loaded = Settings::load(verb.role(), &Sources::gather(arguments))
        .map_err(|faults| Failure::usage(faults.to_string()))?;
    // Every TLS connection of this process, the NATS client's included.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        return Err(Failure::internal("another TLS provider is installed"));
    }
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if loaded.settings.worker_threads > 0 {
        builder.worker_threads(loaded.settings.worker_threads);
    }
    let runtime = builder.enable_all().build().map_err(Failure::io)?;
    let outcome = runtime.block_on(dispatch(verb, loaded));
    runtime.shutdown_timeout(LAST_WORK);
    outcome
}

async fn dispatch(verb: Verb, loaded: Loaded) -> Result<(), Failure> {
    match verb {
        Verb::Settings { .. } | Verb::Version => {
            for warning in &loaded.warnings {
                eprintln!("foldgate: {warning}");
            }
            print!("{}", loaded.listing());
            Ok(())
        }
        Verb::LogInit { mirror } => log_command::create(&loaded.settings, mirror).await,
        Verb::LogVerify { json } => log_command::verify(&loaded.settings, json).await,
        Verb::History(history) => history::run(&history, &loaded.settings).await,
        Verb::OwnerCreate { name, json } => {
            owner_command::create(&loaded.settings, &name, json).await
        }
        Verb::Demo => demo::run(loaded).await,
        Verb::Standalone | Verb::ControlPlane | Verb::DataPlane => {
            Node::start(Base::prepare(loaded)?).await?.run().await
        }
    }
}
