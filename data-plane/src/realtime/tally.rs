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
    transcripts: Vec<(String, Bill, Usage)>,
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
        match sheet.talk.hear_provider(event) {
            None => {}
            Some(Used::Response(used)) => {
                let used = Usage(used);
                sheet.sum = sheet.sum.plus(&used);
                sheet.counts(&used);
                let all = sheet.sum.0;
                if let Some(bill) = &mut sheet.bill {
                    bill.used(all);
                }
            }
            Some(Used::Transcript(model, used)) => {
                let used = Usage(used);
                sheet.counts(&used);
                sheet.transcribed(model, used);
            }
        }
    }

    /// The session is over.
    pub(super) fn close(self, account: &mut Account) {
        let sheet = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let unfinished = sheet.talk.unfinished();
        let rest = Usage(unfinished.unwrap_or_default());
        if let Some(reserved) = sheet.reserved {
            reserved.settle(Some(tokens(&rest)));
        }
        for (_, mut bill, used) in sheet.transcripts {
            if let Some(ended) = account.ended(Some(used), true) {
                bill.settle(&ended);
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
    /// Takes what was used of limits on tokens.
    fn counts(&mut self, used: &Usage) {
        if let Some(reserved) = &mut self.reserved {
            reserved.used(tokens(used));
        }
    }

    /// Adds to what a model has written down; where its name is not known, that counts as
    /// the session's own.
    fn transcribed(&mut self, model: Option<String>, used: Usage) {
        let name = model.as_deref();
        let known = |(by, ..): &(String, Bill, Usage)| Some(by.as_str()) == name;
        let at = self.transcripts.iter().position(known);
        let last = self.transcripts.len().checked_sub(1);
        let at = at.or_else(|| last.filter(|last| *last + 1 >= MAX_TRANSCRIBERS));
        if let Some((_, bill, sum)) = at.and_then(|at| self.transcripts.get_mut(at)) {
            *sum = sum.plus(&used);
            bill.used(sum.0);
            return;
        }
        let beside = |model: &str| self.bill.as_ref()?.beside(model, Asked::transcripts());
        let opened = model.and_then(|model| beside(&model).map(|bill| (model, bill)));
        if let Some((model, mut bill)) = opened {
            bill.used(used.0);
            self.transcripts.push((model, bill, used));
            return;
        }
        self.sum = self.sum.plus(&used);
        let all = self.sum.0;
        if let Some(bill) = &mut self.bill {
            bill.used(all);
        }
    }
}

fn tokens(used: &Usage) -> u64 {
    used.prompt().saturating_add(used.completion())
}
