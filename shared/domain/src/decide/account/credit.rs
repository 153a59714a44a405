//! Credit: what an account may spend.

use std::time::Duration;

use foldgate_proto::event::CreditGranted;
use foldgate_proto::{AccountNumber, Credit, Event, NanoDollars, Timestamp};

use crate::command::Grant;
use crate::{OwnerState, Rejection};

/// The most credits an account may hold at once.
const MAX_CREDITS: usize = 1_000;
/// How long credit can be spent unless said otherwise, in days (owner API).
pub const DEFAULT_CREDIT_DAYS: u32 = 180;
/// The longest it can be, in days.
pub const MAX_CREDIT_DAYS: u32 = 36_500;

/// Credit is money for good, and nothing is charged yet to an account that would
/// pass it on: so only the owner, who has it to give, grants.
pub(super) fn check_grants(owner: &OwnerState, parent: AccountNumber) -> Result<(), Rejection> {
    if owner.is_root(parent) {
        return Ok(());
    }
    Err(Rejection::OwnerGrants)
}

pub(super) fn granted(
    account: AccountNumber,
    grant: Grant,
    held: &[Credit],
    now: Timestamp,
) -> Result<Event, Rejection> {
    if grant.amount == NanoDollars(0) {
        return Err(Rejection::field("CreditGranted", "must not be zero"));
    }
    if held.len() >= MAX_CREDITS {
        return Err(Rejection::TooMany {
            what: "credits",
            limit: MAX_CREDITS,
        });
    }
    let granted = held
        .iter()
        .map(|credit| credit.amount)
        .chain([grant.amount]);
    let total: i128 = granted.map(|amount| i128::from(amount.0)).sum();
    if total < 0 {
        let problem = "takes back more than was ever granted";
        return Err(Rejection::field("CreditGranted", problem));
    }
    if i64::try_from(total).is_err() {
        let problem = "makes more money than there can be";
        return Err(Rejection::field("CreditGranted", problem));
    }
    let days = grant.days.unwrap_or(DEFAULT_CREDIT_DAYS);
    if !(1..=MAX_CREDIT_DAYS).contains(&days) {
        let problem = format!("must be from 1 to {MAX_CREDIT_DAYS}");
        return Err(Rejection::field("Days", problem));
    }
    Ok(Event::CreditGranted(CreditGranted {
        account,
        amount: grant.amount,
        expires_at: now.after(Duration::from_hours(24) * days),
    }))
}
