//! The fold task itself: the only writer of the table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::{State, Table};
use foldgate_proto::{Record, RecordHash, Revision};

use super::boot::{self, Booted};
use super::keeper::{Due, Keeper};
use super::{Held, Observer, Shared};
use crate::{Error, EventLog, Follow, FollowItem, Position};

/// The most records folded into one swap; bounds how long the fold task runs
/// without a pause.
const BURST: usize = 1024;

/// The pause before the log is asked again that did not answer.
const RETRY: Duration = Duration::from_millis(500);

pub(super) struct Fold {
    shared: Arc<Shared>,
    log: Arc<dyn EventLog>,
    observers: Vec<Arc<dyn Observer>>,
    keeper: Keeper,
    /// What is folded. While `building`, it is ahead of or beside the published table.
    state: State,
    /// The state is not published until it has caught up with the log.
    building: bool,
    /// The booted state can be folded on.
    current: bool,
}

struct Entry {
    revision: Revision,
    hash: RecordHash,
    record: Arc<Record>,
}

impl Fold {
    pub(super) fn new(
        shared: Arc<Shared>,
        log: Arc<dyn EventLog>,
        observers: Vec<Arc<dyn Observer>>,
        booted: Booted,
    ) -> Self {
        let saved = booted.ready.then_some(booted.state.revision);
        Self {
            shared,
            log,
            observers,
            keeper: Keeper::new(booted.snapshots, saved.filter(|_| booted.current)),
            state: booted.state,
            building: !booted.current,
            current: booted.current,
        }
    }

    pub(super) async fn run(mut self) {
        let stop = self.shared.stop.clone();
        let from = tokio::select! {
            from = self.start_position() => from,
            () = stop.cancelled() => return self.finish().await,
        };
        let mut follow = Some(self.log.follow(from));
        loop {
            tokio::select! {
                item = next(&mut follow) => match item {
                    Some(item) => {
                        if self.take(item, follow.as_mut()).is_err() {
                            follow = None;
                        }
                    }
                    None => follow = None,
                },
                () = self.shared.poke.notified() => {
                    if let Some(follow) = &follow {
                        follow.poker().poke();
                    }
                }
                done = self.keeper.due() => self.keep(done),
                () = stop.cancelled() => break,
            }
        }
        self.finish().await;
    }

    /// Where to follow from, once the log has confirmed what was booted.
    async fn start_position(&mut self) -> Position {
        let log_id = loop {
            match self.log.log_id().await {
                Ok(log_id) => break log_id,
                Err(error) => self.wait(&error).await,
            }
        };
        self.shared.status.send_if_modified(|status| {
            let news = !status.log_known;
            if news {
                status.log_known = true;
                status.chain = RecordHash::genesis(log_id);
            }
            news
        });
        if self.current && self.state.log != log_id {
            self.rebuild(&format!("the log's id is {log_id}"));
        }
        while self.current && self.state.revision > Revision::ZERO {
            let at = boot::position(&self.state);
            match self.log.read(at.revision, 1).await {
                Ok(found) => match found.first() {
                    Some(stored) if stored.hash == at.hash => break,
                    Some(stored) => {
                        self.rebuild(&format!(
                            "the log has {} at revision {}",
                            stored.hash, at.revision
                        ));
                    }
                    // A copy may lag behind; the chain is checked at the next record.
                    None => self.hold(at.revision, "the log ends before the snapshot"),
                },
                Err(Error::Damaged { revision, reason }) => self.hold(revision, &reason),
                Err(error) => tracing::debug!(%error, "the snapshot is not confirmed yet"),
            }
            if self.current {
                self.pause().await;
            }
        }
        if !self.current {
            self.state = State::new(log_id);
            self.building = true;
        }
        boot::position(&self.state)
    }

    async fn wait(&self, error: &Error) {
        tracing::debug!(%error, "waiting for the log");
        self.pause().await;
    }

