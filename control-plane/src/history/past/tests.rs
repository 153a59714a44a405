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

/// How many checkpoints are in a folder and can be read.
fn readable(dir: &Path, history: &History) -> usize {
    let past = past(dir, history);
    let revisions: Vec<Revision> = super::lock(&past.checkpoints).keys().copied().collect();
    revisions
        .into_iter()
        .filter(|at| past.read(*at).is_ok())
        .count()
}

/// Spoils a checkpoint, whichever it is.
fn damage(dir: &Path, which: usize) {
    let folders = std::fs::read_dir(dir).unwrap();
    let mut folders: Vec<_> = folders.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for file in std::fs::read_dir(&folders[which % folders.len()]).unwrap() {
        std::fs::write(file.unwrap().path(), b"spoilt").unwrap();
    }
}

/// Asks for the state at each revision, in an order that has nothing to do with
/// theirs, and now and then of somebody who remembers nothing, or finds a checkpoint
/// spoilt.
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
        if number % 11 == 0 && checkpoints > 0 {
            damage(&dir, usize::from(*number / 11));
        }
        let state = asked.state_at(&log, Revision(at as u64)).await.unwrap();
        assert_eq!(state.revision, Revision(at as u64));
        let hashes = (state.hash().unwrap(), history.states[at].hash().unwrap());
        assert_eq!(hashes.0, hashes.1, "at {at}");
    }
    // Once more from one checkpoint to the next, the last first, so that what is
    // remembered is never on the way.
    let last = past(&dir, history);
    for (at, state) in history.states.iter().enumerate().skip(1).rev() {
        let found = last.state_at(&log, Revision(at as u64)).await.unwrap();
        assert_eq!(found.hash().unwrap(), state.hash().unwrap(), "at {at}");
    }
    let readable = readable(&dir, history);
    assert_eq!(readable, checkpoints, "what was spoilt is written anew");
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
