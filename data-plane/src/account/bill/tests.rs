use foldgate_log::usage::spool;
use metrics_exporter_prometheus::PrometheusBuilder;
use tempfile::TempDir;

use super::*;
use crate::purses::Purses;

/// A bill of a chat, and where it is written down.
pub(super) fn bill() -> (Bill, Spool, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let options = spool::Options {
        dir: dir.path().join("spool"),
        max_bytes: 1024 * 1024,
    };
    let spool = Spool::open(options, Box::new(Intent::unsettled)).unwrap();
    let payer = Payer {
        spool: spool.clone(),
        charged: Arc::<Purses>::default().nothing(),
        owner: OwnerId(Uuid::from_u128(1)),
        account: AccountNumber(1),
        caller_key: None,
        prices: Arc::new(Prices::shipped()),
        terms: Terms::default(),
        at: Timestamp(0),
    };
    let [chat, ..] = &crate::endpoint::ENDPOINTS;
    let asked = Asked::of(chat, b"{}");
    (Bill::new(payer, ("chat", "house"), asked), spool, dir)
}

#[test]
fn a_call_without_a_price_is_counted_once() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        for model in ["house", "gpt-4o"] {
            let (mut bill, spool, _dir) = bill();
            let attempted = Attempted {
                by: (Level::new(1).unwrap(), KeyNumber(1)),
                model,
                upstream: None,
            };
            let used = Quantities {
                input: 9,
                ..Quantities::default()
            };
            bill.intend(&attempted).unwrap();
            bill.intend(&attempted).unwrap();
            bill.used(used);
            bill.settle(&Ended {
                usage: Some(used),
                heard: 0,
                searched: 0,
                whole: true,
                bytes_in: 2,
                status: 200,
                at: Timestamp(0),
                took: Duration::ZERO,
                first_byte: None,
            });
            let batch = spool.outbox().unwrap().next_batch().unwrap().unwrap();
            assert_eq!(batch.records.len(), 1);
            assert_eq!(batch.records[0].unpriced, model == "house");
        }
    });
    let told = handle.render();
    assert!(told.contains("foldgate_usage_unpriced_total 1\n"), "{told}");
}
