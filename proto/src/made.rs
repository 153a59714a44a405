//! What nodes tell each other of what upstreams made: which provider key finds it
//! again. State, as sleeps are, not configuration.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AccountNumber, Job, KeyId, OwnerId, RecordHash, Timestamp};

/// What an upstream made for an account: a hash of the two and of its id. Who does not
/// know all three finds nothing by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Made(pub [u8; 16]);

/// What one node says to the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeWord {
    /// A key made it.
    Told(MadeReport),
    /// Which key made it?
    Asked(Made),
    /// Work was begun with a key that will be paid when it has ended.
    Began(Box<Job>),
    /// Work of this name has ended and is billed.
    Billed(Uuid),
}

/// Which key made something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeReport {
    /// What.
    pub made: Made,
    /// The key.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// Whether it stays until it is deleted, as a file does; a response is one of many.
    pub lasting: bool,
}

impl Made {
    /// What an upstream called `id`, made for an account.
    pub fn of(owner: OwnerId, account: AccountNumber, id: &str) -> Self {
        let mut text = Vec::with_capacity(id.len() + 24);
        text.extend_from_slice(owner.0.as_bytes());
        text.extend_from_slice(&account.0.to_be_bytes());
        text.extend_from_slice(id.as_bytes());
        let RecordHash(hash) = RecordHash::of(&text);
        let mut made = [0; 16];
        made.copy_from_slice(&hash[..16]);
        Self(made)
    }
}
