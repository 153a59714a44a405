use std::time::Duration;

use foldgate_domain::failure::{FailureClass, Transience};
use foldgate_proto::SleepCause;

use super::Verdict;
use crate::error::Problem;
use crate::pools::now;

const LIMITED: FailureClass = FailureClass::Transient(Transience::RateLimit);

#[test]
fn without_keys_there_is_none() {
    assert_eq!(Verdict::default().problem("m", false), Problem::no_key());
}

#[test]
fn all_asleep_says_when_the_first_wakes() {
    let mut verdict = Verdict::default();
    verdict.failed(LIMITED, Problem::bad_answer());
    verdict.asleep(now().after(Duration::from_secs(90)), SleepCause::RateLimit);
    verdict.asleep(now().after(Duration::from_secs(30)), SleepCause::RateLimit);
    let problem = verdict.problem("m", false);
    assert_eq!(problem.status, 429);
    let wait = problem.retry_after.unwrap();
    assert!(wait > Duration::from_secs(20) && wait <= Duration::from_secs(30));
}

#[test]
fn one_key_that_failed_otherwise_makes_it_a_503() {
    let mut verdict = Verdict::default();
    verdict.asleep(now(), SleepCause::RateLimit);
    verdict.asleep(now(), SleepCause::Dead);
    assert_eq!(verdict.problem("m", false).status, 503);
}

#[test]
fn if_all_say_so_the_model_is_not_here() {
    let mut verdict = Verdict::default();
    verdict.asleep(now(), SleepCause::NotHere);
    assert_eq!(verdict.problem("m", false), Problem::no_model("m"));
    let mut verdict = Verdict::default();
    let theirs = Problem::invalid("theirs");
    verdict.failed(FailureClass::NotHere, theirs.clone());
    verdict.asleep(now(), SleepCause::NotHere);
    assert_eq!(verdict.problem("m", false), theirs);
    let mut verdict = Verdict::default();
    verdict.failed(FailureClass::NotHere, theirs);
    verdict.failed(LIMITED, Problem::bad_answer());
    verdict.asleep(now(), SleepCause::RateLimit);
    assert_eq!(verdict.problem("m", false).status, 429);
}

#[test]
fn out_of_tries_is_the_last_failure() {
    let mut verdict = Verdict::default();
    verdict.failed(LIMITED, Problem::bad_answer());
    assert_eq!(verdict.problem("m", true), Problem::bad_answer());
}
