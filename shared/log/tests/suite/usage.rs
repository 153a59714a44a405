//! Usage on its way from a spool to whoever folds it, over real servers, through
//! real deaths.

mod drill;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use foldgate_log::jetstream::{MirrorInit, Options, init_mirror};
use foldgate_log::usage::{Intent, Place, Sender, Spool, Streams, codec, spool, streams};
use foldgate_log::{Error, JetStream};
use foldgate_proto::{
    AccountNumber, Measure, NanoDollars, OwnerId, PriceVersion, Quantities, Timestamp, UsageRecord,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::support::{LIMIT, NatsServer, Shape, eventually};

/// How long a server that was away may take to ask another domain for what it missed:
/// it took 40 s each time it was measured.
const SOURCE_LIMIT: Duration = Duration::from_mins(2);

pub(super) fn intent(id: Uuid) -> Intent {
    Intent {
        id,
        owner: OwnerId(Uuid::from_u128(1)),
        account: AccountNumber(1),
        caller_key: None,
        provider_key: None,
        level: None,
        endpoint: "chat/completions".to_owned(),
        requested: "gpt-4o".to_owned(),
        model: "gpt-4o".to_owned(),
        upstream: None,
        estimate: Quantities::default(),
        cost: NanoDollars(7),
        unpriced: false,
        factor: foldgate_proto::Rates::ONE,
        prices: PriceVersion::default(),
        at: Timestamp(1_000),
    }
}

pub(super) fn open(dir: &Path) -> Spool {
    let options = spool::Options {
        dir: dir.to_owned(),
        max_bytes: 64 * 1024 * 1024,
    };
    Spool::open(options, Box::new(Intent::unsettled)).unwrap()
}

pub(super) fn place() -> Place {
    Place {
        node: "n1".to_owned(),
        region: "east".to_owned(),
    }
}

/// Serves one call.
pub(super) fn serve(spool: &Spool) -> Uuid {
    let intent = intent(Uuid::new_v4());
    let record = UsageRecord {
        measure: Measure::Reported,
        ..intent.unsettled()
    };
    spool.intend(&intent).unwrap().settle(record);
    intent.id
}

/// Everything that arrives, each batch once.
pub(super) struct Folded {
    feed: streams::Feed,
    positions: streams::Positions,
    numbers: HashSet<(Uuid, u64)>,
    pub(super) records: BTreeMap<Uuid, Vec<Measure>>,
    pub(super) again: usize,
}

impl Folded {
    pub(super) fn new(streams: &Streams) -> Self {
        Self {
            feed: streams.feed(),
            positions: BTreeMap::new(),
            numbers: HashSet::new(),
            records: BTreeMap::new(),
            again: 0,
        }
    }

    pub(super) async fn some(&mut self) -> Result<(), Error> {
        let group = self.feed.next(&self.positions).await?;
        assert_eq!(group.missed, 0);
        for delivery in group.deliveries {
            let batch = codec::decode(&delivery.bytes).unwrap();
            self.positions
                .insert(group.origin.clone(), delivery.position);
            if self.numbers.insert((batch.spool, batch.number)) {
                for record in batch.records {
                    let times = self.records.entry(record.id).or_default();
                    times.push(record.measure);
                }
            } else {
                self.again += 1;
            }
            delivery.folded();
        }
        Ok(())
    }

    /// Folds until that many calls have arrived.
    pub(super) async fn until(&mut self, count: usize) {
        self.within(LIMIT, count).await;
    }

    async fn within(&mut self, limit: Duration, count: usize) {
        let folding = async {
            while self.records.len() < count {
                // A server that is away comes back.
                if self.some().await.is_err() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        };
        let folded = tokio::time::timeout(limit, folding).await;
        assert!(folded.is_ok(), "{} of {count}", self.records.len());
    }

    fn all_once(&self, calls: &[Uuid]) {
        assert_eq!(self.records.len(), calls.len());
        for id in calls {
            assert_eq!(self.records[id], [Measure::Reported]);
        }
    }
}

async fn travels(streams: Streams) {
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let sender = Sender::start(&spool, streams.clone(), place()).unwrap();
    assert!(Sender::start(&spool, streams.clone(), place()).is_none());
    let calls: Vec<_> = (0..2500).map(|_| serve(&spool)).collect();
    let mut folded = Folded::new(&streams);
    folded.until(calls.len()).await;
    folded.all_once(&calls);
    eventually("the spool is empty", || async {
        (spool.waiting() == 0).then_some(())
    })
    .await;
    // What is settled at the very end still goes out.
    let last = serve(&spool);
    let finish = sender.finish(LIMIT);
    let ((), ()) = tokio::join!(finish, folded.until(calls.len() + 1));
    assert_eq!(folded.records[&last], [Measure::Reported]);
    assert_eq!(spool.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_travels_within_a_process() {
    travels(Streams::local()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_travels_over_nats() {
    let server = NatsServer::start();
    travels(Streams::nats(&server.log().await)).await;
}

/// The user of a data node may hand usage over, and take nothing away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_node_may_hand_usage_over() {
    let server = NatsServer::start();
    let log = server.log().await;
    let options = Options {
        urls: format!("nats://node:nodepw@127.0.0.1:{}", server.port),
        ..server.options()
    };
    let node = JetStream::open(options).await.unwrap();
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let sender = Sender::start(&spool, Streams::nats(&node), place()).unwrap();
    let calls = serve(&spool);
    let mut folded = Folded::new(&Streams::nats(&log));
    folded.until(1).await;
    folded.all_once(&[calls]);
    sender.finish(LIMIT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_spool_grows_while_nats_is_away() {
    let mut server = NatsServer::start();
    let log = server.log().await;
    let streams = Streams::nats(&log);
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let sender = Sender::start(&spool, streams.clone(), place()).unwrap();
    let mut calls = vec![serve(&spool)];
    let mut folded = Folded::new(&streams);
    folded.until(1).await;
    server.kill();
    calls.extend((0..50).map(|_| serve(&spool)));
    let mut trouble = sender.trouble();
    let told = trouble.wait_for(Option::is_some);
    let told = tokio::time::timeout(LIMIT, told).await.unwrap().unwrap();
    assert!(told.as_ref().unwrap().contains("usage is not handed over"));
    drop(told);
    assert!(spool.waiting() >= 50);
    server.restart();
    folded.until(51).await;
    folded.all_once(&calls);
    let well = trouble.wait_for(Option::is_none);
    tokio::time::timeout(LIMIT, well).await.unwrap().unwrap();
    sender.finish(LIMIT).await;
}

/// A stream that was put back to an earlier day is read anew, and so is another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_put_back_is_read_anew() {
    let mut server = NatsServer::start();
    let streams = Streams::nats(&server.log().await);
    let dir = TempDir::new().unwrap();
    let spool = open(dir.path());
    let sender = Sender::start(&spool, streams.clone(), place()).unwrap();
    let mut folded = Folded::new(&streams);
    let mut calls = vec![serve(&spool)];
    folded.until(1).await;
    let copy = server.back_up();
    server.restart();
    for count in 2..4 {
        calls.push(serve(&spool));
        folded.until(count).await;
    }
    eventually("the spool is empty", || async {
        (spool.waiting() == 0).then_some(())
    })
    .await;
    server.kill();
    server.restore(&copy);
    calls.push(serve(&spool));
    folded.until(4).await;
    folded.all_once(&calls);
    assert!(folded.again > 0, "it was not read anew");
    sender.finish(LIMIT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hub_gathers_what_regions_use() {
    let mut hub = NatsServer::shaped(&Shape {
        domain: Some("hub"),
        ..Shape::default()
    });
    let log = hub.log().await;
    let leaf = NatsServer::shaped(&Shape {
        domain: Some("west"),
        joins: Some(hub.leaf),
        ..Shape::default()
    });
    let west = Options {
        region: "west".to_owned(),
        hub_domain: Some("hub".to_owned()),
        ..leaf.options()
    };
    let how = MirrorInit {
        replicas: 1,
        hub_domain: "hub".to_owned(),
    };
    // And again: it may be repeated.
    for _ in 0..2 {
        eventually("the leaf link stands", || async {
            init_mirror(&west, &how).await.ok()
        })
        .await;
    }
    let dirs = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let [east_spool, west_spool] = dirs.each_ref().map(|dir| open(dir.path()));
    let node = JetStream::open(west).await.unwrap();
    let west_place = Place {
        region: "west".to_owned(),
        ..place()
    };
    let senders = [
        Sender::start(&east_spool, Streams::nats(&log), place()).unwrap(),
        Sender::start(&west_spool, Streams::nats(&node), west_place).unwrap(),
    ];
    let mut calls = vec![serve(&east_spool), serve(&west_spool)];
    let mut folded = Folded::new(&Streams::nats(&log));
    folded.until(2).await;
    // What a region uses while it is cut off waits in the region's stream.
    hub.kill();
    calls.push(serve(&west_spool));
    eventually("the region keeps it", || async {
        (west_spool.waiting() == 0).then_some(())
    })
    .await;
    hub.restart();
    folded.within(SOURCE_LIMIT, 3).await;
    folded.all_once(&calls);
    for sender in senders {
        sender.finish(LIMIT).await;
    }
}
