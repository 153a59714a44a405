//! Samples of what happens to definitions, of every kind, and of definitions that
//! are brought back.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::event::{DefinitionPut, DefinitionRemoved, RecordUndone, StateRestored};
use foldgate_proto::{
    AccountNumber, CallerKeyNumber, Change, Definition, DefinitionId, DefinitionKind,
    DefinitionNumber, Event, JsonText, KeyNumber, Record, Resource, ResourceId, Revision, Secrets,
    Timestamp,
};

use super::{AT, record, secret, uuid};

/// A value as it is stored; these need not be what the domain takes.
fn value(kind: DefinitionKind) -> JsonText {
    JsonText(match kind {
        DefinitionKind::ObservabilityExporter => {
            r#"{"endpoint":"https://otel.example.com/v1/traces","headers":{"x~team":"fg…1234"},"kind":"otlp_http","name":"traces é中","sample_rate":0.1}"#.to_owned()
        }
        DefinitionKind::GuardrailAttachment => {
            r#"{"enabled":true,"priority":-1,"scope_type":"env"}"#.to_owned()
        }
        kind => format!(r#"{{"name":"a {kind}"}}"#),
    })
}

fn name(kind: DefinitionKind) -> String {
    match kind {
        DefinitionKind::ObservabilityExporter => "traces \u{e9}\u{4e2d}".to_owned(),
        DefinitionKind::GuardrailAttachment => String::new(),
        kind => format!("a {kind}"),
    }
}

fn secrets(kind: DefinitionKind) -> Secrets {
    match kind {
        DefinitionKind::ObservabilityExporter => {
            BTreeMap::from([("/headers/x~0team".to_owned(), secret("fg\u{2026}1234"))])
        }
        _ => Secrets::new(),
    }
}

/// Every sort of resource that a definition speaks of.
fn refers(kind: DefinitionKind) -> BTreeSet<ResourceId> {
    match kind {
        DefinitionKind::GuardrailAttachment => BTreeSet::from([
            ResourceId::Key(KeyNumber(123)),
            ResourceId::Account(AccountNumber(42)),
            ResourceId::CallerKey(CallerKeyNumber(7)),
            ResourceId::Definition(DefinitionKind::Guardrail, DefinitionNumber(2)),
            ResourceId::Definition(DefinitionKind::Model, DefinitionNumber(u64::MAX)),
        ]),
        _ => BTreeSet::new(),
    }
}

fn numbered() -> impl Iterator<Item = (DefinitionNumber, DefinitionKind)> {
    let kinds = DefinitionKind::ALL.iter().copied();
    (1..).map(DefinitionNumber).zip(kinds)
}

fn definition(number: DefinitionNumber, kind: DefinitionKind) -> Definition {
    Definition {
        id: DefinitionId(uuid(u128::from(number.0) + 100)),
        kind,
        number,
        name: name(kind),
        value: value(kind),
        secrets: secrets(kind).into(),
        refers: refers(kind).into(),
        created_at: AT,
        updated_at: Timestamp(AT.0 + 1),
        revision: Revision(12),
    }
}

fn changes() -> Vec<Change> {
    let back = numbered().map(|(number, kind)| Change {
        resource: ResourceId::Definition(kind, number),
        value: Some(Resource::Definition(Box::new(definition(number, kind)))),
    });
    let gone = Change {
        resource: ResourceId::Definition(DefinitionKind::Model, DefinitionNumber(99)),
        value: None,
    };
    back.chain([gone]).collect()
}

pub(crate) fn records() -> Vec<(&'static str, Record)> {
    let put = numbered().map(|(number, kind)| {
        Event::DefinitionPut(DefinitionPut {
            id: DefinitionId(uuid(u128::from(number.0) + 100)),
            kind,
            number,
            name: name(kind),
            value: value(kind),
            secrets: secrets(kind),
            refers: refers(kind),
        })
    });
    let removed = numbered()
        .map(|(number, kind)| Event::DefinitionRemoved(DefinitionRemoved { kind, number }));
    let undone = Event::RecordUndone(RecordUndone {
        revision: Revision(9),
        changes: changes(),
    });
    let restored = Event::StateRestored(StateRestored {
        revision: Revision(8),
        changes: changes(),
    });
    vec![
        ("definition_put", record("PutDefinition", put.collect())),
        (
            "definition_removed",
            record("RemoveDefinition", removed.collect()),
        ),
        ("record_undone_definitions", record("Undo", vec![undone])),
        (
            "state_restored_definitions",
            record("Restore", vec![restored]),
        ),
    ]
}
