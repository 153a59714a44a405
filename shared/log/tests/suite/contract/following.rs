//! The contract of following.

use foldgate_log::{FollowItem, Position, VerifyError};
use foldgate_proto::{Record, Revision};

use crate::support::{Bench, Chain, LIMIT, filler};

/// The entries up to and including `last`.
async fn collect(follow: &mut foldgate_log::Follow, last: u64) -> Vec<(u64, Record)> {
    let mut found: Vec<(u64, Record)> = Vec::new();
    while found.last().is_none_or(|(revision, _)| *revision < last) {
        let item = tokio::time::timeout(LIMIT, follow.next()).await;
        match item
            .expect("the follower is silent")
            .expect("the follower has ended")
        {
            FollowItem::Entry {
                revision, record, ..
            } => {
                found.push((revision.0, (*record).clone()));
            }
            FollowItem::CaughtUp(_) => {}
            FollowItem::Held { revision, reason } => panic!("held at {revision}: {reason}"),
        }
    }
    found
}

async fn caught_up(follow: &mut foldgate_log::Follow) -> Revision {
    loop {
        match tokio::time::timeout(LIMIT, follow.next())
            .await
            .unwrap()
            .unwrap()
        {
            FollowItem::CaughtUp(revision) => return revision,
            FollowItem::Entry { .. } => {}
            FollowItem::Held { revision, reason } => panic!("held at {revision}: {reason}"),
        }
    }
}

pub(super) async fn following_from_any_position_neither_skips_nor_repeats(bench: Bench) {
    let log = bench.log().await;
    let mut chain = Chain::behind(&*log).await;
    let mut positions = vec![chain.at];
    let mut all = Vec::new();
    for _ in 0..30 {
        let record = chain.next(filler(3));
        positions.push(chain.at);
        all.push(record);
    }
    log.append(Revision::ZERO, &all[..20]).await.unwrap();
    let mut follows: Vec<_> = positions[..=20]
        .iter()
        .map(|at| (log.follow(*at), *at))
        .collect();
    for (follow, at) in &mut follows {
        if at.revision < Revision(20) {
            let found = collect(follow, 20).await;
            let revisions: Vec<u64> = found.iter().map(|(revision, _)| *revision).collect();
            assert_eq!(revisions, (at.revision.0 + 1..=20).collect::<Vec<_>>());
        }
        assert_eq!(caught_up(follow).await, Revision(20));
    }
    log.append(Revision(20), &all[20..]).await.unwrap();
    for (follow, _) in &mut follows {
        let found = collect(follow, 30).await;
        let revisions: Vec<u64> = found.iter().map(|(revision, _)| *revision).collect();
        assert_eq!(revisions, (21..=30).collect::<Vec<_>>());
        for (revision, record) in found {
            assert_eq!(record.id, all[usize::try_from(revision).unwrap() - 1].id);
        }
    }
}

pub(super) async fn a_follower_hears_everything_while_it_is_written(bench: Bench) {
    const COUNT: usize = 400;
    let log = bench.log().await;
    let start = log.head().await.unwrap();
    let mut follow = log.follow(start);
    let writer = bench.log().await;
    let written = tokio::spawn(async move {
        let mut chain = Chain::behind(&*writer).await;
        let mut ids = Vec::new();
        while ids.len() < COUNT {
            let expected = chain.expected();
            let group = chain.group(1 + ids.len() % 16);
            writer.append(expected, &group).await.unwrap();
            ids.extend(group.iter().map(|record| record.id));
        }
        ids
    });
    let found = collect(&mut follow, COUNT as u64).await;
    let written = written.await.unwrap();
    for (index, (revision, record)) in found.iter().enumerate() {
        assert_eq!(*revision, index as u64 + 1);
        assert_eq!(record.id, written[index]);
    }
}

async fn held(follow: &mut foldgate_log::Follow) -> (Vec<u64>, Revision, String) {
    let mut entries = Vec::new();
    loop {
        match tokio::time::timeout(LIMIT, follow.next())
            .await
            .unwrap()
            .unwrap()
        {
            FollowItem::Entry { revision, .. } => entries.push(revision.0),
            FollowItem::CaughtUp(_) => {}
            FollowItem::Held { revision, reason } => return (entries, revision, reason),
        }
    }
}

pub(super) async fn a_broken_link_is_found_and_never_folded_over(mut bench: Bench) {
    let log = bench.log().await;
    let genesis = log.head().await.unwrap();
    let mut chain = Chain { at: genesis };
    let group = chain.group(4);
    log.append(Revision::ZERO, &group).await.unwrap();
    drop(log);
    // A whole record of another history.
    let mut other = Chain { at: genesis };
    let foreign = other.next(filler(5));
    bench.intrude(Revision(5), &foreign.bytes).await;
    let behind = Chain {
        at: Position {
            revision: Revision(5),
            hash: foreign.hash,
        },
    }
    .next(filler(1));
    bench.intrude(Revision(6), &behind.bytes).await;

    let log = bench.log().await;
    let Err(VerifyError::Broken(broken)) = log.verify(&mut |_| ()).await else {
        panic!("the broken link was not found");
    };
    assert_eq!(broken.revision, Revision(5));
    let (entries, revision, reason) = held(&mut log.follow(genesis)).await;
    assert_eq!(entries, [1, 2, 3, 4]);
    assert_eq!(revision, Revision(5));
    assert!(reason.contains("before it"), "{reason}");
    // And from a position whose hash is not the log's.
    let wrong = Position {
        revision: Revision(2),
        hash: genesis.hash,
    };
    let (entries, revision, _) = held(&mut log.follow(wrong)).await;
    assert!(entries.is_empty());
    // A log on NATS looks at the position itself, the embedded one at what follows.
    assert!([Revision(2), Revision(3)].contains(&revision));
}

pub(super) async fn a_record_nobody_can_read_is_held(mut bench: Bench) {
    let log = bench.log().await;
    let genesis = log.head().await.unwrap();
    let mut chain = Chain { at: genesis };
    let group = chain.group(2);
    log.append(Revision::ZERO, &group).await.unwrap();
    drop(log);
    let mut newer = Record::decode(&chain.clone().next(filler(1)).bytes).unwrap();
    newer.schema = 1000;
    let newer = newer.encode().unwrap();
    bench.intrude(Revision(3), &newer.bytes).await;
    let log = bench.log().await;
    let (entries, revision, reason) = held(&mut log.follow(genesis)).await;
    assert_eq!(entries, [1, 2]);
    assert_eq!(revision, Revision(3));
    assert!(reason.contains("newer"), "{reason}");
}
