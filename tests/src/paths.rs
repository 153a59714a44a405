//! Where things are: the workspace, the target folder, the programs that
//! `tests/run` installs.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the harness is a folder of the workspace")
}

/// The target folder: this test stands in `<target>/<profile>/deps`.
pub fn target() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    test.ancestors()
        .nth(3)
        .expect("a test lies three folders below the target folder")
        .to_owned()
}

/// The pinned nats-server.
pub fn nats_server() -> PathBuf {
    installed("tools/nats-server")
}

/// The Python of the environment that has the newest SDKs.
pub fn python() -> PathBuf {
    installed("venv/bin/python")
}

/// The Python of the environment that has the SDKs of one major version before.
pub fn older_python() -> PathBuf {
    installed("venv-older/bin/python")
}

/// The fuzzer of documented APIs.
pub fn schemathesis() -> PathBuf {
    installed("venv/bin/schemathesis")
}

/// Chromium, as Debian packages it.
///
/// # Panics
/// It is not installed.
pub fn chromium() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("chromium"));
    let found: Option<PathBuf> = found.into_iter().find(|program| program.is_file());
    found.expect("chromium is missing; ./tests/run --only tools installs it")
}

fn installed(name: &str) -> PathBuf {
    let path = target().join(name);
    assert!(
        path.exists(),
        "{} is missing; ./tests/run --only tools installs it",
        path.display()
    );
    path
}

/// The program under test: `FOLDGATE_BIN`, or a fresh build.
pub fn foldgate() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match std::env::var_os("FOLDGATE_BIN") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

fn build() -> PathBuf {
    let mut cargo = Command::new("cargo");
    // What cargo tells a test of its package would make build scripts run again.
    for (name, _) in std::env::vars_os() {
        let told = name.to_str().is_some_and(|name| name.starts_with("CARGO_"));
        if told && name != "CARGO_HOME" && name != "CARGO_TARGET_DIR" {
            cargo.env_remove(name);
        }
    }
    let status = cargo
        .args(["build", "--quiet", "--package", "foldgate", "--locked"])
        .current_dir(workspace())
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the program under test does not build");
    target().join("debug/foldgate")
}

/// Free loopback ports. Another process may take one before it is used, so
/// whoever starts a server on one tries again with others.
pub fn free_ports<const N: usize>() -> [u16; N] {
    // All are held until all are known, so that they differ.
    let listeners: [TcpListener; N] = std::array::from_fn(|_| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port")
    });
    listeners.map(|listener| {
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        address.port()
    })
}

/// A folder that goes away with the test.
pub fn scratch() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("foldgate-test-")
        .tempdir()
        .expect("a temporary folder can be made")
}
