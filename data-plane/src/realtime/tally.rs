//! What a session is billed for, and what it takes of limits on tokens: response by
//! response, and at its end what was not finished.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::frames::Close;
use super::talk::{Talk, Used};
use crate::account::Account;
use crate::account::bill::{Asked, Bill};
use crate::limits::Reserved;
use crate::usage::Usage;

/// The most models that write down what is heard in one session; what more of them do is
/// billed with the last of these.
const MAX_TRANSCRIBERS: usize = 16;

/// See the module.
pub(super) struct Tally(Mutex<Sheet>);

struct Sheet {
    talk: Talk,
    /// What the finished responses used.
    sum: Usage,
    bill: Option<Bill>,
    reserved: Option<Reserved>,
    /// What else is billed: by the model that writes down what is heard.
    transcripts: Vec<Transcript>,
}

/// What one model has written down.
struct Transcript {
    model: String,
    bill: Bill,
    used: Usage,
    /// Whether all of it was counted.
    counted: bool,
}

impl Tally {
    /// Of a session that begins.
    pub(super) fn of(account: &mut Account) -> Self {
        Self(Mutex::new(Sheet {
            talk: Talk::default(),
            sum: Usage::default(),
            bill: account.bill.take(),
            reserved: account.reserved.take(),
            transcripts: Vec::new(),
        }))
    }

    /// Hears an event of the client's.
    ///
    /// # Errors
    /// It wants a model to be used that is not allowed.
    pub(super) fn client(&self, event: &[u8], allows: impl Fn(&str) -> bool) -> Result<(), Close> {
        self.sheet().talk.hear_client(event, allows)
    }

    /// Hears an event of the provider's.
    pub(super) fn provider(&self, event: &[u8]) {
        let mut sheet = self.sheet();
        let used = sheet.talk.hear_provider(event);
        sheet.add(used);
    }

    /// The session is over.
    pub(super) fn close(self, account: &mut Account) {
        let mut sheet = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let untold = sheet.talk.untold();
        sheet.add(untold);
        let unfinished = sheet.talk.unfinished();
        let rest = Usage(unfinished.unwrap_or_default());
        if let Some(reserved) = sheet.reserved {
            reserved.settle(Some(tokens(&rest)));
        }
        for mut transcript in sheet.transcripts {
            let ended = account.ended(Some(transcript.used), transcript.counted);
            if let Some(ended) = ended {
                transcript.bill.settle(&ended);
            }
        }
        account.usage = Some(sheet.sum.plus(&rest));
        account.whole = unfinished.is_none() && !sheet.talk.guessed;
        account.bill = sheet.bill;
        account.settle();
    }

    fn sheet(&self) -> MutexGuard<'_, Sheet> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sheet {
    fn add(&mut self, used: Option<Used>) {
        match used {
            None => {}
            Some(Used::Response(used)) => {
                self.counts(&Usage(used));
                self.own(Usage(used));
            }
            Some(Used::Transcript(model, used)) => self.transcribed(model, Usage(used), true),
            Some(Used::Uncounted(model, used)) => {
                self.transcribed(Some(model), Usage(used), false);
            }
        }
    }

    /// Adds to what the session's own model has used.
    fn own(&mut self, used: Usage) {
        self.sum = self.sum.plus(&used);
        if let Some(bill) = &mut self.bill {
            bill.used(self.sum.0);
        }
    }

    /// Takes what was used of limits on tokens.
    fn counts(&mut self, used: &Usage) {
        if let Some(reserved) = &mut self.reserved {
            reserved.used(tokens(used));
        }
    }

    /// Adds to what a model has written down; where its name is not known, that counts as
    /// the session's own.
    fn transcribed(&mut self, model: Option<String>, used: Usage, counted: bool) {
        self.counts(&used);
        let Some(model) = model else {
            return self.own(used);
        };
        let known = |known: &Transcript| known.model == model;
        let at = self.transcripts.iter().position(known);
        let last = self.transcripts.len().checked_sub(1);
        let at = at.or_else(|| last.filter(|last| *last + 1 >= MAX_TRANSCRIBERS));
        if let Some(known) = at.and_then(|at| self.transcripts.get_mut(at)) {
            known.used = known.used.plus(&used);
            known.counted &= counted;
            return known.bill.used(known.used.0);
        }
        let bill = self.bill.as_ref();
        let Some(mut bill) = bill.and_then(|bill| bill.beside(&model, Asked::transcripts())) else {
            return self.own(used);
        };
        bill.used(used.0);
        self.transcripts.push(Transcript {
            model,
            bill,
            used,
            counted,
        });
    }
}

fn tokens(used: &Usage) -> u64 {
    used.prompt().saturating_add(used.completion())
}
