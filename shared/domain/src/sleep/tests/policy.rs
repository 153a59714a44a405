//! How long.

use super::*;
use foldgate_proto::SleepCause::{
    Awake, Connect, Dead, Exhausted, NotHere, RateLimit, Timeout, UpstreamError,
};
use proptest::prelude::*;

const SLEEPS: [SleepCause; 7] = [
    RateLimit,
    UpstreamError,
    Connect,
    Timeout,
    Exhausted,
    Dead,
    NotHere,
];

#[test]
fn the_table_doubles_to_its_cap() {
    for (cause, seconds) in [
        (RateLimit, [30, 60, 120, 240, 480, 600, 600]),
        (UpstreamError, [5, 10, 20, 40, 80, 160, 300]),
        (Connect, [10, 20, 40, 80, 160, 300, 300]),
        (Timeout, [10, 20, 40, 80, 160, 300, 300]),
        (
            Exhausted,
            [3600, 7200, 14_400, 28_800, 57_600, 86_400, 86_400],
        ),
        (Dead, [10, 20, 40, 80, 160, 320, 640]),
        (NotHere, [600, 1200, 2400, 3600, 3600, 3600, 3600]),
    ] {
        for (failures, expected) in (1..).zip(seconds) {
            let length = duration(cause, failures, None, 0.0);
            assert_eq!(length, Duration::from_secs(expected), "{cause} {failures}");
        }
    }
    assert_eq!(duration(Awake, 1, None, 0.0), Duration::ZERO);
}

#[test]
fn a_hint_wins_with_a_small_buffer() {
    let hint = |millis| Some(Duration::from_millis(millis));
    for (asked, slept) in [(12, 62), (2000, 2200), (30_000, 31_000), (700_000, 701_000)] {
        for cause in [RateLimit, UpstreamError] {
            assert_eq!(
                duration(cause, 5, hint(asked), 0.0),
                Duration::from_millis(slept)
            );
        }
    }
    assert_eq!(
        duration(RateLimit, 1, Some(Duration::ZERO), 0.0),
        Duration::from_secs(30)
    );
}

#[test]
fn an_unpaid_bill_and_a_refused_key_outlast_a_short_hint() {
    let hint = Some(Duration::from_secs(20));
    assert_eq!(duration(Exhausted, 1, hint, 0.0), Duration::from_hours(1));
    assert_eq!(duration(Dead, 1, hint, 0.0), Duration::from_secs(10));
    assert_eq!(duration(NotHere, 1, hint, 0.0), Duration::from_mins(10));
    let long = Some(Duration::from_hours(2));
    assert_eq!(
        duration(Exhausted, 1, long, 0.0),
        Duration::from_hours(2) + Duration::from_secs(1)
    );
}

proptest! {
    #[test]
    fn jitter_only_lengthens_and_a_day_is_the_end(
        cause in prop::sample::select(SLEEPS.to_vec()),
        failures: u32,
        hint in prop::option::of(any::<Duration>()),
        jitter: f64,
    ) {
        let length = duration(cause, failures, hint, jitter);
        let least = duration(cause, failures, hint, 0.0);
        prop_assert!(length >= least && length <= LONGEST_SLEEP);
        prop_assert!(length <= least + least / 9);
        prop_assert!(!length.is_zero());
    }
}
