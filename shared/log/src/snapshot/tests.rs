use std::fs;
use std::path::Path;

use foldgate_proto::{LogId, RecordHash, Revision};
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

use super::{Header, MANIFEST, SLOTS, Snapshots, format};

fn header(revision: u64, state: &[u8]) -> Header {
    Header {
        log_id: LogId(Uuid::from_u128(1)),
        revision: Revision(revision),
        chain: RecordHash([revision.to_be_bytes()[7]; 32]),
        state_hash: RecordHash::of(state),
        fold_version: 1,
        serial: 0,
    }
}

/// Saves the states of these revisions, one after the other.
fn saved(dir: &Path, revisions: &[u64]) {
    let (mut snapshots, _) = Snapshots::open(dir).unwrap();
    for revision in revisions {
        let state = revision.to_string().into_bytes();
        snapshots.save(header(*revision, &state), &state).unwrap();
    }
}

fn newest(dir: &Path) -> Option<u64> {
    let (_, found) = Snapshots::open(dir).unwrap();
    let found = found?;
    assert_eq!(found.state, found.header.revision.to_string().into_bytes());
    Some(found.header.revision.0)
}

/// Every way to spoil a file.
fn spoilt(whole: &[u8]) -> Vec<Vec<u8>> {
    let mut ways = vec![Vec::new(), vec![0; whole.len()]];
    for at in 0..whole.len() {
        let mut flipped = whole.to_vec();
        flipped[at] ^= 1;
        ways.push(flipped);
        ways.push(whole[..at].to_vec());
    }
    let mut longer = whole.to_vec();
    longer.push(0);
    ways.push(longer);
    ways
}

#[test]
fn the_newest_of_two_slots_is_loaded() {
    let dir = TempDir::new().unwrap();
    assert_eq!(newest(dir.path()), None);
    for last in 1..6 {
        saved(dir.path(), &[last]);
        assert_eq!(newest(dir.path()), Some(last));
    }
    // A lower revision (another log, after a reset) is newest all the same.
    saved(dir.path(), &[2]);
    assert_eq!(newest(dir.path()), Some(2));
}

#[test]
fn damage_to_either_slot_leaves_the_other() {
    let dir = TempDir::new().unwrap();
    saved(dir.path(), &[1, 2]);
    for (slot, other) in [(SLOTS[0], 2), (SLOTS[1], 1)] {
        let path = dir.path().join(slot);
        let whole = fs::read(&path).unwrap();
        for damaged in spoilt(&whole) {
            fs::write(&path, damaged).unwrap();
            assert_eq!(newest(dir.path()), Some(other));
            assert!(!path.exists(), "the damaged slot was not set aside");
            assert!(path.with_extension("damaged").exists());
        }
        fs::write(&path, whole).unwrap();
        assert_eq!(newest(dir.path()), Some(2));
    }
}

#[test]
fn damage_to_both_slots_leaves_nothing_and_can_be_written_over() {
    let dir = TempDir::new().unwrap();
    saved(dir.path(), &[1, 2]);
    for slot in SLOTS {
        fs::write(dir.path().join(slot), b"junk").unwrap();
    }
    assert_eq!(newest(dir.path()), None);
    saved(dir.path(), &[3]);
    assert_eq!(newest(dir.path()), Some(3));
}

#[test]
fn a_crash_while_writing_leaves_the_snapshot_before() {
    let dir = TempDir::new().unwrap();
    saved(dir.path(), &[1, 2]);
    for name in [SLOTS[0], SLOTS[1], MANIFEST] {
        fs::write(dir.path().join(format!("{name}.tmp")), b"half").unwrap();
    }
    assert_eq!(newest(dir.path()), Some(2));
    // The slot is written and the manifest is not.
    fs::remove_file(dir.path().join(MANIFEST)).unwrap();
    assert_eq!(newest(dir.path()), Some(2));
    fs::write(dir.path().join(MANIFEST), b"junk").unwrap();
    assert_eq!(newest(dir.path()), Some(2));
    saved(dir.path(), &[3]);
    assert_eq!(newest(dir.path()), Some(3));
}

/// One of a newer program, say: it is whole and yet of no use here.
#[test]
fn a_refused_snapshot_leaves_the_other_and_is_written_over() {
    let dir = TempDir::new().unwrap();
    for (revisions, refused) in [(&[1, 2][..], 2), (&[3], 3)] {
        saved(dir.path(), revisions);
        let mut seen = Vec::new();
        let (mut snapshots, taken) = Snapshots::open_with(dir.path(), |snapshot| {
            seen.push(snapshot.header.revision.0);
            (seen.last() != Some(&refused)).then_some(snapshot.header.revision.0)
        })
        .unwrap();
        assert_eq!(taken, Some(refused - 1));
        assert_eq!(seen, [refused, refused - 1]);
        // What is written next is the newest, and the one that served still stands.
        snapshots.save(header(9, b"9"), b"9").unwrap();
        let mut seen = Vec::new();
        let (_, none) = Snapshots::open_with(dir.path(), |snapshot| {
            seen.push(snapshot.header.revision.0);
            None::<()>
        })
        .unwrap();
        assert_eq!(none, None);
        assert_eq!(seen, [9, refused - 1]);
        fs::remove_dir_all(dir.path()).unwrap();
        saved(dir.path(), &[1, 2]);
    }
}

#[test]
fn where_both_are_refused_the_older_is_written_over() {
    let dir = TempDir::new().unwrap();
    saved(dir.path(), &[1, 2]);
    let (mut snapshots, none) = Snapshots::open_with(dir.path(), |_| None::<()>).unwrap();
    assert_eq!(none, None);
    snapshots.save(header(3, b"3"), b"3").unwrap();
    assert_eq!(newest(dir.path()), Some(3));
    let mut seen = Vec::new();
    Snapshots::open_with(dir.path(), |snapshot| {
        seen.push(snapshot.header.revision.0);
        None::<()>
    })
    .unwrap();
    assert_eq!(seen, [3, 2]);
}

#[test]
fn a_directory_in_the_place_of_a_slot_is_survived() {
    let dir = TempDir::new().unwrap();
    saved(dir.path(), &[1]);
    fs::create_dir(dir.path().join(SLOTS[1])).unwrap();
    assert_eq!(newest(dir.path()), Some(1));
}

#[test]
fn what_belongs_to_another_log_is_set_aside() {
    let dir = TempDir::new().unwrap();
    saved(dir.path(), &[1, 2]);
    let (mut snapshots, _) = Snapshots::open(dir.path()).unwrap();
    snapshots.discard("test");
    assert_eq!(newest(dir.path()), None);
    snapshots.save(header(7, b"7"), b"7").unwrap();
    assert_eq!(newest(dir.path()), Some(7));
}

proptest! {
    #[test]
    fn decoding_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(format::decode(&bytes).is_err());
    }

    #[test]
    fn decoding_behind_a_valid_checksum_is_total(
        body in proptest::collection::vec(any::<u8>(), 0..400),
        length in 0u32..500,
    ) {
        let mut bytes = format::MAGIC.to_vec();
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&body);
        let sum = RecordHash::of(&bytes);
        bytes.extend_from_slice(&sum.0);
        prop_assert!(format::decode(&bytes).is_err());
    }

    #[test]
    fn what_was_encoded_is_decoded(
        state in proptest::collection::vec(any::<u8>(), 0..1000),
        revision in any::<u64>(),
    ) {
        let header = header(revision, &state);
        let decoded = format::decode(&format::encode(&header, &state)).unwrap();
        prop_assert_eq!(decoded.header, header);
        prop_assert_eq!(decoded.state, state);
    }
}
