//! Arrays of every length are JSON, whole, and in order.

use foldgate_proto::{
    DefinitionId, DefinitionKind, DefinitionNumber, JsonText, Secrets, Timestamp,
};
use serde_json::{Value, json};

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

async fn read(body: Body) -> Value {
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn an_entry_repeats_its_value_to_the_digit() {
    let shown = definition(1, r#"{"cost":0.10000000000000001,"b":1,"a":2}"#);
    assert_eq!(
        serde_json::to_string(&Entry::of(&shown)).unwrap(),
        r#"{"id":"00000000-0000-0000-0000-000000000001","value":{"cost":0.10000000000000001,"b":1,"a":2},"revision":8}"#
    );
    // A log that another program wrote into does not take a list down.
    let broken = vec![definition(1, "{}"), definition(2, "{\"a\":")];
    let shown = read(list(broken)).await;
    assert_eq!(
        (&shown[0]["value"], &shown[1]["value"]),
        (&json!({}), &Value::Null)
    );
}

#[tokio::test]
async fn lists_of_every_length_are_whole() {
    let text = json!({"display_name": "x".repeat(200)}).to_string();
    let per_piece = PIECE_BYTES / (text.len() + 64);
    for count in [
        0,
        1,
        2,
        per_piece - 40,
        per_piece,
        per_piece + 40,
        5 * per_piece,
    ] {
        let number = |n: usize| u64::try_from(n).unwrap();
        let all = (0..count).map(|n| definition(number(n), &text)).collect();
        let shown = read(list(all)).await;
        let revisions = shown.as_array().unwrap().iter();
        let revisions: Vec<u64> = revisions.map(|e| e["revision"].as_u64().unwrap()).collect();
        let expected: Vec<u64> = (0..count).map(|n| number(n) + 7).collect();
        assert_eq!(revisions, expected);
    }
}

#[test]
fn only_long_lists_come_in_pieces() {
    use axum::body::HttpBody;

    let text = json!({"display_name": "x".repeat(200)}).to_string();
    let all = |count: u64| (0..count).map(|n| definition(n, &text)).collect();
    let short = list(all(10)).size_hint().exact();
    assert!(short.is_some());
    assert_eq!(list(all(10_000)).size_hint().exact(), None);
    let mut pieces = Pieces {
        rest: all(10_000).into_iter(),
        begun: false,
        ended: false,
    };
    assert!(
        pieces
            .by_ref()
            .all(|piece| piece.len() < PIECE_BYTES + 1024)
    );
    assert!(pieces.next().is_none());
}
