//! How long a sleep lasts.
//!
//! | cause | first | longest | the upstream's hint |
//! |---|---|---|---|
//! | rate limit | 30 s | 10 min | wins |
//! | upstream error | 5 s | 5 min | wins |
//! | connect | 10 s | 5 min | |
//! | time-out | 10 s | 5 min | |
//! | exhausted | 1 h | 24 h | wins where it is longer |
//! | dead | 10 s | 1 h | |
//! | not here | 10 min | 1 h | |
//!
//! The table doubles per failure in a row of one kind (no answer and a bad answer
//! are of one kind; an unpaid bill after three 500s is a first one). A dead key's first sleep is short,
//! because passing 401s exist and the trial after it is what confirms the
//! verdict; an exhausted one's hint is held against the table, because the
//! `retry-after` beside an unpaid bill speaks of the next minute.

use std::time::Duration;

use foldgate_proto::SleepCause;

/// The longest sleep, whatever anybody says: a day, after which a trial is cheap.
pub const LONGEST_SLEEP: Duration = Duration::from_hours(24);

/// How far chance may stretch a sleep.
const JITTER: f64 = 0.1;

/// What is added to a hint, because hints are rounded and clocks differ: a
/// tenth of it, within these bounds.
const HINT_BUFFER: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How far a node's own wake jitter may reach: a tenth of the sleep, within this.
const LONGEST_SPREAD: Duration = Duration::from_secs(5);

/// How long a key sleeps for this cause, after so many failures in a row (this
/// one included). `jitter` is from 0 to 1; anything else counts as the nearest.
pub fn duration(cause: SleepCause, failures: u32, hint: Option<Duration>, jitter: f64) -> Duration {
    let table = from_table(cause, failures);
    let hint = hint
        .filter(|hint| !hint.is_zero())
        .map(|hint| hint.min(LONGEST_SLEEP))
        .map(|hint| hint + (hint / 10).clamp(HINT_BUFFER.0, HINT_BUFFER.1));
    let chosen = match (cause, hint) {
        (SleepCause::RateLimit | SleepCause::UpstreamError, Some(hint)) => hint,
        (SleepCause::Exhausted, Some(hint)) => hint.max(table),
        _ => table,
    };
    stretched(chosen, JITTER * fraction(jitter)).min(LONGEST_SLEEP)
}

/// How much later than the others this node wakes a key: nodes must not all
/// try it in the same instant. `spread` is the node's own fraction, 0 to 1.
pub(super) fn wake_delay(sleep: Duration, spread: f64) -> Duration {
    (sleep / 10).min(LONGEST_SPREAD).mul_f64(fraction(spread))
}

/// Whether the hint is what the duration came from.
pub(super) const fn heeds_hint(cause: SleepCause) -> bool {
    matches!(
        cause,
        SleepCause::RateLimit | SleepCause::UpstreamError | SleepCause::Exhausted
    )
}

/// Whether failures for these causes make one row.
pub(super) const fn of_a_kind(one: SleepCause, other: SleepCause) -> bool {
    severity(one) == severity(other)
}

/// Which of two causes says more of the key.
pub(super) const fn severity(cause: SleepCause) -> u8 {
    match cause {
        SleepCause::Awake | SleepCause::NotHere => 0,
        SleepCause::Connect | SleepCause::Timeout | SleepCause::UpstreamError => 1,
        SleepCause::RateLimit => 2,
        SleepCause::Exhausted => 3,
        SleepCause::Dead => 4,
    }
}

fn from_table(cause: SleepCause, failures: u32) -> Duration {
    let (first, longest) = match cause {
        SleepCause::RateLimit => (Duration::from_secs(30), Duration::from_mins(10)),
        SleepCause::UpstreamError => (Duration::from_secs(5), Duration::from_mins(5)),
        SleepCause::Connect | SleepCause::Timeout => {
            (Duration::from_secs(10), Duration::from_mins(5))
        }
        SleepCause::Exhausted => (Duration::from_hours(1), LONGEST_SLEEP),
        SleepCause::Dead => (Duration::from_secs(10), Duration::from_hours(1)),
        SleepCause::NotHere => (Duration::from_mins(10), Duration::from_hours(1)),
        SleepCause::Awake => return Duration::ZERO,
    };
    // 2^16 times the shortest first sleep is beyond every cap.
    let doublings = failures.saturating_sub(1).min(16);
    first.saturating_mul(1 << doublings).min(longest)
}

fn stretched(duration: Duration, by: f64) -> Duration {
    duration + duration.mul_f64(by)
}

fn fraction(of: f64) -> f64 {
    if of.is_nan() { 0.0 } else { of.clamp(0.0, 1.0) }
}
