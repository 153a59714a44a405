//! What a definition says that nothing acts on yet, or that leads nowhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldgate_proto::{Definition, DefinitionKind, KeyNumber, Level, ProviderKey, ResourceId};

use super::{MAX_LISTED, Warning};
use crate::OwnerState;
use crate::command::PutDefinition;
use crate::definition::model::Place;
use crate::definition::{Model, Registered, stored};
use crate::table::skipped;

pub(super) fn of(after: &OwnerState, put: &PutDefinition) -> Vec<Warning> {
    let Some(definition) = after.definition(put.kind, put.id) else {
        return Vec::new();
    };
    let unenforced = Registered::of(put.kind).map(|line| line.unenforced(&definition.value));
    let unenforced = unenforced.unwrap_or_default().into_iter();
    let mut warnings: Vec<Warning> = unenforced
        .map(|field| match field {
            "*" => Warning::KindNotEnforced(put.kind),
            field => Warning::NotEnforced(field),
        })
        .collect();
    warnings.extend(without_keys(after, definition));
    warnings
}

fn without_keys(after: &OwnerState, definition: &Definition) -> Option<Warning> {
    let model = model(definition)?;
    match model.place()? {
        Place::Level(level) if after.is_served(level) => None,
        Place::Level(level) => Some(Warning::ModelWithoutKeys(model.display_name, level)),
        Place::Key(id) => {
            let why = unusable(after.key(id)?, &model)?;
            Some(Warning::ModelWithoutKey(model.display_name, why))
        }
    }
}

/// The models that go out with this key alone, which this change put out of use.
pub(super) fn stopped<'o>(
    before: &'o OwnerState,
    after: &'o OwnerState,
    number: KeyNumber,
) -> impl Iterator<Item = Warning> + use<'o> {
    let key = move |owner: &'o OwnerState| owner.keys.get(&number);
    let models = after.referrers_of(ResourceId::Key(number));
    let stopped = move |definition: &Arc<Definition>| {
        let model = model(definition)?;
        let was_usable = key(before).is_some_and(|key| unusable(key, &model).is_none());
        let why = key(after).and_then(|key| unusable(key, &model))?;
        was_usable.then_some(Warning::ModelWithoutKey(model.display_name, why))
    };
    models.filter_map(stopped).take(MAX_LISTED)
}

/// Whether a model leads to a key: to itself, or to its Level.
pub(super) fn leads_to(owner: &OwnerState, key: &ProviderKey) -> bool {
    let refers = owner.referrers_of(ResourceId::Key(key.number)).next();
    refers.is_some() || levels(owner).contains(&key.level)
}

/// The Levels that models lead to. Looks at all models: ask it last.
pub(super) fn levels(owner: &OwnerState) -> BTreeSet<Level> {
    let models = owner.definitions_of(DefinitionKind::Model);
    let levels = models.filter_map(|definition| match model(definition)?.place()? {
        Place::Level(level) => Some(level),
        Place::Key(_) => None,
    });
    levels.collect()
}

fn model(definition: &Definition) -> Option<Model> {
    let is_model = definition.kind == DefinitionKind::Model;
    is_model.then(|| stored(&definition.value)).flatten()
}

/// Why a model's requests cannot use a key, whatever time passes.
fn unusable(key: &ProviderKey, model: &Model) -> Option<&'static str> {
    match key.disabled {
        Some(_) => Some("it is switched off"),
        None => skipped(key, model.model_name.as_deref()?),
    }
}
