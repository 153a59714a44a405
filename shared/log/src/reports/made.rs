//! What nodes tell each other of what upstreams made: told to all at once, and asked
//! for by a node that does not know.

use foldgate_proto::{Job, Made, MadeReport, MadeWord, names};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{Kind, Reports, send};

impl Reports {
    /// Tells everybody which key made something.
    pub fn publish_made(&self, report: MadeReport) {
        self.say(MadeWord::Told(report));
    }

    /// Asks everybody which key made something; who knows tells everybody.
    pub fn ask_made(&self, made: Made) {
        self.say(MadeWord::Asked(made));
    }

    /// Tells everybody of work that was begun.
    pub fn publish_job(&self, job: Job) {
        self.say(MadeWord::Began(Box::new(job)));
    }

    /// Tells everybody that work has ended and is billed.
    pub fn publish_billed(&self, job: Uuid) {
        self.say(MadeWord::Billed(job));
    }

    /// Hears all of that from now on, this process's own words included.
    pub fn hear_made(&self) -> broadcast::Receiver<MadeWord> {
        self.made.subscribe()
    }

    /// Whether there may be others who know.
    pub fn has_others(&self) -> bool {
        match &self.kind {
            Kind::Local(_) => self.made.receiver_count() > 1,
            Kind::Nats(..) => true,
        }
    }

    fn say(&self, word: MadeWord) {
        match &self.kind {
            Kind::Local(_) => {
                // Nobody may be listening.
                let _ = self.made.send(word);
            }
            Kind::Nats(..) => {
                if let Some(queue) = &self.words {
                    send(queue, names::MADE_SUBJECT.to_owned(), &word);
                }
            }
        }
    }
}
