//! What the page says of a fold, whatever the way it came there.

use foldgate_proto::RecordHash;
use foldgate_proto::report::StateHash;

use super::*;

fn status(revision: u64) -> Status {
    Status {
        revision: Revision(revision),
        log_known: true,
        chain: RecordHash::of(b"chain"),
        ready: true,
        caught_up: true,
        held: None,
        state_hash: None,
    }
}

fn held() -> Held {
    Held {
        revision: Revision(8),
        reason: "of a newer program".to_owned(),
    }
}

#[test]
fn a_state_is_named_by_the_worst_that_is_so() {
    let seven = status(7);
    let unread = Status {
        ready: false,
        caught_up: false,
        ..status(0)
    };
    let behind = Status {
        caught_up: false,
        ..seven.clone()
    };
    let stuck = Status {
        held: Some(held()),
        ..behind.clone()
    };
    for (expected, status, connected, end) in [
        ("synced", &seven, true, 7),
        ("empty", &status(0), true, 0),
        ("never_loaded", &unread, true, 0),
        ("never_loaded", &unread, false, 7),
        ("out_of_sync", &seven, true, 8),
        ("out_of_sync", &stuck, true, 8),
        ("out_of_sync", &stuck, false, 8),
        ("degraded", &seven, false, 7),
        ("degraded", &behind, true, 7),
    ] {
        let observed = Observed {
            revision: Revision(end),
            hash: None,
            at: None,
        };
        assert_eq!(state(status, connected, &observed), expected, "{status:?}");
    }
}

#[test]
fn a_hash_of_an_older_revision_is_not_shown() {
    let hash = |revision| {
        let state_hash = StateHash {
            revision: Revision(revision),
            hash: RecordHash::of(b"state"),
            fold_version: 1,
        };
        config_hash(&Status {
            state_hash: Some(state_hash),
            ..status(7)
        })
    };
    assert_eq!(hash(6), None);
    assert_eq!(hash(7), Some(RecordHash::of(b"state").to_string()));
    assert_eq!(config_hash(&status(7)), None, "none was made");
}

#[test]
fn what_was_held_is_remembered_when_it_is_held_no_more() {
    let at = |second: i64| DateTime::from_timestamp(second, 0).expect("a time");
    let mut seen = Seen::default();
    seen.look(&status(7), at(1));
    assert_eq!(seen.last_reload(true)["at"], json!(shown(at(1))));
    let stuck = Status {
        held: Some(held()),
        ..status(7)
    };
    seen.look(&stuck, at(2));
    seen.look(&stuck, at(3));
    assert_eq!(seen.held_at, Some((at(2), at(3))));
    let failed = json!({"successful": false, "at": shown(at(3))});
    assert_eq!(seen.last_reload(false), failed);
    // An older failure, told late, is not the last.
    seen.failed(at(2), UNREACHABLE, "gone");
    seen.look(&status(9), at(4));
    assert_eq!(seen.held_at, None);
    let kind = seen.failure.as_ref().map(|failure| failure.kind);
    assert_eq!(kind, Some(HELD));
    let done = json!({"successful": true, "at": shown(at(4))});
    assert_eq!(seen.last_reload(true), done);
}
