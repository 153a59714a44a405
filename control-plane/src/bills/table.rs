//! The lines of a bill, put together by day and by account.

use std::collections::BTreeMap;

use foldgate_proto::AccountNumber;

use crate::usage::{Line, Sums};

/// What was used, whole and by model.
#[derive(Debug, Default, Clone)]
pub(super) struct Row<'a> {
    pub(super) sums: Sums,
    pub(super) models: BTreeMap<&'a str, Sums>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) lines: Vec<Line>,
}

impl Table {
    pub(super) fn new(mut lines: Vec<Line>) -> Self {
        lines.sort_by(|a, b| {
            let key = |line: &Line| (line.day, line.account);
            key(a).cmp(&key(b)).then_with(|| a.model.cmp(&b.model))
        });
        Self { lines }
    }

    /// Everything.
    pub(super) fn total(&self) -> Sums {
        let mut total = Sums::default();
        self.lines.iter().for_each(|line| total.merge(&line.sums));
        total
    }

    /// By day.
    pub(super) fn days(&self) -> BTreeMap<u32, Row<'_>> {
        self.by(|line| line.day)
    }

    /// By account.
    pub(super) fn accounts(&self) -> BTreeMap<AccountNumber, Row<'_>> {
        self.by(|line| line.account)
    }

    fn by<K: Ord>(&self, key: impl Fn(&Line) -> K) -> BTreeMap<K, Row<'_>> {
        let mut rows: BTreeMap<K, Row<'_>> = BTreeMap::new();
        for line in &self.lines {
            let row = rows.entry(key(line)).or_default();
            row.sums.merge(&line.sums);
            row.models.entry(&line.model).or_default().merge(&line.sums);
        }
        rows
    }
}
