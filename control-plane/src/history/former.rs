//! Whether a caller key had a hash before: what a rotation put out of use must not
//! come back unasked.

use foldgate_proto::{CallerKeyNumber, Event, KeyHash, OwnerId, Record, ResourceId, Revision};

use super::{Error, Filter, History, Term};

/// The most changes of one key's hash that are looked at, the newest first: each is
/// one record to be read.
const MAX_LOOKED_AT: usize = 256;

/// The events that give a caller key a hash; what comes back was there before.
const KINDS: [&str; 2] = ["CallerKeyIssued", "CallerKeyRotated"];

impl History {
    /// Whether a caller key had this hash at some time up to the index's revision;
    /// one that it has now counts, too.
    ///
    /// # Errors
    /// The index or the log cannot be read now.
    pub async fn had(
        &self,
        owner: OwnerId,
        key: CallerKeyNumber,
        hash: KeyHash,
    ) -> Result<bool, Error> {
        let resource = ResourceId::CallerKey(key).to_string();
        let filter = Filter {
            all_of: vec![
                vec![Term::resource(&resource)],
                KINDS.into_iter().map(Term::kind).collect(),
            ],
            ..Filter::everything()
        };
        let found = self.find(owner, filter, (None, MAX_LOOKED_AT)).await?;
        for revision in found.revisions {
            if self.gave(revision, key, hash).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a record gave the key this hash.
    async fn gave(
        &self,
        revision: Revision,
        key: CallerKeyNumber,
        hash: KeyHash,
    ) -> Result<bool, Error> {
        let stored = self.0.log.read(revision, 1).await?;
        let record = stored
            .first()
            .and_then(|stored| Record::decode(&stored.bytes).ok());
        let events = record.into_iter().flat_map(|record| record.events);
        let mut given = events.filter_map(|event| match event {
            Event::CallerKeyIssued(issued) => Some((issued.number, issued.hash)),
            Event::CallerKeyRotated(rotated) => Some((rotated.number, rotated.hash)),
            _ => None,
        });
        Ok(given.any(|given| given == (key, hash)))
    }
}
