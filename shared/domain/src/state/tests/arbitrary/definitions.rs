//! Definitions as no decision would make them: ids and names twice, kinds that are
//! not theirs, values that are none, speaking of what never was.

use std::collections::BTreeSet;

use foldgate_proto::event::{DefinitionPut, DefinitionRemoved};
use foldgate_proto::{
    Definition, DefinitionId, DefinitionKind, DefinitionNumber, Event, JsonText, ResourceId,
    Revision, Secrets, Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::people::resource_id;
use super::secret;

/// Few, so that they meet.
const KINDS: [DefinitionKind; 3] = [
    DefinitionKind::Model,
    DefinitionKind::Guardrail,
    DefinitionKind::GuardrailAttachment,
];

const VALUES: [&str; 6] = [
    "",
    "[]",
    "{}",
    r#"{"display_name":"ab","model_name":"b","level":1}"#,
    r#"{"display_name":"a*","model_name":"c","provider_key_id":"00000000-0000-0000-0000-000000000001"}"#,
    r#"{"display_name":"b","routing":{"targets":[{"model":"ab"},{"model":"b"}]}}"#,
];

fn kind() -> impl Strategy<Value = DefinitionKind> {
    prop::sample::select(&KINDS[..])
}

fn number() -> impl Strategy<Value = DefinitionNumber> {
    prop_oneof![9 => 0..6_u64, 1 => u64::MAX - 1..=u64::MAX].prop_map(DefinitionNumber)
}

/// The name of a definition.
pub(super) fn definition_id() -> impl Strategy<Value = ResourceId> {
    (kind(), number()).prop_map(|(kind, number)| ResourceId::Definition(kind, number))
}

fn secrets() -> impl Strategy<Value = Secrets> {
    proptest::collection::btree_map("/(api_key|headers/a)", secret(), 0..2)
}

fn refers() -> impl Strategy<Value = BTreeSet<ResourceId>> {
    proptest::collection::btree_set(resource_id(), 0..4)
}

fn value() -> impl Strategy<Value = JsonText> {
    prop::sample::select(&VALUES[..]).prop_map(|value| JsonText(value.to_owned()))
}

fn name() -> impl Strategy<Value = String> {
    "|[aAbB]|a\\*"
}

fn put() -> impl Strategy<Value = DefinitionPut> {
    (
        0..6_u128,
        kind(),
        number(),
        name(),
        value(),
        secrets(),
        refers(),
    )
        .prop_map(
            |(id, kind, number, name, value, secrets, refers)| DefinitionPut {
                id: DefinitionId(Uuid::from_u128(id)),
                kind,
                number,
                name,
                value,
                secrets,
                refers,
            },
        )
}

/// A definition that is brought back.
pub(super) fn definition() -> impl Strategy<Value = Definition> {
    put().prop_map(|put| Definition {
        id: put.id,
        kind: put.kind,
        number: put.number,
        name: put.name,
        value: put.value,
        secrets: put.secrets.into(),
        refers: put.refers.into(),
        created_at: Timestamp(1),
        updated_at: Timestamp(2),
        revision: Revision(9),
    })
}

pub(super) fn definitions() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => put().prop_map(Event::DefinitionPut),
        1 => (kind(), number()).prop_map(|(kind, number)| {
            Event::DefinitionRemoved(DefinitionRemoved { kind, number })
        }),
    ]
}
