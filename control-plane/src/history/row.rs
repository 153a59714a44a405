//! What the index keeps of one record: the line that lists show, the fields that
//! changed, and what it can be found by. Pure: made of the record and of the
//! owner before and behind it.

use std::collections::BTreeSet;

use foldgate_domain::OwnerState;
use foldgate_domain::history::{Difference, FieldChange, diff, fields};
use foldgate_log::Stored;
use foldgate_proto::{
    AccountNumber, Actor, ActorKind, Event, Record, RecordHash, RecordId, Resource, ResourceId,
    Revision, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::Term;

/// The most resources a line names; it can be found by all of them.
pub const MAX_NAMED: usize = 50;

/// The most bytes of changed fields that are kept with a line; what is longer is
/// made anew from the states before and behind it.
pub const MAX_CHANGES_BYTES: usize = 64 * 1024;

/// One record, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Where it stands.
    pub revision: Revision,
    /// When it was decided.
    pub at: Timestamp,
    /// Who asked.
    pub actor: Actor,
    /// From which address.
    pub address: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The record's id.
    pub record: RecordId,
    /// The hash of its stored bytes.
    pub hash: RecordHash,
    /// What was asked for.
    pub command: String,
    /// What happened, in order, each kind once.
    pub kinds: Vec<String>,
    /// What it was about first of all.
    pub resource: Option<String>,
    /// What it changed, at most [`MAX_NAMED`] of them.
    pub resources: Vec<String>,
    /// How many it changed.
    pub resources_total: u64,
    /// The record it took back, if it is an undo.
    pub undid: Option<Revision>,
    /// The revision it went back to, if it is a restore.
    pub restored: Option<Revision>,
    /// The account that asked, if it was one.
    pub operator: Option<u64>,
    /// The account it was about, if it was about one.
    pub target: Option<u64>,
    /// Which of the resources belong to accounts, each with that account and
    /// those above it.
    pub people: Vec<(String, Vec<u64>)>,
}

/// One changed field of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which resource.
    pub resource: String,
    /// The field, before and behind.
    #[serde(flatten)]
    pub field: FieldChange,
}

/// All that is kept of one record.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) row: Row,
    /// The changed fields in JSON, unless they are too long.
    pub(super) changes: Option<Vec<u8>>,
    pub(super) terms: BTreeSet<Term>,
}

/// What changed from one state of an owner to the next, to be shown.
pub fn changes(before: Option<&OwnerState>, after: &OwnerState) -> Vec<Change> {
    shown(&diff(before, after))
}

fn shown(differences: &[Difference]) -> Vec<Change> {
    let each = differences.iter().flat_map(|difference| {
        let resource = difference.resource.to_string();
        fields(difference).into_iter().map(move |field| Change {
            resource: resource.clone(),
            field,
        })
    });
    each.collect()
}

impl Entry {
    /// Of a record with the owner before and behind it.
    pub(super) fn new(
        stored: &Stored,
        record: &Record,
        (before, after): (Option<&OwnerState>, &OwnerState),
    ) -> Self {
        let differences = diff(before, after);
        let first = record.events.iter().find_map(subject);
        let mut named: Vec<ResourceId> = differences.iter().map(|d| d.resource).collect();
        if let Some(first) = first
            && !named.contains(&first)
        {
            named.insert(0, first);
        }
        let primary = first.or_else(|| named.first().copied());
        let who = Who { before, after };
        // An owner is made by another, whose request's id, words that client chose, is
        // not its business. Address and reason are never written there; the id is, for
        // whoever reads the log itself and wants the audit line.
        let is_own = before.is_some();
        let people: Vec<(ResourceId, Vec<u64>)> = named
            .iter()
            .filter_map(|id| Some((*id, who.above(who.account_of(*id)?))))
            .collect();
        let row = Row {
            revision: stored.revision,
            at: record.at,
            actor: record.actor.clone(),
            address: record.address.clone(),
            request_id: record.request_id.clone().filter(|_| is_own),
            reason: record.reason.clone(),
            record: record.id,
            hash: stored.hash,
            command: record.command.clone(),
            kinds: kinds(record),
            resource: primary.map(|id| id.to_string()),
            resources: texts(named.iter().take(MAX_NAMED)),
            resources_total: named.len() as u64,
            undid: record.events.iter().find_map(|event| match event {
                Event::RecordUndone(undone) => Some(undone.revision),
                _ => None,
            }),
            restored: record.events.iter().find_map(|event| match event {
                Event::StateRestored(restored) => Some(restored.revision),
                _ => None,
            }),
            operator: who.operator(&record.actor).map(|account| account.0),
            target: primary.and_then(|id| who.account_of(id)).map(|a| a.0),
            people: people
                .iter()
                .take(MAX_NAMED)
                .map(|(id, above)| (id.to_string(), above.clone()))
                .collect(),
        };
        let mut terms = terms(&row, &named, &people);
        let ids = differences.iter().flat_map(by_id);
        terms.extend(ids.map(|text| Term::resource(&text)));
        let changes = serde_json::to_vec(&shown(&differences)).ok();
        Self {
            row,
            changes: changes.filter(|bytes| bytes.len() <= MAX_CHANGES_BYTES),
            terms,
        }
    }
}

