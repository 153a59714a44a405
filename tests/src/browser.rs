//! A real browser, without a window and without a network beyond this machine:
//! what it makes of a page, and what it asked for to do so.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::paths;

/// How long a page may take, with the browser's start.
const LIMIT: Duration = Duration::from_mins(2);

/// How much of its own time the page gets to settle, in milliseconds. The
/// browser's clock runs ahead while nothing is under way, so this is no wait.
const VIRTUAL_TIME_MS: u32 = 20_000;

/// What keeps the browser from its maker's hosts: they are no page's doing.
const QUIET: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--window-size=1400,1600",
    "--enable-logging=stderr",
];

/// What cuts the network off: no name but loopback's is found, and whatever is no
/// loopback address goes to a proxy that is not there.
const CUT_OFF: &[&str] = &[
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--proxy-server=127.0.0.1:9",
];

/// A page as the browser showed it.
#[derive(Debug)]
pub struct Page {
    /// Its elements, behind everything its scripts did.
    pub dom: String,
    /// Every URL that the page asked for, itself included.
    pub requests: Vec<String>,
    /// What the browser said of it: refused requests and errors stand here.
    pub console: Vec<String>,
    /// A picture of it, below the target folder.
    pub picture: PathBuf,
}

/// Opens a page; `name` names its picture.
///
/// # Panics
/// Without a browser, and when it does not end in time.
pub async fn open(url: &str, name: &str) -> Page {
    let folder = TempDir::new().expect("a folder for the browser");
    let log = folder.path().join("net.json");
    let picture = paths::target().join(format!("{name}.png"));
    // An old picture would pass for a new one.
    let _ = std::fs::remove_file(&picture);
    let output = Command::new(paths::chromium())
        .args(QUIET)
        .args(CUT_OFF)
        .arg(flag("user-data-dir", &folder.path().join("profile")))
        .arg(flag("log-net-log", &log))
        .arg(flag("screenshot", &picture))
        .arg(format!("--virtual-time-budget={VIRTUAL_TIME_MS}"))
        .arg("--dump-dom")
        .arg(url)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, output).await;
    let output = output.unwrap_or_else(|_| panic!("the browser does not end: {url}"));
    let output = output.expect("the browser runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{url}: {said}");
    assert!(picture.exists(), "no picture of {url}: {said}");
    Page {
        dom: String::from_utf8_lossy(&output.stdout).into_owned(),
        requests: requests(&log, url),
        console: said
            .lines()
            .filter(|line| line.contains("CONSOLE"))
            .map(str::to_owned)
            .collect(),
        picture,
    }
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

/// The requests of a net log that a page is behind: those with an origin that
/// began them, and the page itself. The browser's own have none.
fn requests(log: &Path, url: &str) -> Vec<String> {
    let text = std::fs::read(log).expect("the browser's net log");
    let log: Value = serde_json::from_slice(&text).expect("the net log is whole");
    let begun = &log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"];
    assert!(begun.is_u64(), "the net log names its events otherwise");
    let events = log["events"].as_array().expect("events");
    let starts = events.iter().filter(|event| event["type"] == *begun);
    starts
        .map(|event| &event["params"])
        .filter(|job| job["url"] == url || job["initiator"] != "not an origin")
        .filter_map(|job| job["url"].as_str().map(str::to_owned))
        .collect()
}
