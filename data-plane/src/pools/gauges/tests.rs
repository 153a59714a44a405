use std::sync::Arc;
use std::time::Duration;

use foldgate_proto::{DefinitionNumber, OwnerId, Timestamp};
use uuid::Uuid;

use super::{Gauge, Gauges, Of};

#[test]
fn there_is_room_up_to_the_limit_and_again_when_one_leaves() {
    let gauge = Arc::new(Gauge::default());
    let first = gauge.enter(Some(2)).unwrap();
    let _second = gauge.enter(Some(2)).unwrap();
    assert!(gauge.enter(Some(2)).is_none());
    assert_eq!(gauge.running(), 2, "who is refused is not counted");
    let _third = gauge.enter(None).unwrap();
    drop(first);
    assert!(gauge.enter(Some(2)).is_none(), "two are still there");
    assert!(gauge.enter(Some(3)).is_some());
    assert!(Arc::new(Gauge::default()).enter(Some(0)).is_none());
}

#[test]
fn many_at_once_never_exceed_the_limit() {
    let gauge = Arc::new(Gauge::default());
    let most = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    if let Some(_permit) = gauge.enter(Some(3)) {
                        most.fetch_max(gauge.running(), std::sync::atomic::Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert!(most.into_inner() <= 3);
    assert_eq!(gauge.running(), 0);
}

#[test]
fn a_gauge_is_one_for_all_who_ask_and_remembers() {
    let gauges = Gauges::default();
    let owner = OwnerId(Uuid::from_u128(1));
    let of = |number| gauges.of(owner, Of::Model(DefinitionNumber(number)));
    of(1).answered(Duration::from_micros(70), Timestamp(0));
    assert_eq!(of(1).latency(Timestamp(0)), Some(70));
    assert_eq!(of(2).latency(Timestamp(0)), None);
    let _permit = of(1).enter(None);
    assert_eq!((of(1).running(), of(2).running()), (1, 0));
    gauges.shed(owner, None);
    assert_eq!(gauges.len(), 0);
}
