//! How the program ends, in words and in a number (sysexits.h).

use std::fmt::{Display, Formatter};
use std::process::ExitCode;

use foldgate_log::{BrokenLink, Error as LogError, VerifyError};
use foldgate_runtime::data_dir;

/// A log that is broken.
const BROKEN: u8 = 1;
/// A wrong command line or wrong settings (`EX_USAGE`).
const USAGE: u8 = 64;
/// A fault of the program's own (`EX_SOFTWARE`).
const INTERNAL: u8 = 70;
/// The disk or the network refused (`EX_IOERR`).
const IO: u8 = 74;
/// Ctrl-C (128 and the signal's number, as shells say it).
const INTERRUPTED: u8 = 130;

/// Why the program ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// What was asked for makes no sense.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(USAGE, message.to_string())
    }

    /// The disk or the network refused.
    pub(crate) fn io(message: impl Display) -> Self {
        Self::new(IO, message.to_string())
    }

    /// A fault of the program's own.
    pub(crate) fn internal(message: impl Display) -> Self {
        Self::new(INTERNAL, message.to_string())
    }

    /// A log, or an export of one, that does not hold.
    pub(crate) fn broken(message: impl Display) -> Self {
        Self::new(BROKEN, message.to_string())
    }

    /// Somebody at the terminal had enough.
    pub(crate) fn interrupted() -> Self {
        Self::new(INTERRUPTED, "interrupted".to_owned())
    }

    /// Nobody reads what is written: no fault, and nothing to say.
    pub(crate) fn unread() -> Self {
        Self::new(0, String::new())
    }

    /// Whether what was asked for was refused as it is.
    pub(crate) const fn is_usage(&self) -> bool {
        self.code == USAGE
    }

    /// Whether the disk or the network refused.
    pub(crate) const fn is_io(&self) -> bool {
        self.code == IO
    }

    fn new(code: u8, message: String) -> Self {
        Self { code, message }
    }

    /// Says why, and gives the number.
    pub(crate) fn report(&self) -> ExitCode {
        for line in self.message.lines() {
            eprintln!("foldgate: {line}");
        }
        ExitCode::from(self.code)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        let code = match &error {
            LogError::Weak(_)
            | LogError::StrengthUnknown(_)
            | LogError::Invalid(_)
            | LogError::Mismatch(_)
            | LogError::Missing(_) => USAGE,
            LogError::Damaged { .. }
            | LogError::Unavailable(_)
            | LogError::InUse(_)
            | LogError::Exchanged(_)
            | LogError::Io(_) => IO,
        };
        let hint = match &error {
            LogError::Weak(_) => {
                "\n--allow-weak-log starts all the same; acknowledged writes may then be lost"
            }
            LogError::StrengthUnknown(_) => {
                "\nname the servers' monitoring ports in FOLDGATE_NATS_MONITOR_URL, or system \
                 credentials in FOLDGATE_NATS_SYSTEM_URL, so that sync_interval can be read; \
                 --allow-weak-log starts all the same"
            }
            _ => "",
        };
        Self::new(code, format!("{error}{hint}"))
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Broken(link) => link.into(),
            VerifyError::Unread(error) => error.into(),
        }
    }
}

impl From<BrokenLink> for Failure {
    fn from(link: BrokenLink) -> Self {
        Self::broken(link)
    }
}

impl From<data_dir::Error> for Failure {
    fn from(error: data_dir::Error) -> Self {
        Self::io(error)
    }
}
