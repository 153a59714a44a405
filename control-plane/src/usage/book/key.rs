//! How the book's entries are named: so that what is asked for together lies together.

use std::ops::{Range, RangeInclusive};

use foldgate_proto::{AccountNumber, CallerKeyNumber, OwnerId};
use uuid::Uuid;

/// How far everything is folded.
pub(super) const META: &[u8] = b"m";

/// What the hours of all accounts begin with.
pub(super) const HOURS: &[u8; 1] = b"h";

/// What the months of all accounts begin with.
pub(super) const MONTHS: &[u8; 1] = b"o";

/// What stretch of time a bucket is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Hour,
    Day,
    Month,
}

/// The batches that were had of a spool.
pub(super) fn spool(spool: Uuid) -> Vec<u8> {
    [b"s", spool.as_bytes().as_slice()].concat()
}

/// A job that was counted; its entry says on which day.
pub(super) fn job(job: Uuid) -> Vec<u8> {
    [b"j", job.as_bytes().as_slice()].concat()
}

/// The jobs that were counted, by the day.
pub(super) const JOB_DAYS: &[u8; 1] = b"k";

/// A job among those of its day.
pub(super) fn job_of_day(day: u32, job: Uuid) -> Vec<u8> {
    [within(JOB_DAYS, day).as_slice(), job.as_bytes()].concat()
}

/// The job of an entry of [`JOB_DAYS`].
pub(super) fn counted_job(entry: &[u8]) -> Option<Uuid> {
    let (_, job) = entry.strip_prefix(JOB_DAYS)?.split_first_chunk::<4>()?;
    Uuid::from_slice(job).ok()
}

/// What an account used ever.
pub(super) fn total(owner: OwnerId, account: AccountNumber) -> Vec<u8> {
    [totals(owner), account.0.to_be_bytes().to_vec()].concat()
}

/// What each account of an owner used ever.
pub(super) fn totals(owner: OwnerId) -> Vec<u8> {
    [b"t", owner.0.as_bytes().as_slice()].concat()
}

/// An account's buckets of one unit. Behind it stand the bucket and the model.
pub(super) fn buckets(owner: OwnerId, unit: Unit, account: AccountNumber) -> Vec<u8> {
    let unit = match unit {
        Unit::Hour => HOURS,
        Unit::Day => b"d",
        Unit::Month => MONTHS,
    };
    let account = account.0.to_be_bytes();
    [unit.as_slice(), owner.0.as_bytes(), &account].concat()
}

/// What an account used with each of its keys. Behind it stand the day, the key (0 is
/// none) and the model.
pub(super) fn keys(owner: OwnerId, account: AccountNumber) -> Vec<u8> {
    let account = account.0.to_be_bytes();
    [b"c", owner.0.as_bytes().as_slice(), &account].concat()
}

/// How many models an account used on a day.
pub(super) fn models(owner: OwnerId, account: AccountNumber, day: u32) -> Vec<u8> {
    let account = account.0.to_be_bytes();
    let parts = [b"n", owner.0.as_bytes().as_slice(), &account];
    within(&parts.concat(), day)
}

/// A bucket in a list.
pub(super) fn within(list: &[u8], bucket: u32) -> Vec<u8> {
    [list, &bucket.to_be_bytes()].concat()
}

/// The key behind a bucket.
pub(super) fn with_key(bucket: &[u8], key: Option<CallerKeyNumber>) -> Vec<u8> {
    let number = key.map_or(0, |key| key.0);
    [bucket, &number.to_be_bytes()].concat()
}

/// Some buckets of a list.
pub(super) fn range(list: &[u8], buckets: &RangeInclusive<u32>) -> Range<Vec<u8>> {
    let end = buckets.end().saturating_add(1);
    within(list, *buckets.start())..within(list, end)
}

/// The bucket and the model of an entry of a list.
pub(super) fn bucket_and_model(list: &[u8], entry: &[u8]) -> Option<(u32, String)> {
    let rest = entry.strip_prefix(list)?;
    let (bucket, model) = rest.split_first_chunk::<4>()?;
    let model = std::str::from_utf8(model).ok()?;
    Some((u32::from_be_bytes(*bucket), model.to_owned()))
}

/// Whose an entry of [`HOURS`] or [`MONTHS`] is, and which hour or month.
pub(super) fn of_whom(kind: &[u8], entry: &[u8]) -> Option<((OwnerId, AccountNumber), u32)> {
    let rest = entry.strip_prefix(kind)?;
    let (owner, rest) = rest.split_first_chunk::<16>()?;
    let (account, rest) = rest.split_first_chunk::<8>()?;
    let (bucket, _) = rest.split_first_chunk::<4>()?;
    let owner = OwnerId(Uuid::from_bytes(*owner));
    let account = AccountNumber(u64::from_be_bytes(*account));
    Some(((owner, account), u32::from_be_bytes(*bucket)))
}

/// The caller key of an entry of a list of keys; 0 is none.
pub(super) fn caller_key(list: &[u8], entry: &[u8]) -> Option<u64> {
    let (_, rest) = entry.strip_prefix(list)?.split_first_chunk::<4>()?;
    let (number, _) = rest.split_first_chunk::<8>()?;
    Some(u64::from_be_bytes(*number))
}

/// The account of an entry of the totals.
pub(super) fn account(list: &[u8], entry: &[u8]) -> Option<AccountNumber> {
    let (number, _) = entry.strip_prefix(list)?.split_first_chunk::<8>()?;
    Some(AccountNumber(u64::from_be_bytes(*number)))
}
