//! Definitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldgate_proto::event::{DefinitionPut, DefinitionRemoved};
use foldgate_proto::{Definition, DefinitionKind, Event, ResourceId, Secrets};
use serde_json::{Map, Value};

use crate::command::{PutDefinition, RemoveDefinition, SecretEdit};
use crate::definition::{Checked, Fault, KINDS, Registered};
use crate::{OwnerState, Rejection};

/// The most definitions of one kind an owner may hold.
pub const MAX_DEFINITIONS: usize = 10_000;

pub(super) fn put(owner: &OwnerState, put: &PutDefinition) -> Result<Vec<Event>, Rejection> {
    let before = if let Some(number) = put.number {
        let found = owner.definitions.get(&(put.kind, number));
        let found = found.filter(|found| found.id == put.id);
        Some(found.ok_or(Rejection::NoSuchDefinition(put.kind))?)
    } else {
        check_room(owner, put)?;
        None
    };
    let checked = registered(put.kind)?.check(&put.value, owner)?;
    let number = before.map_or_else(|| owner.last_definition.next(), |before| before.number);
    let resource = ResourceId::Definition(put.kind, number);
    check_name(owner, resource, &checked)?;
    if before.is_none_or(|before| *before.refers != checked.refers) {
        check_twin(owner, resource, &checked)?;
    }
    if let Some(before) = before {
        check_referrers(owner, resource, &checked)?;
        check_renaming(owner, before, &checked)?;
        check_unnamed(owner, before, &checked)?;
    }
    let had = before.map(|before| &*before.secrets);
    let secrets = secrets(had, &put.value, &put.secrets)?;
    let unchanged =
        before.is_some_and(|before| before.value == checked.value && *before.secrets == secrets);
    if unchanged {
        return Ok(Vec::new());
    }
    Ok(vec![Event::DefinitionPut(DefinitionPut {
        id: put.id,
        kind: put.kind,
        number,
        name: checked.name,
        value: checked.value,
        secrets,
        refers: checked.refers,
    })])
}

pub(super) fn remove(
    owner: &OwnerState,
    remove: RemoveDefinition,
) -> Result<Vec<Event>, Rejection> {
    let RemoveDefinition { kind, number } = remove;
    let Some(stands) = owner.definitions.get(&(kind, number)) else {
        return Err(Rejection::NoSuchDefinition(kind));
    };
    let resource = ResourceId::Definition(kind, number);
    let referring = owner.referrers_of(resource);
    let by: Vec<_> = referring
        .chain(naming(owner, stands))
        .map(referrer)
        .collect();
    if !by.is_empty() {
        return Err(Rejection::Referred { resource, by });
    }
    Ok(vec![Event::DefinitionRemoved(DefinitionRemoved {
        kind,
        number,
    })])
}

/// Refuses to take away what definitions speak of.
pub(super) fn check_unreferred(owner: &OwnerState, resource: ResourceId) -> Result<(), Rejection> {
    let by: Vec<_> = owner.referrers_of(resource).map(referrer).collect();
    if by.is_empty() {
        return Ok(());
    }
    Err(Rejection::Referred { resource, by })
}

/// Those who speak of a Model by its name without referring to it. An undo or a restore
/// does not ask: where it leads back to, the name was nobody's.
fn naming<'o>(
    owner: &'o OwnerState,
    model: &'o Definition,
) -> impl Iterator<Item = &'o Arc<Definition>> {
    let is_model = model.kind == DefinitionKind::Model;
    let resource = ResourceId::Definition(model.kind, model.number);
    let lines = KINDS
        .iter()
        .filter(move |line| is_model && line.names_freely);
    lines.flat_map(move |line| {
        let all = owner.definitions_of(line.kind);
        let freely = all.filter(move |other| !other.refers.contains(&resource));
        freely.filter(|other| line.names(&other.value, &model.name))
    })
}

fn referrer(definition: &Arc<Definition>) -> crate::rejection::Referrer {
    crate::rejection::Referrer {
        kind: definition.kind,
        id: definition.id,
        name: definition.name.clone(),
    }
}

/// Whoever speaks of it must bear what it becomes; itself it cannot speak of.
fn check_referrers(
    owner: &OwnerState,
    resource: ResourceId,
    checked: &Checked,
) -> Result<(), Fault> {
    if checked.refers.contains(&resource) {
        return Err(Fault::at("", "it refers to itself"));
    }
    let ResourceId::Definition(kind, _) = resource else {
        return Ok(());
    };
    let by: Vec<&Definition> = owner.referrers_of(resource).map(AsRef::as_ref).collect();
    Registered::of(kind).map_or(Ok(()), |line| line.check_referrers(&checked.value, &by))
}

fn registered(kind: DefinitionKind) -> Result<&'static Registered, Rejection> {
    Registered::of(kind).ok_or(Rejection::NoSuchDefinition(kind))
}

