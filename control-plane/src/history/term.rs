//! What history is looked up by, and how the index's keys are made of it.
//!
//! Everything stands in one tree, because only within one is a batch whole or
//! not there at all. A key is a list's name and, behind it, a revision, so that a
//! page is a range of keys, however long the history is.

use foldgate_proto::{ActorKind, OwnerId, RecordHash, Revision, Timestamp};

/// The longest text that stands in a key as it is; of a longer one its hash does.
const MAX_TEXT_BYTES: usize = 512;

/// Where the index says how far it is.
pub(super) const META: &[u8] = b"m";

/// Something that records have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    tag: u8,
    text: String,
}

impl Term {
    /// By whom.
    pub fn actor(kind: ActorKind, name: &str) -> Self {
        Self::new(b'a', format!("{}:{name}", kind.as_str()))
    }

    /// A kind of event, or a command.
    pub fn kind(name: &str) -> Self {
        Self::new(b'k', name.to_owned())
    }

    /// A resource as histories print it (`key/12`), or by its id (`key/<uuid>`).
    pub fn resource(name: &str) -> Self {
        Self::new(b's', name.to_owned())
    }

    /// All resources of a sort (`key`).
    pub fn class(name: &str) -> Self {
        Self::new(b'c', name.to_owned())
    }

    /// The account that it was about.
    pub fn target(account: u64) -> Self {
        Self::new(b't', account.to_string())
    }

    /// An account that may see it: it stands above what changed, or did it.
    pub fn seen_by(account: u64) -> Self {
        Self::new(b'd', account.to_string())
    }

    /// Every record of an owner.
    pub(super) fn rows() -> Self {
        Self::new(b'r', String::new())
    }

    const fn new(tag: u8, text: String) -> Self {
        Self { tag, text }
    }

    /// The name of the list of an owner's records with this in common.
    pub(super) fn list(&self, owner: OwnerId) -> Vec<u8> {
        let hash;
        let text = if self.text.len() > MAX_TEXT_BYTES {
            hash = RecordHash::of(self.text.as_bytes());
            &hash.0[..]
        } else {
            self.text.as_bytes()
        };
        let mut key = Vec::with_capacity(1 + 16 + 1 + 2 + text.len() + 8);
        key.push(b'o');
        key.extend_from_slice(owner.0.as_bytes());
        key.push(self.tag);
        // With its length before it no name is the beginning of another.
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        key.extend_from_slice(&length.to_be_bytes());
        key.extend_from_slice(text);
        key
    }
}

/// A record's place in a list.
pub(super) fn place(list: &[u8], revision: Revision) -> Vec<u8> {
    let mut key = list.to_vec();
    key.extend_from_slice(&revision.0.to_be_bytes());
    key
}

/// The revision at the end of a key.
pub(super) fn revision(key: &[u8]) -> Option<Revision> {
    let (_, bytes) = key.split_last_chunk::<8>()?;
    Some(Revision(u64::from_be_bytes(*bytes)))
}

/// The list of all records of one moment.
pub(super) fn moment(at: Timestamp) -> Vec<u8> {
    let mut key = vec![b't'];
    // With its sign turned around a number sorts as its bytes do.
    let ordered = at.0.cast_unsigned() ^ (1 << 63);
    key.extend_from_slice(&ordered.to_be_bytes());
    key
}
