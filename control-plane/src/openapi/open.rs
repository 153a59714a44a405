//! What needs no key.

use serde_json::{Value, json};

use super::answer::UNCHANGED;
use super::operation::{Door, Operation};
use super::schema::{list, object, text, words};
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
    let ready = readiness();
    let plain = json!({"schema": text()});
    let not_ready = json!({"application/json": {"schema": ready}, "text/plain": plain});
    let ends = json!({"text/plain": plain});
    vec![
        open("/livez", "Say that the process lives")
            .answers_with("text/plain", text())
            .or(503, "the process was told to end", ends),
        open("/readyz", "Say whether traffic may come")
            .about("As JSON what is not ready; with `verbose` every part, as text.")
            .answers(ready)
            .or_plain()
            .or(503, "not ready: traffic should go elsewhere", not_ready),
        open("/metrics", "Show the metrics, for Prometheus").answers_with("text/plain", text()),
        open("/healthz", "Say that the listener answers")
            .answers(object(&[("status", words(&["ok"]))], &[])),
        open(DOCUMENT, "This document")
            .answers(document)
            .tagged()
            .or(304, UNCHANGED, Value::Null),
        open(page::PAGE, "This document as a page")
            .answers_with("text/html", text())
            .tagged()
            .or(304, UNCHANGED, Value::Null),
        open(page::SCRIPT, "The page's script")
            .answers_with("text/javascript", text())
            .tagged()
            .or(304, UNCHANGED, Value::Null),
    ]
}

/// What `/readyz` tells; only what is not ready unless it is asked for more.
fn readiness() -> Value {
    let status = || words(&["ready", "degraded", "not_ready"]);
    let part = object(
        &[("name", text()), ("status", status())],
        &[("reason", text())],
    );
    object(&[("status", status()), ("components", list(part))], &[])
}
