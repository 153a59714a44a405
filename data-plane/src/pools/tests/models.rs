//! What is kept of Models beside the pools.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_domain::Table;
use foldgate_domain::command::{Command, PutDefinition, RemoveDefinition};
use foldgate_log::Observer as _;
use foldgate_proto::{DefinitionId, DefinitionKind, DefinitionNumber, Event, JsonText};
use uuid::Uuid;

use super::super::{Of, lock};
use super::{OWNER, World};

/// A new Model.
fn put(name: &str) -> Command {
    let value = serde_json::json!({"display_name": name, "model_name": "m", "level": 1});
    let serde_json::Value::Object(value) = value else {
        panic!("an object");
    };
    Command::PutDefinition(Box::new(PutDefinition {
        kind: DefinitionKind::Model,
        id: DefinitionId(Uuid::new_v4()),
        number: None,
        value,
        secrets: BTreeMap::new(),
    }))
}

#[test]
fn what_is_counted_of_a_model_goes_with_it() {
    let mut world = World::new();
    let remove = |number| {
        Command::RemoveDefinition(RemoveDefinition {
            kind: DefinitionKind::Model,
            number: DefinitionNumber(number),
        })
    };
    world.run(&put("one"));
    world.run(&put("two"));
    let of = |world: &World, number| {
        world
            .pools
            .gauges()
            .of(OWNER, Of::Model(DefinitionNumber(number)))
    };
    let permit = of(&world, 1).enter(None);
    assert_eq!(of(&world, 2).running(), 0);
    world.run(&remove(2));
    assert_eq!(world.pools.gauges().len(), 1);
    assert_eq!(of(&world, 1).running(), 1, "what stays counts on");
    world.run(&remove(1));
    assert_eq!(world.pools.gauges().len(), 0);
    drop(permit);
    // A fold that began anew forgets what its state does not have.
    let _gone = of(&world, 1);
    world.pools.load(&world.state);
    assert_eq!(world.pools.gauges().len(), 0);
}

#[test]
fn models_of_a_newer_version_are_counted_until_they_are_understood() {
    let mut world = World::new();
    let mut record = world.recorded(&put("new"));
    let mut left_out = |value: &str| {
        for event in &mut record.events {
            if let Event::DefinitionPut(put) = event {
                put.value = JsonText(value.to_owned());
            }
        }
        let before = Table::new(&world.state);
        world.take(&record);
        let count = || lock(&world.pools.unread).values().map(BTreeMap::len).sum();
        let table = before.advance(&world.state, [&record]);
        world.pools.compiled(&table, Some(&BTreeSet::from([OWNER])));
        let folded: usize = count();
        // A node that begins with this state counts the same.
        world.pools.compiled(&Table::new(&world.state), None);
        assert_eq!(count(), folded);
        folded
    };
    let known = r#"{"display_name":"new","model_name":"m","level":1}"#;
    assert_eq!(left_out(known), 0);
    let newer = r#"{"display_name":"new","model_name":"m","level":1,"later":true}"#;
    assert_eq!(left_out(newer), 1);
    let nowhere = r#"{"display_name":"new","model_name":"m"}"#;
    assert_eq!(left_out(nowhere), 1);
    assert_eq!(left_out(known), 0);
}
