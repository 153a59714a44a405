//! What a group of batches changes, before it is written.

use std::collections::HashMap;

use foldgate_proto::UsageRecord;
use uuid::Uuid;

use super::key::{self, Unit};
use super::{Book, encoded, unreadable};
use crate::history::store::Fault;
use crate::usage::numbers::Numbers;
use crate::usage::{Sums, span};

/// How many models of an account are told apart on one day; a caller may send any
/// name that a wildcard lets pass. The others are billed together.
const MAX_MODELS: u32 = 1_000;

/// For how many days a job that was counted is known. Nodes bill none that began more
/// than 35 days ago: its end cannot come again after it is forgotten.
const JOB_DAYS: u32 = 62;

/// How many of them are forgotten at once.
const MOST_FORGOTTEN: usize = 2_000;

/// Under this name.
const OTHERS: &str = "(other models)";

/// See the module.
pub(super) struct Page<'a> {
    book: &'a Book,
    sums: HashMap<Vec<u8>, Sums>,
    models: HashMap<Vec<u8>, u32>,
    spools: HashMap<Uuid, Numbers>,
    /// Counted by this page, each on its day.
    jobs: HashMap<Uuid, u32>,
}

impl<'a> Page<'a> {
    pub(super) fn on(book: &'a Book) -> Self {
        Self {
            book,
            sums: HashMap::new(),
            models: HashMap::new(),
            spools: HashMap::new(),
            jobs: HashMap::new(),
        }
    }

    /// Whether a batch was not had before, and whether others are missing before it.
    pub(super) fn admit(&mut self, spool: Uuid, number: u64) -> Result<(bool, bool), Fault> {
        let mut numbers = match self.spools.remove(&spool) {
            Some(numbers) => numbers,
            None => self.book.read(&key::spool(spool))?.unwrap_or_default(),
        };
        let skips = numbers.skips(number);
        let new = numbers.admit(number);
        self.spools.insert(spool, numbers);
        Ok((new, skips))
    }

    /// How many batches are missing of the spools that were touched.
    pub(super) fn missing(&self) -> u64 {
        self.spools.values().map(Numbers::missing).sum()
    }

    /// Whether a record is to be counted: the end of a job may be told by many.
    pub(super) fn counts(&mut self, record: &UsageRecord) -> Result<bool, Fault> {
        if !record.is_of_job() {
            return Ok(true);
        }
        let known = self.jobs.contains_key(&record.id);
        if known || self.book.db.contains_key(key::job(record.id))? {
            return Ok(false);
        }
        // Days of UTC: they are forgotten by these, and shown to nobody.
        self.jobs.insert(record.id, span::hour(record.at) / 24);
        Ok(true)
    }

    /// Adds a request to everything that it counts in.
    pub(super) fn add(&mut self, record: &UsageRecord) -> Result<(), Fault> {
        let (owner, account, at) = (record.owner, record.account, record.at);
        let zone = self.book.zone;
        let day = zone.day(at).number;
        let days = key::buckets(owner, Unit::Day, account);
        let model = self.model(record, &key::within(&days, day), day)?;
        let hours = key::buckets(owner, Unit::Hour, account);
        let months = key::buckets(owner, Unit::Month, account);
        let by_key = key::within(&key::keys(owner, account), day);
        let buckets = [
            key::within(&days, day),
            key::within(&hours, span::hour(at)),
            key::within(&months, zone.month(at)),
            key::with_key(&by_key, record.caller_key),
        ];
        for bucket in buckets {
            self.sum([bucket.as_slice(), model.as_bytes()].concat())?
                .add(record);
        }
        self.sum(key::total(owner, account))?.add(record);
        Ok(())
    }

    /// The name that a request's model is billed under.
    fn model(&mut self, record: &UsageRecord, day: &[u8], number: u32) -> Result<String, Fault> {
        let entry = [day, record.model.as_bytes()].concat();
        if self.sums.contains_key(&entry) || self.book.db.contains_key(&entry)? {
            return Ok(record.model.clone());
        }
        let counted = key::models(record.owner, record.account, number);
        let count = match self.models.get(&counted) {
            Some(count) => *count,
            None => self.book.read(&counted)?.unwrap_or(0),
        };
        if count >= MAX_MODELS {
            return Ok(OTHERS.to_owned());
        }
        self.models.insert(counted, count + 1);
        Ok(record.model.clone())
    }

    fn sum(&mut self, key: Vec<u8>) -> Result<&mut Sums, Fault> {
        let book = self.book;
        Ok(match self.sums.entry(key) {
            std::collections::hash_map::Entry::Occupied(found) => found.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let sums = book.read(place.key())?.unwrap_or_default();
                place.insert(sums)
            }
        })
    }

    /// All of it, to be written.
    pub(super) fn close(self) -> Result<sled::Batch, Fault> {
        let mut batch = sled::Batch::default();
        for (key, sums) in self.sums {
            batch.insert(key, encoded(&sums)?);
        }
        for (key, count) in self.models {
            batch.insert(key, encoded(&count)?);
        }
        for (spool, numbers) in self.spools {
            batch.insert(key::spool(spool), encoded(&numbers)?);
        }
        if let Some(newest) = self.jobs.values().max() {
            self.book.forget_jobs(*newest, &mut batch)?;
        }
        for (job, day) in self.jobs {
            batch.insert(key::job(job), encoded(&day)?);
            batch.insert(key::job_of_day(day, job), Vec::new());
        }
        Ok(batch)
    }
}

impl Book {
    /// Forgets jobs that were counted long before a day.
    fn forget_jobs(&self, today: u32, batch: &mut sled::Batch) -> Result<(), Fault> {
        let first_kept = key::within(key::JOB_DAYS, today.saturating_sub(JOB_DAYS));
        let old = self.db.range(key::JOB_DAYS.to_vec()..first_kept);
        for entry in old.keys().take(MOST_FORGOTTEN) {
            let entry = entry?;
            let job = key::counted_job(&entry).ok_or_else(unreadable)?;
            batch.remove(key::job(job));
            batch.remove(entry);
        }
        Ok(())
    }
}
