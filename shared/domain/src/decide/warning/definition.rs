//! What a definition says that nothing acts on yet, or that leads nowhere.

use foldgate_proto::{Definition, DefinitionKind, Level};

use super::Warning;
use crate::OwnerState;
use crate::command::PutDefinition;
use crate::definition::{Model, Registered, stored};

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
    if definition.kind != DefinitionKind::Model {
        return None;
    }
    let model = stored::<Model>(&definition.value)?;
    let level = Level::new(u64::from(model.level?))?;
    (!after.is_staffed(level)).then_some(Warning::ModelWithoutKeys(model.display_name, level))
}
