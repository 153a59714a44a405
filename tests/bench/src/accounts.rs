//! Many accounts, each with a key to call with, as a data node holds them.

use foldgate_domain::State;
use foldgate_proto::event::{AccountAdded, CallerKeyIssued};
use foldgate_proto::{
    AccountId, AccountNumber, CallerKeyId, CallerKeyNumber, Event, KeyHash, KeyTerms, Profile,
    RecordHash,
};
use uuid::Uuid;

use crate::{record, state_with};

/// The SHA-256 of the key that account `n` calls with; here any hash spreads as well.
pub fn hash_of(n: u64) -> [u8; 32] {
    RecordHash::of(&n.to_be_bytes()).0
}

/// A state with this many accounts below the owner, each with one key.
pub fn state_with_accounts(count: u64) -> State {
    let mut state = state_with(0, 0);
    for n in 1..=count {
        let added = Event::AccountAdded(AccountAdded {
            id: AccountId(Uuid::from_u128(u128::from(n) << 8)),
            number: AccountNumber(n + 1),
            parent: AccountNumber(1),
            profile: Profile {
                name: format!("customer-{n}"),
                email: format!("customer-{n}@example.com"),
                ..Profile::default()
            },
        });
        let issued = Event::CallerKeyIssued(CallerKeyIssued {
            id: CallerKeyId(Uuid::from_u128(u128::from(n) << 9)),
            number: CallerKeyNumber(n),
            account: AccountNumber(n + 1),
            name: "default".to_owned(),
            hash: KeyHash(hash_of(n)),
            mask: "sk-Fg\u{2026}wxyz".to_owned(),
            terms: KeyTerms::default(),
        });
        let record = record("AddAccount", vec![added, issued]);
        let revision = state.revision.next();
        state.apply(revision, RecordHash([0; 32]), &record);
    }
    state
}

/// The memory this process holds, in kilobytes, as Linux tells it.
pub fn resident_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
