//! Histories at random, made by decisions: what tests of logs and of everything
//! that reads them are fed with. Not part of the product.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldgate_proto::{
    AccountId, AccountNumber, Actor, AdminKeyId, AdminKeyNumber, AdminRole, CallerKeyId,
    CallerKeyNumber, Config, DefinitionId, DefinitionKind, DefinitionNumber, Encoded, KeyHash,
    KeyId, KeyNumber, Level, LogId, MaskedSecret, NewsId, NewsNumber, OwnerId, RecordId, Revision,
    Sealed, Timestamp,
};
use uuid::Uuid;

use crate::acl::ListEdit;
use crate::command::{
    AddAccount, AddKey, ClaimOwner, ConfigPatch, IssueAdminKey, KeyOf, NewKey, PatchAccount,
    PatchConfig, ProfileEdit, PublishNews, PutDefinition, RemoveAccount, RemoveDefinition, Restore,
    TermsEdit, Undo,
};
use crate::{Command, Context, OwnerState, State, decide};

/// The owner of these histories.
pub const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));
const ROOT: AccountNumber = AccountNumber(1);

/// One wish: what sort, about which thing.
pub type Wish = (u8, u8, u8);

/// A history in the making.
#[derive(Debug)]
pub struct History {
    /// The state before the first record, then the one behind each.
    pub states: Vec<State>,
    /// The records.
    pub records: Vec<Encoded>,
}

impl History {
    /// A log whose owner presents the key with this SHA-256.
    ///
    /// # Panics
    /// Never, as long as decisions are what they are.
    #[must_use]
    pub fn new(key_hash: [u8; 32]) -> Self {
        let mut history = Self {
            states: vec![State::new(LogId(Uuid::from_u128(9)))],
            records: Vec::new(),
        };
        history.decide(&Command::ClaimOwner(ClaimOwner {
            name: "root".to_owned(),
            key_hash,
            key_mask: "sk".to_owned(),
        }));
        history
    }

    fn state(&self) -> &State {
        self.states.last().expect("it begins with one")
    }

    fn owner_at(&self, revision: usize) -> Option<Arc<OwnerState>> {
        self.states.get(revision)?.owner(OWNER).cloned()
    }

    /// Decides a command and keeps its record; a refused one leaves no trace.
    fn decide(&mut self, command: &Command) {
        let state = self.state();
        let number = u128::from(state.revision.0);
        let context = Context {
            now: Timestamp(1_700_000_000_000 + i64::try_from(number).unwrap_or(0) * 1000),
            record: RecordId(Uuid::from_u128(1000 + number)),
            actor: Actor::owner("root"),
            address: Some("192.0.2.1".to_owned()),
            request_id: None,
            reason: None,
            idempotency: None,
            precondition: None,
            writer_version: "test".to_owned(),
        };
        let Ok(decision) = decide(state, OWNER, command, &context) else {
            return;
        };
        if decision.events.is_empty() {
            return;
        }
        let record = crate::decide::record(state, OWNER, command, &context, decision.events);
        let encoded = record.encode().expect("it is small");
        let mut next = state.clone();
        next.apply(state.revision.next(), encoded.hash, &record);
        self.states.push(next);
        self.records.push(encoded);
    }

    /// Tries what is wished for.
    ///
    /// # Panics
    /// As [`History::new`].
    pub fn wish(&mut self, (sort, which, more): Wish) {
        let fresh = u128::from(self.state().revision.0) + 100;
        let which = u64::from(which % 6);
        let known = self.some_account(more);
        let command = match sort % 12 {
            0 => Command::AddKey(AddKey {
                id: KeyId(Uuid::from_u128(fresh)),
                name: format!("key {fresh}"),
                level: Level::new(which).expect("a Level"),
                provider: "https://api.openai.com".to_owned(),
                config: ConfigPatch::default(),
                secret: MaskedSecret {
                    sealed: Sealed(vec![more; 40]),
                    mask: "sk-...".to_owned(),
                },
                enabled: more % 3 > 0,
            }),
            1 => Command::RemoveKey(KeyNumber(which)),
            2 => Command::PatchConfig(PatchConfig {
                set: Config {
                    pricing: Some("{}".to_owned()).filter(|_| more % 2 == 0),
                    switch_over: Some([level_pair(which, more)].into()),
                    ..Config::default()
                },
                merge_limits: None,
            }),
            3 => Command::PublishNews(PublishNews {
                id: NewsId(Uuid::from_u128(fresh)),
                title: format!("news {more}"),
                content: "c".to_owned(),
                target: None,
                days: None,
            }),
            4 => Command::AddAccount(Box::new(self.account(fresh, which))),
            5 => Command::PatchAccount(Box::new(PatchAccount {
                number: known.0,
                parent: known.1,
                profile: ProfileEdit {
                    suspended: Some(more % 2 == 0),
                    allow_models: ListEdit::parse("gpt-4*, o3").ok().filter(|_| more % 3 == 0),
                    ..ProfileEdit::default()
                },
                credit: None,
            })),
            6 => Command::RemoveAccount(RemoveAccount {
                number: known.0,
                parent: known.1,
            }),
            7 => return self.take_back(usize::from(more)),
            8 => self.put_definition(fresh, DefinitionNumber(which), more),
            9 => Command::RemoveDefinition(RemoveDefinition {
                kind: DefinitionKind::Model,
                number: DefinitionNumber(which),
            }),
            10 if more % 3 > 0 => Command::IssueAdminKey(IssueAdminKey {
                id: AdminKeyId(Uuid::from_u128(fresh)),
                name: format!("admin {more}"),
                role: AdminRole::Auditor,
                hash: hash_of(fresh),
                mask: "fg".to_owned(),
                expires_at: None,
            }),
            10 => Command::RevokeAdminKey(AdminKeyNumber(which)),
            _ if more % 2 == 0 => Command::RetractNews(NewsNumber(which)),
            _ => Command::RevokeCallerKey(self.caller_key(more)),
        };
        self.decide(&command);
    }

