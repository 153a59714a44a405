//! States with many Models, as the admin API makes them.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_domain::State;
use foldgate_proto::event::DefinitionPut;
use foldgate_proto::{
    DefinitionId, DefinitionKind, DefinitionNumber, Event, JsonText, Record, RecordHash, ResourceId,
};
use uuid::Uuid;

use crate::{record, state_with};

/// How many targets a routing Model has here.
const TARGETS: u64 = 4;

/// A put of one Model: of four, one has a wildcard, one routes to those before it.
pub fn model_event(number: u64) -> Record {
    let (name, rest) = match number % 4 {
        0 => (
            format!("lead-{number}"),
            format!(r#""routing":{{"targets":[{}]}}"#, targets(number)),
        ),
        1 => (
            format!("house-{number}/*"),
            format!(r#""model_name":"up-{number}-*","level":1"#),
        ),
        _ => (
            format!("named-{number}"),
            format!(r#""model_name":"up-{number}","level":1"#),
        ),
    };
    let refers = match number % 4 {
        0 => leads_to(number).map(id_of).collect(),
        _ => BTreeSet::new(),
    };
    let put = DefinitionPut {
        id: DefinitionId(Uuid::from_u128(u128::from(number))),
        kind: DefinitionKind::Model,
        number: DefinitionNumber(number),
        value: JsonText(format!(r#"{{"display_name":"{name}",{rest}}}"#)),
        name,
        secrets: BTreeMap::new(),
        refers,
    };
    record("PutDefinition", vec![Event::DefinitionPut(put)])
}

/// Names that lead to Models, and as many that do not.
pub fn names(models: u64) -> (Vec<String>, Vec<String>) {
    let one = |number: u64| match number % 4 {
        0 => format!("lead-{number}"),
        1 => format!("house-{number}/large"),
        _ => format!("named-{number}"),
    };
    let led = (1..=models).map(one).collect();
    (led, crate::models(usize::try_from(models).unwrap_or(1)))
}

/// A state with this many LEVEL_MAPPER patterns and as many Models.
pub fn state_with_models(patterns: usize, models: u64) -> State {
    let mut state = state_with(1, patterns);
    for number in 1..=models {
        let revision = state.revision.next();
        state.apply(revision, RecordHash([0; 32]), &model_event(number));
    }
    state
}

/// Direct Models made before this one.
fn leads_to(number: u64) -> impl Iterator<Item = u64> {
    let before = (1..number).rev().filter(|one| one % 4 > 1);
    before.take(usize::try_from(TARGETS).unwrap_or(1))
}

fn targets(number: u64) -> String {
    let targets = leads_to(number).map(|one| format!(r#"{{"model":"named-{one}"}}"#));
    targets.collect::<Vec<_>>().join(",")
}

const fn id_of(number: u64) -> ResourceId {
    ResourceId::Definition(DefinitionKind::Model, DefinitionNumber(number))
}
