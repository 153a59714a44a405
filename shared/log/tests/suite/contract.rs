//! The contract of a log, run against both implementations.

use std::collections::HashSet;

use foldgate_log::{Position, Stop, Stored};
use foldgate_proto::{Encoded, Event, Revision};

use super::faults::everything;
use super::support::{Bench, Chain, filler, nightly};

macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            use super::super::support::Bench;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(Bench::embedded().await).await;
                }
            )*
        }
        mod jetstream {
            use super::super::support::Bench;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(Bench::jetstream().await).await;
                }
            )*
        }
    };
}

mod following;

use following::{
    a_broken_link_is_found_and_never_folded_over, a_follower_hears_everything_while_it_is_written,
    a_record_nobody_can_read_is_held, following_from_any_position_neither_skips_nor_repeats,
};

contract!(
    what_is_appended_is_read_back_as_the_same_bytes,
    an_append_elsewhere_than_at_the_head_is_a_conflict,
    of_twenty_writers_on_one_revision_one_wins_and_all_get_through,
    racing_groups_are_written_as_prefixes_of_a_whole_chain,
    what_would_break_the_chain_is_refused,
    following_from_any_position_neither_skips_nor_repeats,
    a_follower_hears_everything_while_it_is_written,
    a_history_moves_to_another_log_as_the_same_bytes,
    a_broken_link_is_found_and_never_folded_over,
    a_record_nobody_can_read_is_held,
);

async fn what_is_appended_is_read_back_as_the_same_bytes(bench: Bench) {
    let log = bench.log().await;
    let genesis = Position::genesis(log.log_id().await.unwrap());
    assert_eq!(log.head().await.unwrap(), genesis);
    assert!(log.read(Revision(1), 10).await.unwrap().is_empty());

    let mut chain = Chain { at: genesis };
    let sizes = [0, 1, 3_990, 4_096, 16_384, 500_000];
    let mut group: Vec<Encoded> = Vec::new();
    for size in sizes {
        group.push(chain.next(filler(size)));
    }
    let appended = log.append(Revision::ZERO, &group).await.unwrap();
    assert_eq!(appended.head, chain.at);
    assert_eq!(log.head().await.unwrap(), chain.at);

    let found = log.read(Revision(1), 100).await.unwrap();
    let bytes = |stored: &Stored| stored.bytes.to_vec();
    assert_eq!(
        found.iter().map(bytes).collect::<Vec<_>>(),
        group
            .iter()
            .map(|record| record.bytes.clone())
            .collect::<Vec<_>>()
    );
    let some = log.read(Revision(3), 2).await.unwrap();
    assert_eq!(some, found[2..4]);
    assert!(log.read(Revision(7), 10).await.unwrap().is_empty());
}

async fn an_append_elsewhere_than_at_the_head_is_a_conflict(bench: Bench) {
    let log = bench.log().await;
    let mut chain = Chain::behind(&*log).await;
    let mut positions = vec![chain.at];
    let mut first = Vec::new();
    for _ in 0..2 {
        first.push(chain.next(filler(1)));
        positions.push(chain.at);
    }
    log.append(Revision::ZERO, &first).await.unwrap();
    let head = log.head().await.unwrap();
    let ahead = [3, 1000].map(|revision| Position {
        revision: Revision(revision),
        ..head
    });
    for at in [positions[0], positions[1], ahead[0], ahead[1]] {
        let record = Chain { at }.next(filler(1));
        // Through a handle that has never seen the log, too.
        for log in [&log, &bench.log().await] {
            let error = log
                .append(at.revision, std::slice::from_ref(&record))
                .await
                .unwrap_err();
            assert_eq!(error.written, 0);
            let Stop::Conflict { head: seen } = error.stop else {
                panic!("at {}: {error:?}", at.revision);
            };
            assert!(seen.revision <= head.revision);
        }
    }
    assert_eq!(log.head().await.unwrap(), head);
    let next = chain.group(1);
    log.append(Revision(2), &next).await.unwrap();
}

/// Decides one record again and again until it stands. Answers how often it lost.
async fn settle(log: &dyn foldgate_log::EventLog, first: Position, event: Event) -> (Encoded, u32) {
    let mut chain = Chain { at: first };
    for lost in 0.. {
        let expected = chain.expected();
        let record = chain.next(event.clone());
        match log.append(expected, std::slice::from_ref(&record)).await {
            Ok(appended) => {
                assert_eq!(appended.head, chain.at);
                return (record, lost);
            }
            Err(error) => {
                assert!(matches!(error.stop, Stop::Conflict { .. }), "{error:?}");
                assert_eq!(error.written, 0);
                chain = Chain::behind(log).await;
            }
        }
    }
    unreachable!("the loop ends by returning")
}

