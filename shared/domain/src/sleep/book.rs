//! Every sleep of the fleet, for those who only look: control planes (`/x-conf`),
//! heartbeats, and nodes that keep sleeps over a restart. Folds the same reports
//! as the pools do, by the same rank.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::{Generation, KeyId, Revision, SleepCause, SleepReport, Timestamp};

use super::{LONGEST_SLEEP, SleepDraft, first_generation, rank};

/// The most sleeps and wakes a book remembers: as many as the largest pool has
/// keys. A full book gives up the entry that ends first, if the new one ends
/// later, and otherwise refuses the new one.
pub const MAX_BOOK_ENTRIES: usize = 100_000;

/// The longest model, node and region name, and the longest detail, in bytes.
const MAX_NAME_BYTES: usize = 256;
const MAX_DETAIL_BYTES: usize = 1024;

type Name = (KeyId, Option<String>);

/// The sleeps of many keys.
#[derive(Debug, Default, Clone)]
pub struct SleepBook {
    entries: BTreeMap<Name, Entry>,
    /// The same entries by when they may be dropped.
    by_end: BTreeSet<(Timestamp, Name)>,
    secrets: BTreeMap<KeyId, Revision>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// The report, its `until` clamped to the longest sleep from receipt.
    report: SleepReport,
    /// What it is ranked by: the `until` as claimed.
    rank: (Generation, Timestamp),
    /// Remembered until then.
    end: Timestamp,
}

impl SleepBook {
    /// An empty book.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over a report, if it outranks what is known. Whether it did.
    pub fn fold(&mut self, report: &SleepReport, now: Timestamp) -> bool {
        let known = self.secrets.get(&report.key).copied().unwrap_or_default();
        if report.generation.secret < known || !fits(report) {
            return false;
        }
        let name = (report.key, report.model.clone());
        let before = self.entries.get(&name);
        let rank = rank(report);
        if before.is_some_and(|entry| rank <= entry.rank) {
            return false;
        }
        let mut report = report.clone();
        let latest = now.after(LONGEST_SLEEP);
        let end = if report.cause == SleepCause::Awake {
            // Remembered as long as a sleep it ended could still come in late.
            latest
        } else {
            report.until = rank.1.min(latest);
            report.until
        };
        let end = before.map_or(end, |entry| end.max(entry.end));
        if end <= now || (before.is_none() && !self.has_room(end)) {
            return false;
        }
        self.drop_entry(&name);
        self.by_end.insert((end, name.clone()));
        self.entries.insert(name, Entry { report, rank, end });
        true
    }

    /// The keys and models asleep, in the order of key ids.
    pub fn sleeping(&self, now: Timestamp) -> impl Iterator<Item = &SleepReport> {
        asleep(self.entries.values(), now)
    }

    /// The sleeps of one key.
    pub fn sleeping_of(&self, key: KeyId, now: Timestamp) -> impl Iterator<Item = &SleepReport> {
        asleep(self.of(key).map(|(_, entry)| entry), now)
    }

    /// Everything remembered, wakes too; a new book that folds them is equal.
    pub fn reports(&self) -> impl Iterator<Item = &SleepReport> {
        self.entries.values().map(|entry| &entry.report)
    }

    /// What is remembered of one key, wakes too: what a pool folds when it
    /// takes the key up.
    pub fn reports_of(&self, key: KeyId) -> impl Iterator<Item = &SleepReport> {
        self.of(key).map(|(_, entry)| &entry.report)
    }

    /// The reports that wake a key and all its models, by an operator's word.
    /// The book itself changes when they are folded.
    pub fn wake(&self, key: KeyId, now: Timestamp) -> Vec<SleepDraft> {
        let secret = self.secrets.get(&key).copied().unwrap_or_default();
        let last = self
            .of(key)
            .map(|(_, entry)| entry.rank.0)
            .max()
            .unwrap_or_default()
            .max(first_generation(secret));
        let models = asleep(self.of(key).map(|(_, entry)| entry), now)
            .filter_map(|report| report.model.clone())
            .map(Some);
        std::iter::once(None)
            .chain(models)
            .map(|model| SleepDraft::wake(key, model, last, now))
            .collect()
    }

    /// Learns when the key's secret was last set; sleeps of an older one end.
    pub fn know(&mut self, key: KeyId, secret: Revision) -> bool {
        let known = self.secrets.entry(key).or_default();
        *known = secret.max(*known);
        let known = *known;
        self.drop_entries(key, |entry| entry.rank.0.secret < known)
    }

    /// Forgets a key that is gone.
    pub fn forget(&mut self, key: KeyId) -> bool {
        self.secrets.remove(&key);
        self.drop_entries(key, |_| true)
    }

    /// Drops what is over. How many entries that was.
    pub fn prune(&mut self, now: Timestamp) -> usize {
        let mut dropped = 0;
        while let Some((end, _)) = self.by_end.first()
            && *end <= now
        {
            if let Some((_, name)) = self.by_end.pop_first() {
                self.entries.remove(&name);
                dropped += 1;
            }
        }
        dropped
    }

    /// How many entries there are, wakes too.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn of(&self, key: KeyId) -> impl Iterator<Item = (&Name, &Entry)> {
        self.entries
            .range((key, None)..)
            .take_while(move |((of, _), _)| *of == key)
    }

    fn has_room(&mut self, end: Timestamp) -> bool {
        if self.entries.len() < MAX_BOOK_ENTRIES {
            return true;
        }
        let first = self.by_end.first().cloned();
        match first {
            Some((soonest, name)) if soonest < end => {
                self.drop_entry(&name);
                true
            }
            _ => false,
        }
    }

    fn drop_entries(&mut self, key: KeyId, which: impl Fn(&Entry) -> bool) -> bool {
        let names: Vec<Name> = self
            .of(key)
            .filter(|(_, entry)| which(entry))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &names {
            self.drop_entry(name);
        }
        !names.is_empty()
    }

    fn drop_entry(&mut self, name: &Name) {
        if let Some(entry) = self.entries.remove(name) {
            self.by_end.remove(&(entry.end, name.clone()));
        }
    }
}

fn asleep<'b>(
    entries: impl Iterator<Item = &'b Entry>,
    now: Timestamp,
) -> impl Iterator<Item = &'b SleepReport> {
    entries
        .map(|entry| &entry.report)
        .filter(move |report| report.cause != SleepCause::Awake && report.until > now)
}

/// Whether a report is of a size to be kept by the ten thousands.
fn fits(report: &SleepReport) -> bool {
    let model = report.model.as_deref().unwrap_or_default();
    [model, &report.node, &report.region]
        .iter()
        .all(|name| name.len() <= MAX_NAME_BYTES)
        && report.detail.len() <= MAX_DETAIL_BYTES
}
