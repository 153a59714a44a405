//! The program's short commands, and what they print.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Output, Stdio};

use serde_json::Value;

use crate::Settings;

/// How a command ended, and all it said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = Self {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        assert!(!said.err.contains("panicked"), "{said:?}");
        said
    }
}

impl Said {
    /// What it printed, if it ended well.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// The same, as JSON.
    #[track_caller]
    pub fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("no JSON ({error}): {out}"))
    }

    /// What it complained of, if it ended with this code.
    #[track_caller]
    pub fn refused(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.err
    }
}

/// A command on a data directory, as somebody would type it there.
pub fn in_directory(data: &Path, args: &[&str]) -> Settings {
    Settings::new(args).env("FOLDGATE_DATA_DIR", &data.to_string_lossy())
}

/// A command that asks a running control plane, with a key of somebody's.
pub fn asking(admin_url: &str, key: &str, args: &[&str]) -> Settings {
    Settings::new(args)
        .env("FOLDGATE_ADMIN_URL", admin_url)
        .env("FOLDGATE_OWNER_KEY", key)
}

/// Runs a command to its end.
pub async fn run(settings: Settings) -> Said {
    settings.output().await.into()
}

/// Runs a command with this on its standard input.
pub async fn fed(settings: Settings, input: Vec<u8>) -> Said {
    let run = move || {
        let mut child = piped(&settings);
        let mut stdin = child.stdin.take().expect("it has an input");
        // It may refuse before it has read everything.
        let _ = stdin.write_all(&input);
        drop(stdin);
        child.wait_with_output().expect("it ends")
    };
    let output = tokio::task::spawn_blocking(run).await;
    output.expect("a command's thread ends").into()
}

/// Starts a command with pipes to it.
pub fn piped(settings: &Settings) -> Child {
    let mut command = settings.command();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}
