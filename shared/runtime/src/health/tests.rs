//! The worst part decides.

use super::*;

#[test]
fn the_worst_part_decides_and_names_itself() {
    let health = Health::new();
    assert!(health.is_ready());
    let (fold, log) = (health.component("fold"), health.component("log"));
    assert!(!health.is_ready());
    fold.ready();
    log.ready();
    assert!(health.is_ready());
    assert_eq!(health.report(false).components, []);
    assert_eq!(health.report(true).components.len(), 2);

    log.degraded("no connection to NATS");
    assert!(health.is_ready());
    let report = health.report(false);
    assert_eq!(report.status, "degraded");
    assert_eq!(
        report.components[0].reason.as_deref(),
        Some("no connection to NATS")
    );

    fold.not_ready("draining");
    assert!(!health.is_ready());
    assert_eq!(health.report(false).status, "not_ready");
}

#[test]
fn asking_twice_for_a_part_gives_the_same() {
    let health = Health::new();
    health.component("fold").ready();
    let again = health.component("fold");
    assert!(health.is_ready());
    again.degraded("x");
    assert_eq!(health.report(true).components.len(), 1);
}
