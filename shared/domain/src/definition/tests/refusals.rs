//! Values that are refused, and what is said of them.

use foldgate_proto::DefinitionKind::{self, Guardrail};
use serde_json::{Value, json};

use super::checked;
use super::values::{keyword, lines};

type Case = (DefinitionKind, Value, &'static str);

/// Each value of a table with how its refusal begins.
fn cases(table: &'static str) -> Vec<Case> {
    let (values, said): (Vec<_>, Vec<_>) = table.lines().partition(|line| !line.starts_with(' '));
    let values = lines(values.into_iter());
    let cases: Vec<Case> = values
        .zip(&said)
        .map(|((kind, value), said)| (kind, value, said.trim()))
        .collect();
    assert_eq!(cases.len(), said.len(), "each value has a line of its own");
    cases
}

/// What the schema refuses too.
pub(super) fn bad() -> Vec<Case> {
    let mut cases = cases(include_str!("bad.txt"));
    let named = keyword(&"x".repeat(121));
    cases.push((Guardrail, named, "name: is longer than 120 characters"));
    cases
}

/// What only the check can know.
pub(super) fn beyond() -> Vec<Case> {
    let mut cases = cases(include_str!("beyond.txt"));
    let mut heavy = keyword("g");
    heavy["patterns"] = vec![json!({ "kind": "regex", "value": r"\pL{40}" }); 1000].into();
    let said = "patterns[0].value: the regular expressions from here on take more than 4 MiB";
    cases.push((Guardrail, heavy, said));
    cases
}

/// Words of the libraries that read and check, which whoever sends JSON cannot know.
const FOREIGN: &[&str] = &[
    "variant",
    "lower than",
    "greater than",
    "expected",
    "`, ",
    "u16",
    "struct",
];

#[test]
fn bad_values_are_refused_by_field() {
    let mut wrong = Vec::new();
    for (kind, value, expected) in bad().into_iter().chain(beyond()) {
        let fault = checked(kind, &value).expect_err(&format!("{kind} {value}"));
        let said = fault.to_string();
        let foreign = FOREIGN.iter().any(|word| fault.problem.contains(word));
        if !said.starts_with(expected) || foreign {
            wrong.push(format!("{said}\ninstead of {expected}\nof {value}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
