//! Values of every kind, and an owner that has what they speak of.

use foldgate_proto::DefinitionKind::{self, Guardrail, McpServer, Model};
use serde_json::{Value, json};

use crate::OwnerState;
use crate::decide::tests::definition::put;
use crate::decide::tests::given::{Given, add, given};
use crate::decide::tests::people::add_account;

/// An owner with one of what others speak of. The last digits of their ids in the
/// tables: the owner itself 0001, the caller key 0009, the account 01fd, the provider
/// key 03e9, the Model 1389, the guardrail 138a, the MCP server 138b; ffff is nobody.
pub(crate) fn stocked() -> Given {
    given()
        .and(&add_account("team", 1, 9))
        .and(&add(1, "https://api.openai.com", 1))
        .and(&put(
            Model,
            1,
            &json!({
                "display_name": "gpt-4o", "model_name": "gpt-4o", "level": 1,
            }),
        ))
        .and(&put(Guardrail, 2, &keyword("words")))
        .and(&put(
            McpServer,
            3,
            &json!({ "name": "tools", "url": "https://mcp.example.com" }),
        ))
}

/// The same, with another Model, 138c.
pub(crate) fn owner() -> OwnerState {
    let claude = json!({ "display_name": "claude", "model_name": "claude", "level": 1 });
    stocked().and(&put(Model, 4, &claude)).owner().clone()
}

pub(crate) fn keyword(name: &str) -> Value {
    json!({ "kind": "keyword", "name": name, "patterns": [
        { "kind": "literal", "value": "secret" },
        { "kind": "regex", "value": "(?i)pass(word)?" },
    ] })
}

/// A table's lines: a kind, and a value of it. Lines that begin with `#` are remarks.
pub(super) fn lines(
    table: impl Iterator<Item = &'static str>,
) -> impl Iterator<Item = (DefinitionKind, Value)> {
    let written = table.filter(|line| !line.is_empty() && !line.starts_with('#'));
    written.map(|line| {
        let (kind, value) = line.split_once(' ').expect("a kind and a value");
        let kind = kind.parse().unwrap_or_else(|_| panic!("{kind} is no kind"));
        let value = serde_json::from_str(value).unwrap_or_else(|e| panic!("{e} in {line}"));
        (kind, value)
    })
}

/// Values that are legal where [`owner`] is.
pub(crate) fn good() -> Vec<(DefinitionKind, Value)> {
    lines(include_str!("good.txt").lines()).collect()
}
