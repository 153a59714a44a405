use std::time::Duration;

use foldgate_proto::{KeyId, KeyNumber, Level, OwnerId, Revision, SleepCause, Timestamp};
use uuid::Uuid;

use super::super::cause::{Cause, TOLD_EVERY};
use super::{CLAIM, Letter, PATIENCE};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn asleep() -> Cause {
    Cause::LevelAsleep {
        level: Level::new(2).expect("a Level"),
        keys: 3,
        earliest: NOW,
        why: SleepCause::RateLimit,
    }
}

fn disabled() -> Cause {
    Cause::KeyDisabled {
        key: KeyId(Uuid::from_u128(7)),
        number: KeyNumber(4),
        name: "main".to_owned(),
        secret: Revision(9),
        level: Level::new(2).expect("a Level"),
        provider: "https://api.example.com".to_owned(),
        reason: "the upstream refused it (401)".to_owned(),
        at: NOW,
    }
}

fn letter(cause: Cause) -> Letter {
    Letter::new(OwnerId(Uuid::from_u128(1)), cause, NOW)
}

#[test]
fn a_letter_is_sent_by_one_and_by_another_if_that_one_dies() {
    let letter = letter(asleep());
    assert!(letter.is_due(NOW));
    let claimed = letter.claimed(Uuid::from_u128(5), NOW);
    assert!(!claimed.is_due(NOW.after(CLAIM / 2)));
    assert!(claimed.is_due(NOW.after(CLAIM)));
    let sent = claimed.sent(NOW);
    assert!(!sent.is_due(NOW.after(Duration::from_hours(20))));
}

#[test]
fn what_fails_is_tried_again_ever_more_rarely_and_given_up_within_a_day() {
    let mut letter = letter(asleep());
    let mut now = NOW;
    let mut pauses = Vec::new();
    while !letter.is_given_up() {
        letter = letter.failed("no connection", false, now);
        let begun = now;
        while !letter.is_given_up() && !letter.is_due(now) {
            now = now.after(Duration::from_secs(5));
        }
        pauses.push(now.since(begun).as_secs());
    }
    assert_eq!(pauses[..5], [5, 10, 20, 40, 80]);
    assert!(pauses.iter().all(|pause| *pause <= 3600));
    assert!(
        now.since(NOW) <= PATIENCE && pauses.len() > 20,
        "{pauses:?}"
    );
}

#[test]
fn what_is_refused_for_good_is_tried_once_an_hour() {
    let letter = letter(asleep()).failed("535 no such user", true, NOW);
    assert!(!letter.is_due(NOW.after(Duration::from_mins(59))));
    assert!(letter.is_due(NOW.after(Duration::from_hours(1))));
    let long = "x".repeat(5_000);
    let text = serde_json::to_string(&letter.failed(&long, true, NOW)).expect("JSON");
    assert!(text.len() < 1_000);
}

#[test]
fn a_cause_is_told_once_an_hour_and_a_dead_key_once() {
    let asleep = letter(asleep()).sent(NOW);
    assert!(!asleep.may_be_told_again(NOW.after(TOLD_EVERY / 2)));
    assert!(asleep.may_be_told_again(NOW.after(TOLD_EVERY)));
    assert!(!letter(disabled()).may_be_told_again(NOW.after(Duration::from_hours(23))));
}

#[test]
fn each_cause_has_a_name_of_its_own_and_words_that_say_what_to_do() {
    let owner = OwnerId(Uuid::from_u128(1));
    let keys = [asleep().key(owner), disabled().key(owner)];
    for key in &keys {
        let sound = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        assert!(key.bytes().all(sound), "{key} is no subject");
        assert!(key.starts_with(&owner.to_string()));
    }
    assert_ne!(keys[0], keys[1]);
    let (subject, text) = disabled().words("acme");
    assert_eq!(subject, "Foldgate: key 4 of acme was put out of use");
    assert!(
        text.contains("(401)") && text.contains("PUT /x-keys/4"),
        "{text}"
    );
    let (subject, text) = asleep().words("acme");
    assert_eq!(subject, "Foldgate: all keys of Level 2 of acme sleep");
    assert!(
        text.contains("rate_limit") && text.contains("SWITCH_OVER"),
        "{text}"
    );
}
