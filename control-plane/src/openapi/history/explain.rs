//! What `GET /admin/v1/explain` answers.

use serde_json::{Value, json};

use crate::openapi::schema::{
    count, flag, list, map, number, object, or_null, success, text, words,
};

/// See the module.
pub(super) fn answer() -> Value {
    let limit = object(
        &[("of", text()), ("what", text()), ("limit", map(number()))],
        &[],
    );
    let note = || object(&[("note", text())], &[("priced", flag())]);
    object(
        &[
            ("success", success()),
            ("model", text()),
            (
                "account",
                object(
                    &[("id", count()), ("name", text()), ("dna", or_null(text()))],
                    &[],
                ),
            ),
            ("routed", flag()),
            (
                "refused",
                or_null(object(&[("code", text()), ("message", text())], &[])),
            ),
            ("steps", list(step())),
            ("upstream_model", text()),
            ("level", or_null(count())),
            ("switch_over", list(count())),
            ("levels", list(level())),
            (
                "allow_models",
                list(object(&[("model", text()), ("allowed", flag())], &[])),
            ),
            (
                "limits",
                object(
                    &[
                        ("enforced", flag()),
                        ("note", text()),
                        ("limits", list(limit)),
                    ],
                    &[],
                ),
            ),
            ("price", note()),
        ],
        &[],
    )
}

fn step() -> Value {
    let to = || json!({"type": ["string", "integer", "null"]});
    let losing = object(&[("pattern", text()), ("to", to())], &[]);
    object(
        &[
            (
                "step",
                words(&["account_mapper", "model_mapper", "level_mapper"]),
            ),
            ("from", text()),
            ("to", to()),
            ("pattern", or_null(text())),
            ("losing", list(losing)),
        ],
        &[("layer", words(&["owner", "completed"]))],
    )
}

/// A Level of the chain, with its keys.
fn level() -> Value {
    let key = object(
        &[
            ("id", count()),
            ("name", text()),
            ("provider", text()),
            ("serves", flag()),
            ("state", words(&["awake", "asleep", "disabled", "skipped"])),
        ],
        &[
            ("reason", text()),
            ("by", text()),
            ("until", text()),
            ("cause", text()),
            ("node", text()),
            ("for_model", text()),
        ],
    );
    object(
        &[
            ("level", count()),
            ("allowed", flag()),
            ("keys_total", count()),
            ("keys", list(key)),
        ],
        &[],
    )
}
