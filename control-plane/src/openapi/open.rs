//! What needs no key.

use serde_json::{Value, json};

use super::operation::{Door, Operation};
use super::schema::{object, text, words};
use super::{DOCUMENT, page};

const TAG: &str = "Public";

/// See the module.
pub(super) fn operations() -> Vec<Operation> {
    let open = |path: &'static str, summary: &'static str| {
        Operation::new("GET", path, summary)
            .tag(TAG)
            .door(Door::Open)
            .also(400)
    };
    let document = object(
        &[
            ("openapi", text()),
            ("info", json!({"type": "object"})),
            ("paths", json!({"type": "object"})),
        ],
        &[],
    );
    vec![
        open("/healthz", "Say that the listener answers")
            .answers(object(&[("status", words(&["ok"]))], &[])),
        open(DOCUMENT, "This document")
            .answers(document)
            .tagged()
            .or(304, Value::Null),
        open(page::PAGE, "This document as a page")
            .answers_with("text/html", text())
            .tagged()
            .or(304, Value::Null),
        open(page::SCRIPT, "The page's script")
            .answers_with("text/javascript", text())
            .tagged()
            .or(304, Value::Null),
    ]
}
