//! Who may know the client.

use super::check;
use crate::Tree;

fn faults(path: &str) -> usize {
    check(&Tree::of([(path, "use async_nats::Client;\n")])).len()
}

#[test]
fn only_the_log_and_the_reports_beside_it_may_import_it() {
    assert_eq!(faults("shared/log/src/jetstream.rs"), 0);
    assert_eq!(faults("shared/log/src/jetstream/follow.rs"), 0);
    assert_eq!(faults("shared/log/src/reports/nats.rs"), 0);
    assert_eq!(faults("shared/log/tests/contract.rs"), 0);
    assert_eq!(faults("shared/log/src/embedded.rs"), 1);
    assert_eq!(faults("data-plane/src/sleep.rs"), 1);
}
