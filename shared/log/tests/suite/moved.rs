//! Random histories made by decisions, moved to another log as text: the same
//! bytes at the same revisions, and at every one of them the same state.

use foldgate_domain::acl::ListEdit;
use foldgate_domain::command::{
    AddAccount, AddKey, ClaimOwner, ConfigPatch, KeyOf, NewKey, PatchAccount, PatchConfig,
    ProfileEdit, PublishNews, RemoveAccount, Restore, TermsEdit, Undo,
};
use foldgate_domain::{Command, Context, State, decide};
use foldgate_log::embedded::Embedded;
use foldgate_log::event_log::MAX_READ;
use foldgate_log::export::{Header, Line, Reader};
use foldgate_log::{EventLog, Position, Stored};
use foldgate_proto::{
    AccountId, AccountNumber, Actor, CallerKeyId, CallerKeyNumber, Config, Encoded, KeyHash, KeyId,
    KeyNumber, Level, LogId, MaskedSecret, NewsId, NewsNumber, OwnerId, Record, RecordHash,
    RecordId, Revision, Sealed, Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));
const ROOT: AccountNumber = AccountNumber(1);

/// One wish: what sort, about which thing.
type Wish = (u8, u8, u8);

/// A history in the making.
struct History {
    states: Vec<State>,
    records: Vec<Encoded>,
}

impl History {
    fn new() -> Self {
        let mut history = Self {
            states: vec![State::new(LogId(Uuid::from_u128(9)))],
            records: Vec::new(),
        };
        history.decide(&Command::ClaimOwner(ClaimOwner {
            name: "root".to_owned(),
            key_hash: [1; 32],
            key_mask: "sk".to_owned(),
        }));
        history
    }

    fn state(&self) -> &State {
        self.states.last().expect("it begins with one")
    }

    fn owner_at(&self, revision: usize) -> Option<std::sync::Arc<foldgate_domain::OwnerState>> {
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
        let record =
            foldgate_domain::decide::record(state, OWNER, command, &context, decision.events);
        let encoded = record.encode().expect("it is small");
        let mut next = state.clone();
        next.apply(state.revision.next(), encoded.hash, &record);
        self.states.push(next);
        self.records.push(encoded);
    }

    fn wish(&mut self, (sort, which, more): Wish) {
        let fresh = u128::from(self.state().revision.0) + 100;
        let which = u64::from(which % 6);
        let command = match sort % 9 {
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
                number: AccountNumber(which),
                parent: ROOT,
                profile: ProfileEdit {
                    suspended: Some(more % 2 == 0),
                    allow_models: ListEdit::parse("gpt-4*, o3").ok().filter(|_| more % 3 == 0),
                    ..ProfileEdit::default()
                },
                credit: None,
            })),
            6 => Command::RemoveAccount(RemoveAccount {
                number: AccountNumber(which),
                parent: ROOT,
            }),
            7 => return self.take_back(usize::from(more)),
            _ if more % 2 == 0 => Command::RetractNews(NewsNumber(which)),
            _ => Command::RevokeCallerKey(KeyOf {
                account: AccountNumber(which),
                number: CallerKeyNumber(which),
            }),
        };
        self.decide(&command);
    }

    fn account(&self, fresh: u128, which: u64) -> AddAccount {
        let mut hash = [0; 32];
        hash[..16].copy_from_slice(&fresh.to_be_bytes());
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
                hash: KeyHash(hash),
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

fn level_pair(from: u64, to: u8) -> (Level, Level) {
    let level = |n| Level::new(n).expect("a Level");
    (level(from), level(100 + u64::from(to)))
}

/// Every record of a log.
async fn all_of(log: &dyn EventLog) -> Vec<Stored> {
    let mut all = Vec::new();
    loop {
        let from = Revision(all.len() as u64 + 1);
        let chunk = log.read(from, MAX_READ).await.expect("it is whole");
        if chunk.is_empty() {
            return all;
        }
        all.extend(chunk);
    }
}

/// A log as text, line by line.
async fn exported(log: &dyn EventLog) -> Vec<String> {
    let head = log.head().await.expect("a head");
    let header = Header::new(log.log_id().await.expect("an id"), head);
    let mut lines = vec![header.line().expect("a line")];
    for stored in all_of(log).await {
        let record = Record::decode(&stored.bytes).expect("a record");
        lines.push(Line::of(&stored, &record).line().expect("a line"));
    }
    lines
}

async fn moved(history: &History) {
    let home = tempfile::tempdir().expect("a folder");
    let id = history.states[0].log;
    let origin = Embedded::create(&home.path().join("one"), id)
        .await
        .expect("a log");
    origin
        .append(Revision::ZERO, &history.records)
        .await
        .expect("they fit");
    let lines = exported(&origin).await;

    let mut reader = Reader::begin(&lines[0]).expect("a header");
    let mut group = Vec::new();
    for line in &lines[1..] {
        let stored = reader.next(line).expect("a line of it");
        group.push(stored.encoded().expect("a record"));
    }
    assert_eq!(
        reader.end().expect("all of it"),
        origin.head().await.expect("a head")
    );
    let target = Embedded::create(&home.path().join("other"), id)
        .await
        .expect("a log");
    target
        .append(Revision::ZERO, &group)
        .await
        .expect("they fit");
    assert_eq!(exported(&target).await, lines, "it is the same log");
    target.verify(&mut |_| {}).await.expect("every link holds");

    let mut state = State::new(id);
    let mut at = Position::genesis(id);
    for (stored, expected) in all_of(&target).await.iter().zip(&history.states[1..]) {
        let record = Record::decode(&stored.bytes).expect("a record");
        assert_eq!(record.prev, at.hash);
        state.apply(stored.revision, stored.hash, &record);
        at = stored.position();
        let hash = |state: &State| -> RecordHash { state.hash().expect("encodable") };
        assert_eq!(hash(&state), hash(expected), "at {}", stored.revision);
    }
    assert_eq!(state.revision.0, history.records.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_log_moved_as_text_is_the_same_at_every_revision(
        wishes in proptest::collection::vec(any::<Wish>(), 20..80),
    ) {
        let mut history = History::new();
        for wish in wishes {
            history.wish(wish);
        }
        prop_assert!(history.records.len() > 5, "wishes come true");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(moved(&history));
    }
}