    /// One of the accounts, with the one above it; none where there is none.
    fn some_account(&self, by: u8) -> (AccountNumber, AccountNumber) {
        let owner = self.state().owner(OWNER);
        let accounts = owner.map(|owner| owner.accounts.values());
        let account = nth(accounts.into_iter().flatten(), by);
        account.map_or((ROOT, ROOT), |account| (account.number, account.parent))
    }

    /// One of the caller keys; none where there is none.
    fn caller_key(&self, by: u8) -> KeyOf {
        let owner = self.state().owner(OWNER);
        let keys = owner.map(|owner| owner.caller_keys.values());
        let key = nth(keys.into_iter().flatten(), by);
        KeyOf {
            account: key.map_or(ROOT, |key| key.account),
            number: key.map_or(CallerKeyNumber(0), |key| key.number),
        }
    }

    /// Another value for a definition, or a new one where there is none.
    fn put_definition(&self, fresh: u128, number: DefinitionNumber, more: u8) -> Command {
        let kind = DefinitionKind::Model;
        let owner = self.state().owner(OWNER);
        let there = owner.and_then(|owner| owner.definitions.get(&(kind, number)));
        let fields = [
            ("display_name", format!("model-{}", more % 7).into()),
            ("model_name", "gpt-4o".into()),
            ("level", (more % 4).into()),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        Command::PutDefinition(Box::new(PutDefinition {
            kind,
            id: there.map_or(DefinitionId(Uuid::from_u128(fresh)), |there| there.id),
            number: there.map(|there| there.number),
            value: fields.into_iter().collect(),
            secrets: BTreeMap::new(),
        }))
    }

    fn account(&self, fresh: u128, which: u64) -> AddAccount {
        let known = AccountNumber(which.max(1));
        let parents = self.state().owner(OWNER);
        let parent = parents
            .filter(|owner| owner.accounts.contains_key(&known))
            .map_or(ROOT, |_| known);
        AddAccount {
            id: AccountId(Uuid::from_u128(fresh)),
            parent,
            profile: ProfileEdit {
                name: Some(format!("account-{fresh}")),
                email: Some(format!("a{fresh}@example.com")),
                ..ProfileEdit::default()
            },
            credit: None,
            key: NewKey {
                id: CallerKeyId(Uuid::from_u128(fresh)),
                name: String::new(),
                hash: hash_of(fresh),
                mask: "sk".to_owned(),
                terms: TermsEdit::default(),
            },
        }
    }

    /// Undoes a record, or goes back to a revision.
    fn take_back(&mut self, more: usize) {
        let at = more % self.states.len();
        let (Some(before), Some(after)) = (self.owner_at(at.wrapping_sub(1)), self.owner_at(at))
        else {
            return;
        };
        let revision = Revision(at as u64);
        let command = if more.is_multiple_of(2) {
            Command::Undo(Undo {
                revision,
                undid: None,
                before: Some(before),
                after,
            })
        } else {
            Command::Restore(Restore {
                revision,
                then: after,
                only: None,
            })
        };
        self.decide(&command);
    }
}

fn nth<T>(of: impl Iterator<Item = T>, by: u8) -> Option<T> {
    let all: Vec<T> = of.collect();
    let at = usize::from(by) % all.len().max(1);
    all.into_iter().nth(at)
}

fn hash_of(fresh: u128) -> KeyHash {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(&fresh.to_be_bytes());
    KeyHash(hash)
}

fn level_pair(from: u64, to: u8) -> (Level, Level) {
    let level = |n| Level::new(n).expect("a Level");
    (level(from), level(100 + u64::from(to)))
}
