//! Merging what both planes know.

use foldgate_proto::{Generation, OwnerId, SleepCause};

use super::*;

fn report(key: u128, model: Option<&str>, until: i64) -> SleepReport {
    SleepReport {
        owner: OwnerId(Uuid::nil()),
        key: KeyId(Uuid::from_u128(key)),
        model: model.map(str::to_owned),
        generation: Generation::default(),
        until: Timestamp(until),
        cause: SleepCause::RateLimit,
        status: Some(429),
        detail: String::new(),
        failures: 1,
        confirmed: false,
        at: Timestamp(1),
        node: "n".to_owned(),
        region: "r".to_owned(),
    }
}

#[test]
fn each_key_and_model_is_told_once_and_the_longer_sleep_wins() {
    let own = vec![report(1, None, 10), report(1, Some("m"), 5)];
    let others = vec![report(1, None, 20), report(2, None, 7)];
    let mut merged = newest(own, others);
    merged.sort_by_key(|report| report.until);
    let untils: Vec<i64> = merged.iter().map(|report| report.until.0).collect();
    assert_eq!(untils, [5, 7, 20]);
}

#[test]
fn a_heartbeat_stays_within_its_limit() {
    let many = (0..MAX_HEARTBEAT_SLEEPS as u128 + 10)
        .map(|key| report(key, None, 1))
        .collect();
    assert_eq!(newest(many, Vec::new()).len(), MAX_HEARTBEAT_SLEEPS);
}
