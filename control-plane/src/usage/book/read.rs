//! What the book is asked.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use foldgate_proto::{AccountNumber, CallerKeyNumber, OwnerId, Timestamp};

use super::key::{self, Unit};
use super::{Book, KeyLine, Line, MAX_LINES, decoded, unreadable};
use crate::history::store::Fault;
use crate::purses::Spends;
use crate::usage::{Sums, Totals, span};

impl Book {
    /// What accounts used, by account, day and model; `None` where that is too much.
    pub(in crate::usage) fn lines(
        &self,
        owner: OwnerId,
        accounts: &[AccountNumber],
        days: RangeInclusive<u32>,
    ) -> Result<Option<Vec<Line>>, Fault> {
        let _reading = self.reading();
        let mut lines = Vec::new();
        if days.is_empty() {
            return Ok(Some(lines));
        }
        for account in accounts {
            let list = key::buckets(owner, Unit::Day, *account);
            for entry in self.db.range(key::range(&list, &days)) {
                let (found, sums) = entry?;
                let (day, model) = key::bucket_and_model(&list, &found).ok_or_else(unreadable)?;
                if lines.len() == MAX_LINES {
                    return Ok(None);
                }
                lines.push(Line {
                    account: *account,
                    day,
                    model,
                    sums: decoded(&sums)?,
                });
            }
        }
        Ok(Some(lines))
    }

    /// What an account used with each of its keys on some days, by key.
    pub(in crate::usage) fn by_key(
        &self,
        owner: OwnerId,
        account: AccountNumber,
        days: RangeInclusive<u32>,
    ) -> Result<Vec<KeyLine>, Fault> {
        let _reading = self.reading();
        let list = key::keys(owner, account);
        let mut found: BTreeMap<_, Sums> = BTreeMap::new();
        if days.is_empty() {
            return Ok(Vec::new());
        }
        for entry in self.db.range(key::range(&list, &days)) {
            let (entry, sums) = entry?;
            let caller = key::caller_key(&list, &entry).ok_or_else(unreadable)?;
            found.entry(caller).or_default().merge(&decoded(&sums)?);
        }
        let lines = found.into_iter().map(|(number, sums)| KeyLine {
            key: (number > 0).then_some(CallerKeyNumber(number)),
            sums,
        });
        Ok(lines.collect())
    }

    /// What an account used today, this month, and ever.
    pub(in crate::usage) fn totals(
        &self,
        owner: OwnerId,
        account: AccountNumber,
        now: Timestamp,
    ) -> Result<Totals, Fault> {
        let _reading = self.reading();
        let sum = |unit, bucket: u32| {
            let mut all = Sums::default();
            let list = key::buckets(owner, unit, account);
            for entry in self.db.range(key::range(&list, &(bucket..=bucket))) {
                all.merge(&decoded(&entry?.1)?);
            }
            Ok::<_, Fault>(all)
        };
        let total = self.read(&key::total(owner, account))?;
        Ok(Totals {
            today: sum(Unit::Day, self.zone.day(now).number)?,
            month: sum(Unit::Month, self.zone.month(now))?,
            total: total.unwrap_or_default(),
        })
    }

    /// What every account spent, by the hour and by the month: an hour of UTC may be in
    /// two months of a zone.
    pub(in crate::usage) fn spends(&self) -> Result<Spends, Fault> {
        let _reading = self.reading();
        let mut spends = Spends::new(self.zone);
        for entry in self.db.scan_prefix(key::HOURS) {
            let (found, sums) = entry?;
            let (of, hour) = key::of_whom(key::HOURS, &found).ok_or_else(unreadable)?;
            let sums: Sums = decoded(&sums)?;
            spends.add_hour(of, span::begin_of_hour(hour), sums.cost);
        }
        for entry in self.db.scan_prefix(key::MONTHS) {
            let (found, sums) = entry?;
            let (of, month) = key::of_whom(key::MONTHS, &found).ok_or_else(unreadable)?;
            let sums: Sums = decoded(&sums)?;
            spends.add_month(of, month, sums.cost);
        }
        Ok(spends)
    }

    /// Every account of an owner that ever used anything.
    pub(in crate::usage) fn accounts(&self, owner: OwnerId) -> Result<Vec<AccountNumber>, Fault> {
        let list = key::totals(owner);
        let entries = self.db.scan_prefix(&list).keys();
        entries
            .map(|entry| key::account(&list, &entry?).ok_or_else(unreadable))
            .collect()
    }
}