/// A resource by the ids it has before and behind: `key/<uuid>`.
fn by_id(difference: &Difference) -> impl Iterator<Item = String> {
    let text = difference.resource.to_string();
    let sides = [&difference.before, &difference.after]
        .into_iter()
        .flatten();
    sides.filter_map(move |value| {
        let id = match value {
            Resource::Key(key) => key.id.0,
            Resource::Account(account) => account.id.0,
            Resource::CallerKey(key) => key.id.0,
            Resource::AdminKey(key) => key.id.0,
            Resource::Definition(definition) => definition.id.0,
            _ => return None,
        };
        let (sort, _) = text.split_once('/')?;
        Some(format!("{sort}/{id}"))
    })
}

fn texts<'i>(ids: impl Iterator<Item = &'i ResourceId>) -> Vec<String> {
    ids.map(ToString::to_string).collect()
}

fn kinds(record: &Record) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for event in &record.events {
        let kind = event.kind();
        if !kinds.iter().any(|known| known == kind) {
            kinds.push(kind.to_owned());
        }
    }
    kinds
}

fn terms(row: &Row, named: &[ResourceId], people: &[(ResourceId, Vec<u64>)]) -> BTreeSet<Term> {
    let mut terms = BTreeSet::from([
        Term::rows(),
        Term::actor(row.actor.kind, &row.actor.name),
        Term::kind(&row.command),
    ]);
    terms.extend(row.kinds.iter().map(|kind| Term::kind(kind)));
    for id in named {
        let text = id.to_string();
        terms.insert(Term::class(text.split('/').next().unwrap_or(&text)));
        terms.insert(Term::resource(&text));
    }
    terms.extend(row.target.map(Term::target));
    let of_account = row.actor.kind == ActorKind::Account;
    terms.extend(row.operator.filter(|_| of_account).map(Term::seen_by));
    let above = people.iter().flat_map(|(_, above)| above);
    terms.extend(above.copied().map(Term::seen_by));
    terms
}

/// Accounts, as they stood before or behind a record.
struct Who<'s> {
    before: Option<&'s OwnerState>,
    after: &'s OwnerState,
}

impl<'s> Who<'s> {
    /// What is there behind it, and else what was there before.
    fn sides(&self) -> impl Iterator<Item = &'s OwnerState> {
        std::iter::once(self.after).chain(self.before)
    }

    /// Whose a resource is, if it is an account or an account's.
    fn account_of(&self, id: ResourceId) -> Option<AccountNumber> {
        match id {
            ResourceId::Account(number) => Some(number),
            ResourceId::CallerKey(number) => self
                .sides()
                .find_map(|owner| owner.caller_keys.get(&number))
                .map(|key| key.account),
            _ => None,
        }
    }

    /// An account with those above it.
    fn above(&self, account: AccountNumber) -> Vec<u64> {
        let mut sides = self.sides();
        let stands = sides.find(|owner| owner.accounts.contains_key(&account));
        let lineage = stands.map(|owner| owner.lineage(account).map(|a| a.number.0).collect());
        lineage.unwrap_or_else(|| vec![account.0])
    }

    /// The account that an actor is or acts for.
    fn operator(&self, actor: &Actor) -> Option<AccountNumber> {
        match actor.kind {
            ActorKind::Account => self
                .sides()
                .find_map(|owner| owner.account_named(&actor.name))
                .map(|account| account.number),
            ActorKind::Owner | ActorKind::Operator | ActorKind::Auditor => Some(self.after.account),
            ActorKind::Node | ActorKind::System => None,
        }
    }
}

/// What an event is about.
fn subject(event: &Event) -> Option<ResourceId> {
    Some(match event {
        Event::OwnerClaimed(_) | Event::OwnerKeyRotated(_) => ResourceId::Owner,
        Event::KeyAdded(event) => ResourceId::Key(event.number),
        Event::KeyPatched(event) => ResourceId::Key(event.number),
        Event::KeyRemoved(event) => ResourceId::Key(event.number),
        Event::KeyDisabled(event) => ResourceId::Key(event.number),
        Event::ConfigPatched(_) | Event::ConfigReset(_) => ResourceId::Config,
        Event::LevelMapperCompleted(_) | Event::LevelMapperRetracted(_) => ResourceId::Completed,
        Event::NewsPublished(event) => ResourceId::News(event.number),
        Event::NewsRetracted(event) => ResourceId::News(event.number),
        Event::AdminKeyIssued(event) => ResourceId::AdminKey(event.number),
        Event::AdminKeyRevoked(event) => ResourceId::AdminKey(event.number),
        Event::AccountAdded(event) => ResourceId::Account(event.number),
        Event::AccountPatched(event) => ResourceId::Account(event.number),
        Event::AccountRemoved(event) => ResourceId::Account(event.number),
        Event::CreditGranted(event) => ResourceId::Account(event.account),
        Event::CallerKeyIssued(event) => ResourceId::CallerKey(event.number),
        Event::CallerKeyPatched(event) => ResourceId::CallerKey(event.number),
        Event::CallerKeyRotated(event) => ResourceId::CallerKey(event.number),
        Event::CallerKeyRevoked(event) => ResourceId::CallerKey(event.number),
        Event::DefinitionPut(event) => ResourceId::Definition(event.kind, event.number),
        Event::DefinitionRemoved(event) => ResourceId::Definition(event.kind, event.number),
        Event::RecordUndone(event) => event.changes.first()?.resource,
        Event::StateRestored(event) => event.changes.first()?.resource,
    })
}