    async fn pause(&self) {
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = self.shared.poke.notified() => {}
        }
    }

    /// The booted state belongs to another history: fold anew, serve it until then.
    fn rebuild(&mut self, why: &str) {
        tracing::error!(
            why,
            "the snapshot does not belong to this log, folding anew"
        );
        self.keeper.discard(why);
        self.current = false;
    }

    /// Takes an item with all that is ready behind it. An error ends the folding.
    fn take(&mut self, first: FollowItem, follow: Option<&mut Follow>) -> Result<(), Held> {
        let mut burst = Vec::new();
        let mut item = Some(first);
        let mut more = follow;
        while let Some(next) = item.take() {
            match next {
                FollowItem::Entry {
                    revision,
                    hash,
                    record,
                } => {
                    burst.push(Entry {
                        revision,
                        hash,
                        record,
                    });
                    if burst.len() < BURST {
                        item = more.as_mut().and_then(|follow| follow.try_next());
                    }
                }
                FollowItem::CaughtUp(_) => {
                    self.fold(&burst)?;
                    self.caught_up();
                    return Ok(());
                }
                FollowItem::Held { revision, reason } => {
                    self.fold(&burst)?;
                    self.hold(revision, &reason);
                    return Ok(());
                }
            }
        }
        self.fold(&burst)
    }

    fn fold(&mut self, burst: &[Entry]) -> Result<(), Held> {
        let Some(last) = burst.last() else {
            return Ok(());
        };
        let before = self.state.clone();
        match catch_unwind(AssertUnwindSafe(|| self.advance(burst))) {
            Ok(table) => {
                metrics::counter!("foldgate_folded_records_total").increment(burst.len() as u64);
                if let Some(table) = table {
                    self.publish(table);
                }
                tracing::debug!(revision = %last.revision, "folded");
                Ok(())
            }
            Err(_) => Err(self.poisoned(before, burst)),
        }
    }

    /// Folds a burst; gives the table to publish unless the state is being built.
    fn advance(&mut self, burst: &[Entry]) -> Option<Table> {
        for entry in burst {
            self.state.apply(entry.revision, entry.hash, &entry.record);
            if !self.building {
                for observer in &self.observers {
                    observer.folded(&self.state, &entry.record);
                }
            }
        }
        if self.building {
            return None;
        }
        let records = burst.iter().map(|entry| &*entry.record);
        let changed = records.clone().map(|record| record.owner).collect();
        let table = self.shared.table.load().advance(&self.state, records);
        for observer in &self.observers {
            observer.compiled(&table, Some(&changed));
        }
        Some(table)
    }

    /// Finds the record that panics, keeps all before it, and holds there.
    fn poisoned(&mut self, before: State, burst: &[Entry]) -> Held {
        self.state = before;
        let poison = burst.iter().find(|entry| {
            let mut state = self.state.clone();
            let apply = || {
                state.apply(entry.revision, entry.hash, &entry.record);
                Table::new(&state)
            };
            let good = catch_unwind(AssertUnwindSafe(apply)).is_ok();
            if good {
                self.state = state;
            }
            !good
        });
        let revision = poison.map_or(self.state.revision, |entry| entry.revision);
        // Should even that fail, the table before the burst serves on.
        if catch_unwind(AssertUnwindSafe(|| self.load())).is_err() {
            tracing::error!(%revision, "the records before it cannot be published");
        }
        self.hold(revision, "folding it failed inside the program");
        Held {
            revision,
            reason: String::new(),
        }
    }

    fn caught_up(&mut self) {
        if self.building {
            self.load();
        }
        self.shared.status.send_if_modified(|status| {
            let news = !status.caught_up || status.held.is_some();
            status.caught_up = true;
            status.held = None;
            news
        });
        metrics::gauge!("foldgate_held").set(0.0);
    }

    /// Publishes the whole state that was built aside.
    fn load(&mut self) {
        self.building = false;
        self.shared
            .status
            .send_modify(|status| status.state_hash = None);
        for observer in &self.observers {
            observer.loaded(&self.state);
        }
        let table = Table::new(&self.state);
        for observer in &self.observers {
            observer.compiled(&table, None);
        }
        self.publish(table);
    }

    fn publish(&mut self, table: Table) {
        self.shared.table.store(Arc::new(table));
        self.shared.status.send_modify(|status| {
            status.revision = self.state.revision;
            status.chain = self.state.chain;
            status.ready = true;
            status.held = None;
        });
        metrics::gauge!("foldgate_held").set(0.0);
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("foldgate_revision").set(self.state.revision.0 as f64);
        self.keeper.changed(&self.state);
    }

    fn hold(&mut self, revision: Revision, reason: &str) {
        // Something to serve is better than nothing: all before it is sound.
        if self.building && !self.shared.status.borrow().ready {
            self.load();
        }
        metrics::gauge!("foldgate_held").set(1.0);
        let held = Some(Held {
            revision,
            reason: reason.to_owned(),
        });
        let news = self.shared.status.send_if_modified(|status| {
            let news = status.held != held || status.caught_up;
            status.held = held;
            status.caught_up = false;
            news
        });
        if news {
            tracing::error!(%revision, reason, "a record is held, the last good table serves");
        }
    }

    fn keep(&mut self, done: Due) {
        match done {
            Due::Start => self.keeper.start(&self.shared.table.load().state),
            Due::Done(hash) => {
                self.shared
                    .status
                    .send_modify(|status| status.state_hash = Some(hash));
            }
            Due::Failed => {}
        }
    }

    async fn finish(mut self) {
        let state = self.shared.table.load().state.clone();
        if let Some(hash) = self.keeper.finish(&state).await {
            self.shared
                .status
                .send_modify(|status| status.state_hash = Some(hash));
        }
    }
}

async fn next(follow: &mut Option<Follow>) -> Option<FollowItem> {
    match follow {
        Some(follow) => follow.next().await,
        None => std::future::pending().await,
    }
}