fn check_room(owner: &OwnerState, put: &PutDefinition) -> Result<(), Rejection> {
    if owner.definition_ids.contains_key(&put.id) {
        return Err(Rejection::KeyIdTaken);
    }
    if owner.definition_count(put.kind) >= MAX_DEFINITIONS {
        return Err(Rejection::TooMany {
            what: "definitions of this kind",
            limit: MAX_DEFINITIONS,
        });
    }
    Ok(())
}

/// Checks a definition that an undo or a restore brings back in place of what is there
/// now, as the state will be.
pub(super) fn check_back(
    after: &OwnerState,
    (now, back): (Option<&Definition>, &Definition),
) -> Result<(), String> {
    let fault = |fault: Fault| fault.to_string();
    let line = Registered::of(back.kind).ok_or("this program does not know its kind")?;
    let value = serde_json::from_str(&back.value.0).map_err(|error| error.to_string())?;
    let checked = line.check(&value, after).map_err(fault)?;
    if checked.refers != *back.refers {
        return Err("what it speaks of has changed since".to_owned());
    }
    let resource = ResourceId::Definition(back.kind, back.number);
    check_referrers(after, resource, &checked).map_err(fault)?;
    check_name(after, resource, &checked).map_err(|taken| taken.to_string())?;
    if let Some(now) = now {
        check_renaming(after, now, &checked).map_err(|named| named.to_string())?;
    }
    check_twin(after, resource, &checked).map_err(|twin| twin.to_string())
}

/// What only ties others together ties them once.
fn check_twin(
    owner: &OwnerState,
    resource: ResourceId,
    checked: &Checked,
) -> Result<(), Rejection> {
    let ResourceId::Definition(kind, number) = resource else {
        return Ok(());
    };
    let is_tie = Registered::of(kind).is_some_and(|line| line.is_tie);
    let mut tied = checked.refers.iter().filter(|_| is_tie);
    let Some(one) = tied.next() else {
        return Ok(());
    };
    let mut twins = owner.referrers_of(*one).filter(|other| {
        other.kind == kind && other.number != number && *other.refers == checked.refers
    });
    match twins.next() {
        None => Ok(()),
        Some(twin) => Err(Rejection::Tied { kind, id: twin.id }),
    }
}

fn check_name(
    owner: &OwnerState,
    resource: ResourceId,
    checked: &Checked,
) -> Result<(), Rejection> {
    let ResourceId::Definition(kind, number) = resource else {
        return Ok(());
    };
    if checked.name.is_empty() {
        return Ok(());
    }
    let mut named = owner.definitions_named(kind, &checked.name);
    if named.any(|other| other.number != number) {
        return Err(Rejection::Taken {
            field: checked.name_field,
            value: checked.name.clone(),
        });
    }
    Ok(())
}

/// Who is spoken of by name keeps it, but for its case.
fn check_renaming(
    owner: &OwnerState,
    before: &Definition,
    checked: &Checked,
) -> Result<(), Rejection> {
    let by_name = Registered::of(before.kind).is_some_and(|line| line.referred_by_name);
    if !by_name || crate::is_same(&before.name, &checked.name) {
        return Ok(());
    }
    let resource = ResourceId::Definition(before.kind, before.number);
    // Ids survive a renaming.
    let by_its_name = |other: &&Arc<Definition>| {
        let line = Registered::of(other.kind);
        line.is_none_or(|line| line.names(&other.value, &before.name))
    };
    let by = owner.referrers_of(resource).filter(by_its_name);
    let by: Vec<_> = by.map(referrer).collect();
    if by.is_empty() {
        return Ok(());
    }
    Err(Rejection::Named { resource, by })
}

/// The same of those who speak of a name whoever has it.
fn check_unnamed(
    owner: &OwnerState,
    before: &Definition,
    checked: &Checked,
) -> Result<(), Rejection> {
    if crate::is_same(&before.name, &checked.name) {
        return Ok(());
    }
    let by: Vec<_> = naming(owner, before).map(referrer).collect();
    if by.is_empty() {
        return Ok(());
    }
    let resource = ResourceId::Definition(before.kind, before.number);
    Err(Rejection::Named { resource, by })
}

/// The secrets of a value from now on, which holds their masks; `before` were there.
pub(super) fn secrets(
    before: Option<&Secrets>,
    value: &Map<String, Value>,
    edits: &BTreeMap<String, SecretEdit>,
) -> Result<Secrets, Rejection> {
    let whole = Value::Object(value.clone());
    let mut secrets = Secrets::new();
    for (pointer, edit) in edits {
        let secret = match edit {
            SecretEdit::Set(secret) => secret.clone(),
            SecretEdit::Keep => {
                let kept = before.and_then(|before| before.get(pointer));
                let kept = kept.filter(|kept| {
                    let mask = whole.pointer(pointer).and_then(Value::as_str);
                    mask == Some(kept.mask.as_str())
                });
                kept.cloned().ok_or_else(|| {
                    let path = pointer.trim_start_matches('/').replace('/', ".");
                    let problem = "this is the mask of no secret that stands here; give the \
                                   secret itself";
                    Rejection::Definition(Fault::at(path, problem))
                })?
            }
        };
        secrets.insert(pointer.clone(), secret);
    }
    Ok(secrets)
}
