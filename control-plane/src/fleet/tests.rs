//! The fleet view, and the alarm.

use foldgate_proto::Role;
use foldgate_proto::report::StateHash;
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// Every node's process is another.
fn boot(node: &str) -> Uuid {
    let bytes = node
        .bytes()
        .fold(7, |sum, byte| sum * 31 + u128::from(byte));
    Uuid::from_u128(bytes)
}

fn heartbeat(node: &str, revision: u64, state: &[u8]) -> Arc<Heartbeat> {
    let revision = Revision(revision);
    Arc::new(Heartbeat {
        node: node.to_owned(),
        region: "eu".to_owned(),
        role: Role::DataPlane,
        version: "0.1.0".to_owned(),
        boot: boot(node),
        at: NOW,
        revision,
        chain: RecordHash::of(&revision.0.to_be_bytes()),
        state_hash: Some(StateHash {
            revision,
            hash: RecordHash::of(state),
            fold_version: 1,
        }),
        held: None,
        listeners: vec![format!("{node}:3000")],
        sleeping: Vec::new(),
        sleeping_total: 3,
        time_zone: None,
    })
}

#[test]
fn lag_is_counted_from_the_newest_known_revision() {
    let fleet = Fleet::new();
    fleet.fold(&heartbeat("a", 10, b"x"), NOW);
    fleet.fold(&heartbeat("b", 7, b"y"), NOW);
    let lag = |head: u64| -> Vec<u64> {
        let rows = fleet.rows(Revision(head), NOW);
        rows.iter().map(|row| row.lag).collect()
    };
    assert_eq!(lag(0), [0, 3]);
    assert_eq!(lag(12), [2, 5]);
    assert_eq!(fleet.listeners(NOW), ["a:3000", "b:3000"]);
}

#[test]
fn each_node_says_where_its_days_begin() {
    let fleet = Fleet::new();
    for (node, zone) in [("a", None), ("b", Some("UTC")), ("c", Some("Asia/Kolkata"))] {
        let mut beat = Arc::unwrap_or_clone(heartbeat(node, 1, b"x"));
        beat.time_zone = zone.map(str::to_owned);
        fleet.fold(&Arc::new(beat), NOW);
    }
    let rows = fleet.rows(Revision(1), NOW);
    let zones: Vec<_> = rows.iter().map(|row| row.time_zone.as_deref()).collect();
    assert_eq!(zones, [None, Some("UTC"), Some("Asia/Kolkata")]);
}

#[test]
fn a_silent_node_is_not_alive_and_then_forgotten() {
    let fleet = Fleet::new();
    fleet.fold(&heartbeat("a", 1, b"x"), NOW);
    let live = |after| fleet.rows(Revision(1), NOW.after(after))[0].live;
    assert!(live(LIVE / 2));
    assert!(!live(LIVE));
    assert!(fleet.listeners(NOW.after(LIVE)).is_empty());
    fleet.prune(NOW.after(FORGET / 2));
    assert_eq!(fleet.rows(Revision(1), NOW).len(), 1);
    fleet.prune(NOW.after(FORGET));
    assert!(fleet.rows(Revision(1), NOW).is_empty());
}

#[test]
fn a_node_that_reports_seldom_is_given_more_time() {
    let fleet = Fleet::new();
    let slow = Duration::from_mins(1);
    fleet.fold(&heartbeat("a", 1, b"x"), NOW);
    fleet.fold(&heartbeat("a", 1, b"x"), NOW.after(slow));
    assert!(fleet.rows(Revision(1), NOW.after(slow * 2))[0].live);
}

#[test]
fn an_older_heartbeat_of_the_same_run_changes_nothing() {
    let fleet = Fleet::new();
    let newer = heartbeat("a", 2, b"x");
    let mut older = (*heartbeat("a", 1, b"w")).clone();
    older.at = Timestamp(NOW.0 - 1);
    fleet.fold(&newer, NOW);
    fleet.fold(&Arc::new(older), NOW);
    assert_eq!(fleet.rows(Revision(2), NOW)[0].revision, 2);
}

#[test]
fn two_states_at_one_revision_raise_one_alarm() {
    let fleet = Fleet::new();
    fleet.fold(&heartbeat("a", 5, b"x"), NOW);
    fleet.fold(&heartbeat("b", 5, b"x"), NOW);
    assert!(fleet.alarms().is_empty());
    fleet.fold(&heartbeat("c", 5, b"z"), NOW);
    fleet.fold(&heartbeat("c", 5, b"z"), NOW);
    let alarms = fleet.alarms();
    assert_eq!(alarms.len(), 1);
    assert_eq!(alarms[0].kind, AlarmKind::StateHash);
    assert_eq!(alarms[0].nodes, ["a", "c"]);
    let rows = fleet.rows(Revision(5), NOW);
    let diverged: Vec<bool> = rows.iter().map(|row| row.diverged).collect();
    assert_eq!(diverged, [true, false, true]);
}

#[test]
fn another_version_of_the_fold_may_differ() {
    let fleet = Fleet::new();
    fleet.fold(&heartbeat("a", 5, b"x"), NOW);
    let mut newer = (*heartbeat("b", 5, b"z")).clone();
    newer.state_hash = newer.state_hash.map(|hash| StateHash {
        fold_version: 2,
        ..hash
    });
    fleet.fold(&Arc::new(newer), NOW);
    assert!(fleet.alarms().is_empty());
}

