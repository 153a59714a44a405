//! What an entry says is what was stored.

use foldgate_proto::{
    DefinitionId, DefinitionKind, DefinitionNumber, JsonText, Secrets, Timestamp,
};
use serde_json::Value;

use super::*;

fn definition(number: u64, text: &str) -> Arc<Definition> {
    Arc::new(Definition {
        id: DefinitionId(Uuid::from_u128(number.into())),
        kind: DefinitionKind::Model,
        number: DefinitionNumber(number),
        name: String::new(),
        value: JsonText(text.to_owned()),
        secrets: Secrets::new().into(),
        refers: std::collections::BTreeSet::new().into(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        revision: Revision(number + 7),
    })
}

#[test]
fn an_entry_repeats_its_value_to_the_digit() {
    let shown = definition(1, r#"{"cost":0.10000000000000001,"b":1,"a":2}"#);
    assert_eq!(
        serde_json::to_string(&Entry::of(&shown)).unwrap(),
        r#"{"id":"00000000-0000-0000-0000-000000000001","value":{"cost":0.10000000000000001,"b":1,"a":2},"revision":8}"#
    );
    // A log that another program wrote into does not take a list down.
    let broken: Value = serde_json::from_str(&written(&definition(2, "{\"a\":"))).unwrap();
    assert_eq!(broken["value"], Value::Null);
}
