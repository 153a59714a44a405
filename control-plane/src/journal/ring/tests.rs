use foldgate_proto::{OwnerId, Timestamp};
use uuid::Uuid;

use super::{MAX_OF_EACH, Ring};
use crate::journal::Refused;

const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));
const OTHER: OwnerId = OwnerId(Uuid::from_u128(2));

fn refused(n: usize) -> Refused {
    Refused {
        at: Timestamp(0),
        address: None,
        actor: None,
        method: "POST".to_owned(),
        path: "/x-keys".to_owned(),
        status: 401,
        code: None,
        request_id: n.to_string(),
    }
}

/// Every entry that an owner is shown, the newest first, page by page.
fn all(ring: &Ring, owner: OwnerId, strangers: bool) -> Vec<String> {
    let mut ids = Vec::new();
    let mut from = None;
    loop {
        let page = ring.page((owner, strangers), (from, 1000)).expect("a page");
        ids.extend(page.0.into_iter().map(|(_, refused)| refused.request_id));
        match page.1 {
            Some(next) => from = Some(next),
            None => return ids,
        }
    }
}

#[test]
fn strangers_push_out_strangers_only_and_the_oldest_first() {
    let dir = tempfile::tempdir().expect("a folder");
    let ring = Ring::open(dir.path()).expect("a ring");
    let known = vec![(Some(OWNER), refused(1)), (Some(OTHER), refused(2))];
    ring.write(known).expect("written");
    let flood = MAX_OF_EACH + 100;
    for first in (0..flood).step_by(500) {
        let group = first..(first + 500).min(flood);
        let group = group.map(|n| (None, refused(n))).collect();
        ring.write(group).expect("written");
    }
    let kept = all(&ring, OWNER, true);
    assert_eq!(kept.len(), MAX_OF_EACH + 1);
    assert_eq!(kept[0], (flood - 1).to_string());
    assert_eq!(kept[MAX_OF_EACH - 1], "100");
    assert_eq!(kept[MAX_OF_EACH], "1");
    assert_eq!(all(&ring, OTHER, false), ["2"]);

    // Opened anew it counts on where it was.
    drop(ring);
    let ring = Ring::open(dir.path()).expect("a ring");
    ring.write(vec![(None, refused(flood))]).expect("written");
    let kept = all(&ring, OWNER, true);
    assert_eq!(kept.len(), MAX_OF_EACH + 1);
    assert_eq!(
        (kept[0].clone(), &*kept[MAX_OF_EACH - 1]),
        (flood.to_string(), "101")
    );
}