#[test]
fn another_history_raises_an_alarm() {
    let fleet = Fleet::new();
    fleet.fold(&heartbeat("a", 5, b"x"), NOW);
    let mut other = (*heartbeat("b", 5, b"x")).clone();
    other.chain = RecordHash::of(b"other");
    fleet.fold(&Arc::new(other), NOW);
    assert_eq!(fleet.alarms()[0].kind, AlarmKind::Chain);
}

#[test]
fn nothing_is_compared_before_the_first_revision() {
    let fleet = Fleet::new();
    fleet.fold(&heartbeat("a", 0, b"x"), NOW);
    let mut other = (*heartbeat("b", 0, b"z")).clone();
    other.chain = RecordHash::of(b"another log");
    fleet.fold(&Arc::new(other), NOW);
    assert!(fleet.alarms().is_empty());
    assert!(fleet.rows(Revision(0), NOW).iter().all(|row| !row.diverged));
}

#[test]
fn a_node_is_not_compared_with_itself() {
    let fleet = Fleet::new();
    fleet.fold(&heartbeat("a", 5, b"x"), NOW);
    let mut again = (*heartbeat("a", 5, b"z")).clone();
    again.boot = Uuid::from_u128(99);
    fleet.fold(&Arc::new(again), NOW);
    let mut renamed = (*heartbeat("renamed", 5, b"w")).clone();
    renamed.boot = Uuid::from_u128(99);
    fleet.fold(&Arc::new(renamed), NOW);
    assert!(fleet.alarms().is_empty());
    // Its last word is the yardstick for others.
    fleet.fold(&heartbeat("b", 5, b"w"), NOW);
    assert!(fleet.alarms().is_empty());
    fleet.fold(&heartbeat("c", 5, b"x"), NOW);
    assert_eq!(fleet.alarms().len(), 1);
}

#[test]
fn a_dispute_ends_with_agreement_at_a_newer_revision() {
    let fleet = Fleet::new();
    let diverged = || -> Vec<bool> {
        let rows = fleet.rows(Revision(6), NOW);
        rows.iter().map(|row| row.diverged).collect()
    };
    fleet.fold(&heartbeat("a", 5, b"x"), NOW);
    fleet.fold(&heartbeat("b", 5, b"z"), NOW);
    assert_eq!(diverged(), [true, true]);
    // The same revision again, as one of them held it, settles nothing.
    fleet.fold(&heartbeat("b", 5, b"x"), NOW);
    assert_eq!(diverged(), [true, true]);
    fleet.fold(&heartbeat("a", 6, b"y"), NOW);
    assert_eq!(diverged(), [true, true]);
    fleet.fold(&heartbeat("b", 6, b"y"), NOW);
    assert_eq!(diverged(), [false, false]);
    assert_eq!(fleet.alarms().len(), 1, "the alarm stays on record");
}

/// A history that was folded here, up to a revision.
fn own_log(last: u64) -> OwnLog {
    let log = OwnLog::new();
    for revision in 1..=last {
        log.push(Revision(revision), RecordHash::of(&revision.to_be_bytes()));
    }
    log
}

fn with_own(revision: u64) -> Fleet {
    let fleet = Fleet::new();
    fleet.speak_for(Own {
        node: "own".to_owned(),
        boot: boot("own"),
        log: own_log(revision),
        now: Box::new(move || (*heartbeat("own", revision, b"x")).clone()),
    });
    fleet
}

#[test]
fn another_history_than_the_own_raises_an_alarm() {
    let fleet = with_own(9);
    fleet.fold(&heartbeat("a", 4, b"x"), NOW);
    assert!(fleet.alarms().is_empty());
    let mut other = (*heartbeat("b", 7, b"x")).clone();
    other.chain = RecordHash::of(b"other");
    fleet.fold(&Arc::new(other), NOW);
    let alarms = fleet.alarms();
    assert_eq!(alarms.len(), 1);
    assert_eq!(alarms[0].kind, AlarmKind::Chain);
    assert_eq!(alarms[0].nodes, ["own", "b"]);
    // It comes back to the same history.
    fleet.fold(&heartbeat("b", 8, b"x"), NOW);
    assert!(fleet.rows(Revision(9), NOW).iter().all(|row| !row.diverged));
}

#[test]
fn the_own_history_is_bounded() {
    let last = MAX_OWN_REVISIONS as u64 + 10;
    let log = own_log(last);
    assert_eq!(log.chain_at(Revision(10)), None);
    for revision in [11, last] {
        let chain = RecordHash::of(&revision.to_be_bytes());
        assert_eq!(log.chain_at(Revision(revision)), Some(chain));
    }
    assert_eq!(log.chain_at(Revision(last + 1)), None);
}

#[test]
fn the_own_row_is_not_as_old_as_its_heartbeat() {
    let fleet = with_own(9);
    fleet.fold(&heartbeat("own", 8, b"w"), NOW);
    fleet.fold(&heartbeat("a", 9, b"x"), NOW);
    let rows = fleet.rows(Revision(9), NOW.after(LIVE * 2));
    let own: Vec<_> = rows.iter().filter(|row| row.node == "own").collect();
    assert_eq!(own.len(), 1);
    assert_eq!((own[0].revision, own[0].lag, own[0].live), (9, 0, true));
}
