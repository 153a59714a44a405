//! What requests used, added up: every control plane folds all usage by itself, into
//! sums per account, model, caller key and stretch of time, from which bills are made.
//!
//! - `book`: the sums on disk, with how far each stream is folded and which batches
//!   of each spool were had, all in one batch of the store. So a batch counts once,
//!   however often it comes and wherever this process dies.
//! - `fold`: the one task that writes it.
//!
//! Unlike the history's index the book is no copy of something that is kept for ever:
//! batches expire. One that is damaged is set aside and made anew from what the
//! streams still hold; its bills then say since when they are whole.

mod book;
mod fold;
mod numbers;
pub(crate) mod span;
mod sums;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use foldgate_domain::zone::Zone;
use foldgate_log::usage::Streams;
use foldgate_proto::{AccountNumber, OwnerId, Timestamp};
use foldgate_runtime::Component;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use book::{KeyLine, Line};
pub use sums::Sums;

use crate::history::store::Fault;
use crate::purses::Purses;
use book::Book;
use fold::Fold;

/// A handle on the sums; clones share it.
#[derive(Clone)]
pub struct Usage(Arc<watch::Sender<State>>, Purses);

#[derive(Clone)]
struct State {
    book: Option<Arc<Book>>,
    trouble: Option<String>,
    /// How many batches were folded by this process.
    folded: u64,
}

/// What an account used up to now.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// On this day.
    pub today: Sums,
    /// In this month.
    pub month: Sums,
    /// Ever.
    pub total: Sums,
}

/// Bills cannot be made at the moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The sums are not open.
    #[error("bills cannot be made yet: {0}")]
    NotReady(String),
    /// The answer would be too long.
    #[error("the bill has more than {0} lines; ask for fewer days, or for one user")]
    TooLong(usize),
}

impl Usage {
    /// Sums in a folder of their own, and the task that keeps them, to be spawned.
    /// `component` says how they are; without them a process serves on. Days and months
    /// are those of `zone`, which must be the same at every control plane.
    pub fn new(
        streams: &Streams,
        dir: PathBuf,
        (component, zone): (Component, Zone),
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let state = State {
            book: None,
            trouble: None,
            folded: 0,
        };
        let usage = Self(Arc::new(watch::Sender::new(state)), Purses::new(zone));
        let fold = Fold {
            usage: usage.clone(),
            feed: streams.feed(),
            dir,
            component,
        };
        (usage, fold.run(stop))
    }

    /// What accounts used, by day and model. Days are counted from 1970.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn lines(
        &self,
        owner: OwnerId,
        accounts: Vec<AccountNumber>,
        days: RangeInclusive<u32>,
    ) -> Result<Vec<Line>, Error> {
        let found = self.ask(move |book| book.lines(owner, &accounts, days));
        found.await?.ok_or(Error::TooLong(book::MAX_LINES))
    }

    /// What an account used with each of its keys, on some days together.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn by_key(
        &self,
        owner: OwnerId,
        account: AccountNumber,
        days: RangeInclusive<u32>,
    ) -> Result<Vec<KeyLine>, Error> {
        self.ask(move |book| book.by_key(owner, account, days))
            .await
    }

    /// What an account used today, this month, and ever.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn totals(
        &self,
        owner: OwnerId,
        account: AccountNumber,
        now: Timestamp,
    ) -> Result<Totals, Error> {
        self.ask(move |book| book.totals(owner, account, now)).await
    }

    /// Every account of an owner that ever used anything, also such as are gone.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn accounts(&self, owner: OwnerId) -> Result<Vec<AccountNumber>, Error> {
        self.ask(move |book| book.accounts(owner)).await
    }

    /// Since when the sums are whole; `None` is from the very beginning.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn complete_since(&self) -> Result<Option<Timestamp>, Error> {
        self.ask(|book| Ok(book.meta()?.since)).await
    }

    /// Who may spend no more.
    pub(crate) const fn purses(&self) -> &Purses {
        &self.1
    }

    /// By which days and months are told apart.
    pub(crate) fn zone(&self) -> Zone {
        self.1.zone()
    }

    /// Waits until this process has folded that many batches.
    pub async fn folded(&self, batches: u64) {
        let mut state = self.0.subscribe();
        // The sender lives as long as this handle.
        let _ = state.wait_for(|state| state.folded >= batches).await;
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Book) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let State { book, trouble, .. } = self.0.borrow().clone();
        let why = || trouble.unwrap_or_else(|| "they are being opened".to_owned());
        let Some(book) = book else {
            return Err(Error::NotReady(why()));
        };
        let answered = tokio::task::spawn_blocking(move || question(&book)).await;
        let answered = answered.unwrap_or_else(|_| Err(Fault::Damaged("sled gave up".to_owned())));
        answered.map_err(|fault| Error::NotReady(fault.to_string()))
    }
}