async fn of_twenty_writers_on_one_revision_one_wins_and_all_get_through(bench: Bench) {
    let log = bench.log().await;
    let first = log.head().await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let log = bench.log().await;
        writers.spawn(async move { settle(&*log, first, filler(number)).await });
    }
    let outcomes = writers.join_all().await;
    let winners = outcomes.iter().filter(|(_, lost)| *lost == 0).count();
    assert_eq!(winners, 1);
    let stored = log.read(Revision(1), 100).await.unwrap();
    assert_eq!(stored.len(), 20);
    let ids: HashSet<_> = stored
        .iter()
        .map(|stored| stored.encoded().unwrap().id)
        .collect();
    let sent: HashSet<_> = outcomes.iter().map(|(record, _)| record.id).collect();
    assert_eq!(ids, sent);
    log.verify(&mut |_| ()).await.unwrap();
}

async fn racing_groups_are_written_as_prefixes_of_a_whole_chain(bench: Bench) {
    const WRITERS: usize = 6;
    const GROUP: usize = 8;
    let each = nightly(40, 1000);
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let log = bench.log().await;
        writers.spawn(async move {
            let (mut stood, mut never, mut conflicts) = (Vec::new(), Vec::new(), 0);
            while stood.len() < each {
                let mut chain = Chain::behind(&*log).await;
                let expected = chain.expected();
                let group = chain.group(GROUP.min(each - stood.len()));
                let written = match log.append(expected, &group).await {
                    Ok(_) => group.len(),
                    Err(error) => {
                        assert!(matches!(error.stop, Stop::Conflict { .. }), "{error:?}");
                        conflicts += 1;
                        error.written
                    }
                };
                let mut ids = group.iter().map(|record| record.id);
                stood.extend(ids.by_ref().take(written));
                never.extend(ids);
            }
            (stood, never, conflicts)
        });
    }
    let outcomes = writers.join_all().await;
    assert!(
        outcomes.iter().any(|(_, _, conflicts)| *conflicts > 0),
        "nobody raced"
    );
    let log = bench.log().await;
    let head = log.verify(&mut |_| ()).await.unwrap();
    assert_eq!(head.revision, Revision((WRITERS * each) as u64));
    let stored = everything(&*log).await;
    let ids: HashSet<_> = stored
        .iter()
        .map(|stored| stored.encoded().unwrap().id)
        .collect();
    assert_eq!(ids.len(), WRITERS * each, "a record stands twice");
    for (stood, never, _) in outcomes {
        assert!(stood.iter().all(|id| ids.contains(id)));
        assert!(never.iter().all(|id| !ids.contains(id)));
    }
}

async fn what_would_break_the_chain_is_refused(bench: Bench) {
    let log = bench.log().await;
    let genesis = log.head().await.unwrap();
    let mut chain = Chain { at: genesis };
    let mut group = chain.group(3);
    log.append(Revision::ZERO, &group).await.unwrap();

    // Decided at the right revision on another history.
    let mut other = Chain {
        at: Position {
            hash: genesis.hash,
            ..chain.at
        },
    };
    group = other.group(2);
    // A group whose second record does not follow its first.
    let mut torn = chain.clone().group(1);
    torn.extend(other.group(1));
    // Bytes that are no record.
    let mut junk = chain.clone().next(filler(1));
    junk.bytes.truncate(10);
    for group in [group, torn, vec![junk], Vec::new()] {
        // Through a handle that has never seen the log, too.
        for log in [&log, &bench.log().await] {
            let error = log.append(Revision(3), &group).await.unwrap_err();
            assert!(matches!(error.stop, Stop::Refused(_)), "{error:?}");
            assert_eq!(error.written, 0);
        }
    }
    assert_eq!(log.head().await.unwrap(), chain.at);
}

async fn a_history_moves_to_another_log_as_the_same_bytes(bench: Bench) {
    let log = bench.log().await;
    let mut chain = Chain::behind(&*log).await;
    let group = chain.group(50);
    log.append(Revision::ZERO, &group).await.unwrap();
    let mut progress = Vec::new();
    let head = log
        .verify(&mut |at| progress.push(at.revision))
        .await
        .unwrap();
    assert_eq!(head, chain.at);
    assert_eq!(progress.last(), Some(&Revision(50)));

    let copy = bench.with_id(log.log_id().await.unwrap()).await;
    let copy = copy.log().await;
    for stored in log.read(Revision(1), 100).await.unwrap() {
        let before = Revision(stored.revision.0 - 1);
        copy.append(before, &[stored.encoded().unwrap()])
            .await
            .unwrap();
    }
    assert_eq!(copy.verify(&mut |_| ()).await.unwrap(), head);
    assert_eq!(
        copy.read(Revision(1), 100).await.unwrap(),
        log.read(Revision(1), 100).await.unwrap()
    );
}
