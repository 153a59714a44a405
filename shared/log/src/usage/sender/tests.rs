use std::time::Instant;

use foldgate_proto::UsageRecord;
use tempfile::TempDir;

use super::super::spool::tests::{open, serve};
use super::super::streams::Positions;
use super::super::{Streams, codec};
use super::*;

/// Each batch costs some syncs, on the node and where it is folded: a steady stream
/// of calls must not be handed over call by call.
#[tokio::test]
async fn calls_that_keep_coming_are_gathered() {
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let streams = Streams::local();
    let place = Place {
        node: "n".to_owned(),
        region: "r".to_owned(),
    };
    let begun = Instant::now();
    let sender = Sender::start(&spool, streams.clone(), place).unwrap();
    let (stop, stopped) = watch::channel(false);
    let calls = tokio::spawn({
        let spool = spool.clone();
        async move {
            let (mut served, mut tick) = (Vec::new(), tokio::time::interval(GATHER / 100));
            while !*stopped.borrow() {
                tick.tick().await;
                served.push(serve(&spool, 1));
            }
            served
        }
    });

    let mut feed = streams.feed();
    let mut came: Vec<UsageRecord> = Vec::new();
    let mut batches = 0;
    let mut take = async |batches: &mut u32, came: &mut Vec<UsageRecord>| {
        for delivery in feed.next(&Positions::new()).await.unwrap().deliveries {
            let batch = codec::decode(&delivery.bytes).unwrap();
            came.extend(batch.records);
            *batches += 1;
            delivery.folded();
        }
    };
    while batches < 5 {
        take(&mut batches, &mut came).await;
    }
    let took = begun.elapsed();
    assert!(took >= GATHER * 5, "five batches after {took:?}");

    stop.send_replace(true);
    let served = calls.await.unwrap();
    let finish = tokio::spawn(sender.finish(Duration::from_secs(30)));
    while came.len() < served.len() {
        take(&mut batches, &mut came).await;
    }
    assert_eq!(came, served, "all of them, in order");
    finish.await.unwrap();
}
