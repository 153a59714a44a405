//! A child process that never outlives its test: killed when dropped, and by
//! the kernel should the test itself be killed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, mpsc};
use std::time::Duration;
use std::{fs, io};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::poll::eventually;

/// A running (or ended) program with its output.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// The folder it works in, which goes only after it.
    folder: Option<Arc<TempDir>>,
}

impl Process {
    /// Starts a program with the environment that `command` names and no other;
    /// everything it prints is appended to the file `log`.
    pub fn start(name: &str, command: &Command, log: &Path) -> Self {
        let mut command = bound(command);
        let output = File::options().create(true).append(true).open(log);
        let output = output.expect("the log file can be written");
        let copy = output.try_clone().expect("a file handle can be doubled");
        command.stdin(Stdio::null()).stdout(output).stderr(copy);
        let child = spawn(command).unwrap_or_else(|e| panic!("{name} does not start: {e}"));
        Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
            folder: None,
        }
    }

    /// Keeps a folder for as long as the process.
    #[must_use]
    pub fn keeping(mut self, folder: &Arc<TempDir>) -> Self {
        self.folder = Some(Arc::clone(folder));
        self
    }

    /// What it printed so far.
    pub fn output(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines of what it printed, for messages.
    pub fn tail(&self) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Panics with its output if it ended.
    pub fn must_run(&mut self) {
        if let Some(status) = self.ended() {
            panic!("{} ended with {status}:\n{}", self.name, self.tail());
        }
    }

    /// Asks it to end (SIGTERM).
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// What Ctrl-C does (SIGINT).
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        self.child.wait().expect("a killed child can be waited for");
    }

    /// Freezes it (SIGSTOP).
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits for its end.
    pub async fn end(&mut self, deadline: Duration) -> ExitStatus {
        let name = self.name.clone();
        let what = format!("the end of {name}");
        eventually(&what, deadline, async || {
            self.ended()
                .ok_or_else(|| format!("it runs:\n{}", self.tail()))
        })
        .await
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.expect("a child has a process number");
        kill_process(pid, signal).unwrap_or_else(|e| panic!("no signal to {}: {e}", self.name));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing to do for a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- last lines of {}:\n{}\n---", self.name, self.tail());
        }
    }
}

type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts a child that the kernel kills when this process dies. The kernel
/// watches the thread that started it, so that is one which never ends.
fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                // The asker waits for the answer and cannot be gone.
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (sender, answer) = mpsc::channel();
    SPAWNER
        .send((command, sender))
        .map_err(|_| io::Error::other("the spawning thread ended"))?;
    answer
        .recv()
        .map_err(|_| io::Error::other("the spawning thread ended"))?
}

/// The same command in a clean environment, through `setpriv` (util-linux)
/// where there is one.
fn bound(command: &Command) -> Command {
    const SETPRIV: &str = "/usr/bin/setpriv";
    let mut outer = if Path::new(SETPRIV).exists() {
        let mut setpriv = Command::new(SETPRIV);
        setpriv.args(["--pdeathsig", "KILL", "--"]);
        setpriv.arg(command.get_program());
        setpriv
    } else {
        Command::new(command.get_program())
    };
    outer.args(command.get_args()).env_clear();
    for name in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            outer.env(name, value);
        }
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
}
