//! Work that an upstream goes on with after the call that began it: a batch, or a
//! response in the background. It is paid when it has ended, once, whichever node sees
//! that and however often.

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid, Version};

use crate::{
    AccountNumber, CallerKeyNumber, KeyId, Made, OwnerId, Quantities, RecordHash, Timestamp,
    UsageRecord,
};

/// What kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// A response in the background.
    Response,
    /// A batch of calls.
    Batch,
    /// A batch of messages, as Anthropic has them.
    MessageBatch,
}

impl JobKind {
    /// Whether it is many calls.
    #[must_use]
    pub const fn is_batch(self) -> bool {
        matches!(self, Self::Batch | Self::MessageBatch)
    }
}

/// Work that was begun, as the node that saw its beginning tells the others: by this
/// any of them can bill it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What kind of work.
    pub kind: JobKind,
    /// What the upstream calls it.
    pub id: String,
    /// The upstream key that it was begun with.
    pub key: KeyId,
    /// The owner.
    pub owner: OwnerId,
    /// Who began it.
    pub account: AccountNumber,
    /// The key it was begun with; `None` for a key of the account itself.
    pub caller_key: Option<CallerKeyNumber>,
    /// The model that was asked for; empty where none was named.
    pub requested: String,
    /// The model behind all mappings, which is priced; empty where none was named.
    pub model: String,
    /// What it was going to use, as far as its beginning tells.
    pub estimate: Quantities,
    /// How many tokens its beginning took of the limits on tokens.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub reserved: u64,
    /// When it began.
    pub at: Timestamp,
    /// How many bytes of text have come in its stream, as far as anybody read it.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub heard: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_nothing(count: &u64) -> bool {
    *count == 0
}

impl Job {
    /// What it is billed under, whoever bills it.
    #[must_use]
    pub fn name(&self) -> Uuid {
        job_name(self.owner, self.key, &self.id)
    }

    /// What a further model of a batch is billed under: the first has the batch's own name.
    #[must_use]
    pub fn name_beside(&self, model: &str) -> Uuid {
        // No upstream has a line's end in what it calls a job.
        job_name(self.owner, self.key, &format!("{}\n{model}", self.id))
    }

    /// What was made by its beginning, as nodes remember its key.
    #[must_use]
    pub fn made(&self) -> Made {
        Made::of(self.owner, self.account, &self.id)
    }
}

/// The id of the record of a job: the same on every node, so that a bill has it once. Its
/// version is 8, which no other record's has.
#[must_use]
pub fn job_name(owner: OwnerId, key: KeyId, id: &str) -> Uuid {
    let text = [owner.0.as_bytes(), key.0.as_bytes(), id.as_bytes()].concat();
    let RecordHash(hash) = RecordHash::of(&text);
    let mut name = [0; 16];
    name.copy_from_slice(&hash[..16]);
    Builder::from_custom_bytes(name).into_uuid()
}

impl UsageRecord {
    /// Whether it bills a job, of which several nodes may have seen the end.
    #[must_use]
    pub fn is_of_job(&self) -> bool {
        self.id.get_version() == Some(Version::Custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_one_name_that_no_call_has() {
        let [one, two] = [1, 2].map(Uuid::from_u128);
        let name = job_name(OwnerId(one), KeyId(two), "resp_1");
        assert_eq!(name, job_name(OwnerId(one), KeyId(two), "resp_1"));
        for other in [
            job_name(OwnerId(two), KeyId(two), "resp_1"),
            job_name(OwnerId(one), KeyId(one), "resp_1"),
            job_name(OwnerId(one), KeyId(two), "resp_2"),
        ] {
            assert_ne!(name, other);
        }
        assert_eq!(name.get_version(), Some(Version::Custom));
        assert_ne!(Uuid::now_v7().get_version(), Some(Version::Custom));
    }
}
