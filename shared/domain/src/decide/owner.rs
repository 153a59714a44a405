//! Tenants.

use foldgate_proto::event::OwnerClaimed;
use foldgate_proto::{Event, KeyHash, OwnerId};

use super::caller_key::check_hash;
use super::{check_line, next_account};
use crate::command::ClaimOwner;
use crate::state::people::is_same;
use crate::{Rejection, State};

/// The longest owner name, in characters (as account names in the owner API).
const MAX_NAME_CHARS: usize = 63;
/// The most tenants of one log; all are looked at when one is made.
pub const MAX_OWNERS: usize = 10_000;

pub(super) fn claim(
    state: &State,
    owner: OwnerId,
    claim: &ClaimOwner,
) -> Result<Vec<Event>, Rejection> {
    if claim.name.is_empty() {
        return Err(Rejection::field("name", "must not be empty"));
    }
    check_line("name", &claim.name, MAX_NAME_CHARS)?;
    if state.owners.len() >= MAX_OWNERS {
        return Err(Rejection::TooMany {
            what: "owners",
            limit: MAX_OWNERS,
        });
    }
    let taken = state
        .owners
        .values()
        .any(|other| is_same(&other.name, &claim.name));
    if taken || state.owner(owner).is_some() {
        return Err(Rejection::OwnerExists(claim.name.clone()));
    }
    let hash = KeyHash(claim.key_hash);
    let mut others = state.owners.values();
    let key_taken = others.any(|other| check_hash(other, hash).is_err());
    if key_taken {
        return Err(Rejection::field("key", "is another owner's key"));
    }
    Ok(vec![Event::OwnerClaimed(OwnerClaimed {
        account: next_account(state),
        name: claim.name.clone(),
        key_hash: claim.key_hash.to_vec(),
        key_mask: claim.key_mask.clone(),
    })])
}
