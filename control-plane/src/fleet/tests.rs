//! The fleet view, and the alarm.

use foldgate_proto::Role;
use foldgate_proto::report::StateHash;
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn heartbeat(node: &str, revision: u64, state: &[u8]) -> Arc<Heartbeat> {
    let revision = Revision(revision);
    Arc::new(Heartbeat {
        node: node.to_owned(),
        region: "eu".to_owned(),
        role: Role::DataPlane,
        version: "0.1.0".to_owned(),
        boot: Uuid::from_u128(1),
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
