use std::path::Path;
use std::sync::Arc;

use foldgate_domain::testing::{History, Wish};
use foldgate_log::{Embedded, EventLog as _};
use foldgate_proto::Revision;
use proptest::prelude::*;

use super::{Pace, Past};

/// So close together that a short history has several.
const CLOSE: Pace = Pace {
    records: 7,
    bytes_per_record: u64::MAX,
};

fn past(dir: &Path, history: &History) -> Arc<Past> {
    let mut past = Past::open(dir, history.states[0].log);
    past.pace = CLOSE;
    Arc::new(past)
}

/// Asks for the state at each revision, in an order that has nothing to do with
/// theirs, and now and then of somebody who remembers nothing.
async fn asked(history: &History, order: &[u16]) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("log");
    let log = Embedded::create(&folder, history.states[0].log)
        .await
        .unwrap();
    log.append(Revision::ZERO, &history.records).await.unwrap();
    let dir = home.path().join("checkpoints");
    let mut asked = past(&dir, history);
    for state in &history.states[1..] {
        asked.keep_if_due(state).unwrap();
    }
    let checkpoints = super::lock(&asked.checkpoints).len();
    assert!(checkpoints >= history.records.len() / 7, "{checkpoints}");
    for number in order {
        let at = 1 + usize::from(*number) % history.records.len();
        if number % 5 == 0 {
            asked = past(&dir, history);
        }
        let state = asked.state_at(&log, Revision(at as u64)).await.unwrap();
        assert_eq!(state.revision, Revision(at as u64));
        let hashes = (state.hash().unwrap(), history.states[at].hash().unwrap());
        assert_eq!(hashes.0, hashes.1, "at {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_state_at_any_revision_is_the_fold_of_so_many_records(
        wishes in proptest::collection::vec(any::<Wish>(), 20..60),
        order in proptest::collection::vec(any::<u16>(), 40),
    ) {
        let mut history = History::new([1; 32]);
        for wish in wishes {
            history.wish(wish);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(asked(&history, &order));
    }
}
