use foldgate_proto::{RecordHash, Revision};
use tempfile::TempDir;

use super::witness::Witness;
use crate::Position;

fn at(revision: u64) -> Position {
    Position {
        revision: Revision(revision),
        hash: RecordHash::of(&revision.to_be_bytes()),
    }
}

#[test]
fn the_witness_contradicts_a_log_that_is_shorter_or_another() {
    let dir = TempDir::new().unwrap();
    assert!(Witness::peek(dir.path()).is_none());
    let mut witness = Witness::open(dir.path()).unwrap();
    assert_eq!(witness.beyond(at(0)), None);
    witness.note(at(4)).unwrap();
    witness.note(at(5)).unwrap();
    let witness = Witness::open(dir.path()).unwrap();
    assert_eq!(witness.beyond(at(5)), None);
    assert_eq!(witness.beyond(at(6)), None);
    assert_eq!(witness.beyond(at(3)), Some(Revision(5)));
    let other = Position {
        hash: RecordHash([0; 32]),
        ..at(5)
    };
    assert_eq!(witness.beyond(other), Some(Revision(5)));
}

#[test]
fn a_torn_slot_leaves_the_other() {
    let dir = TempDir::new().unwrap();
    let mut witness = Witness::open(dir.path()).unwrap();
    witness.note(at(4)).unwrap();
    witness.note(at(5)).unwrap();
    let path = dir.path().join("head");
    let mut bytes = std::fs::read(&path).unwrap();
    // Revision 5 stands in the second slot.
    bytes[70] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let witness = Witness::open(dir.path()).unwrap();
    assert_eq!(witness.beyond(at(4)), None);
    assert_eq!(witness.beyond(at(3)), Some(Revision(4)));
}
