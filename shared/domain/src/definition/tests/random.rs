//! Values at random: nothing panics, and what is taken is what the schema says.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use foldgate_proto::DefinitionKind;
use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use super::line;
use super::schemas::judge;
use super::values::{good, owner};
use crate::OwnerState;

static JUDGES: LazyLock<BTreeMap<DefinitionKind, Validator>> = LazyLock::new(|| {
    let kinds = DefinitionKind::ALL.iter();
    kinds.map(|kind| (*kind, judge(*kind))).collect()
});

static OWNER: LazyLock<OwnerState> = LazyLock::new(owner);

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..5).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "", " ", "a", "none", "all", "model:", "(", "http://x", "__"
        ])
        .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = prop::sample::select(vec!["name", "kind", "value", "limits", "~/", "*"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4).prop_map(|fields| {
                let fields = fields.into_iter();
                let fields = fields.map(|(name, value)| (name.to_owned(), value));
                Value::Object(fields.collect())
            }),
        ]
    })
}

/// Every place in a value.
fn spots(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                spots(inner, &at, found);
                found.push(at);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                let at = format!("{at}/{index}");
                spots(inner, &at, found);
                found.push(at);
            }
        }
        _ => {}
    }
}

/// A legal value, with one place of it changed, or with one field more.
fn nearly() -> impl Strategy<Value = (DefinitionKind, Value)> {
    let change = (any::<Index>(), any::<Index>(), 0..3_u8, json());
    change.prop_map(|(which, place, how, other)| {
        let all = good();
        let (kind, mut value) = which.get(&all).clone();
        let mut found = Vec::new();
        spots(&value, "", &mut found);
        let at = place.get(&found).clone();
        match how {
            0 => *value.pointer_mut(&at).expect("it is there") = other,
            1 => {
                let (above, last) = at.rsplit_once('/').expect("a pointer");
                match value.pointer_mut(above).expect("it is there") {
                    Value::Object(fields) => drop(fields.remove(last)),
                    Value::Array(items) => items.push(other),
                    _ => {}
                }
            }
            _ => match value.pointer_mut(&at).expect("it is there") {
                Value::Object(fields) => drop(fields.insert("more".to_owned(), other)),
                spot => *spot = json!([spot.take()]),
            },
        }
        (kind, value)
    })
}

/// The check and the schema, of one value; the schema may let pass what it cannot
/// say, never the other way round.
fn agree(kind: DefinitionKind, fields: &Map<String, Value>) {
    let Ok(checked) = line(kind).check(fields, &OWNER) else {
        return;
    };
    let judge = &JUDGES[&kind];
    let value = Value::Object(fields.clone());
    let fault = judge.validate(&value).err().map(|fault| fault.to_string());
    assert_eq!(fault, None, "{kind} took {value}");
    let stored: Map<String, Value> = serde_json::from_str(&checked.value.0).expect("an object");
    let again = line(kind).check(&stored, &OWNER);
    assert_eq!(again.as_ref(), Ok(&checked), "{value}");
    let _ = line(kind).unenforced(&checked.value);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_nearly_legal_is_judged_alike((kind, value) in nearly()) {
        if let Value::Object(fields) = &value {
            agree(kind, fields);
        }
    }

    #[test]
    fn anything_is_taken_or_refused(
        kind in prop::sample::select(DefinitionKind::ALL),
        fields in prop::collection::btree_map("[a-z_]{1,8}|name|display_name|url", json(), 0..5),
    ) {
        agree(kind, &fields.into_iter().collect());
    }
}
