//! The order of ending.

use super::*;

#[tokio::test]
async fn draining_comes_first_and_aborting_implies_it() {
    let shutdown = Shutdown::new();
    let other = shutdown.clone();
    assert!(!other.is_draining());
    shutdown.begin();
    other.draining().await;
    assert!(other.is_draining() && !other.is_aborted());
    shutdown.abort();
    other.aborted().await;

    let at_once = Shutdown::new();
    at_once.abort();
    assert!(at_once.is_draining() && at_once.is_aborted());
}

#[tokio::test]
async fn a_signal_drains_and_a_second_one_aborts() {
    let shutdown = Shutdown::on_signals().unwrap();
    let kill = || {
        std::process::Command::new("kill")
            .args(["-INT", &std::process::id().to_string()])
            .status()
            .unwrap()
    };
    assert!(kill().success());
    shutdown.draining().await;
    assert!(!shutdown.is_aborted());
    assert!(kill().success());
    shutdown.aborted().await;
}
