//! What `GET /admin/v1/explain` answers.

use serde_json::{Value, json};

use crate::openapi::schema::{
    about, count, flag, list, map, number, object, or_null, success, text, words,
};

/// See the module.
pub(super) fn answer() -> Value {
    let limit = object(
        &[("of", text()), ("what", text()), ("limit", map(number()))],
        &[],
    );
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
            ("api_key", or_null(api_key())),
            ("routed", flag()),
            (
                "refused",
                or_null(object(&[("code", text()), ("message", text())], &[])),
            ),
            ("kind", or_null(words(&["level", "direct", "routing"]))),
            ("winner", or_null(terms(&[], &[]))),
            ("legs", list(leg())),
            (
                "not_enforced",
                list(object(&[("model", text()), ("fields", list(text()))], &[])),
            ),
            ("policies", policies()),
            ("models_not_understood", list(text())),
            ("steps", list(step())),
            ("upstream_model", or_null(text())),
            ("level", or_null(count())),
            ("switch_over", list(count())),
            ("levels", list(level())),
            ("allow_models", list(allowed())),
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
            (
                "price",
                about(
                    or_null(price()),
                    "null of a Model that routes: each leg has its own",
                ),
            ),
        ],
        &[],
    )
}

fn price() -> Value {
    let version = object(&[("table", count()), ("pricing", count())], &[]);
    let field = object(
        &[
            ("section", text()),
            ("field", text()),
            ("size", or_null(text())),
            ("usd", text()),
            ("layer", words(&["owner", "shipped"])),
            ("row", text()),
            ("above", or_null(count())),
        ],
        &[],
    );
    object(
        &[
            ("model", text()),
            ("priced", flag()),
            ("rates", text()),
            ("factor", text()),
            ("version", version),
            ("fields", list(field)),
        ],
        &[],
    )
}

fn allowed() -> Value {
    object(&[("model", text()), ("allowed", flag())], &[])
}

/// The caller key that was named.
fn api_key() -> Value {
    let passes = "whether none of its terms refuses it; limits are counted while calls run, so \
                  they are not judged";
    object(
        &[
            ("id", text()),
            ("number", count()),
            ("name", text()),
            ("masked_key", text()),
            ("account", count()),
            ("passes", about(flag(), passes)),
            (
                "refused_by",
                list(words(&["disabled", "expires_at", "allowed_models"])),
            ),
            ("disabled", flag()),
            ("expires_at", or_null(text())),
            ("allowed_models", list(text())),
            ("models", list(allowed())),
            ("rate_limit", map(count())),
            ("not_enforced", list(text())),
        ],
        &[],
    )
}

/// What applies, and whether it is enforced.
fn policies() -> Value {
    let applying = |value: Value, more: &[(&str, Value)]| {
        let mut fields = vec![
            ("id", text()),
            (
                "enforced",
                about(
                    flag(),
                    "whether it is acted upon, or stored and validated only",
                ),
            ),
            ("value", value),
        ];
        fields.extend_from_slice(more);
        let legs = about(
            list(text()),
            "the targets for whose calls alone it applies; all, where it is left out",
        );
        let fields_left = about(
            list(text()),
            "the fields that are not acted upon, of one that is",
        );
        list(object(
            &fields,
            &[("legs", legs), ("not_enforced", fields_left)],
        ))
    };
    let any = || map(Value::Bool(true));
    let guardrail = object(
        &[
            ("id", text()),
            ("kind", text()),
            ("name", text()),
            ("hook_point", text()),
            ("enforcement_mode", text()),
        ],
        &[],
    );
    let counts = about(
        flag(),
        "whether it is this attachment that counts, of those of its guardrail",
    );
    let exporter = object(&[("kind", text()), ("name", text())], &[]);
    object(
        &[
            (
                "guardrails",
                applying(any(), &[("counts", counts), ("guardrail", guardrail)]),
            ),
            ("cache_policies", applying(any(), &[])),
            ("rate_limit_policies", applying(any(), &[])),
            ("observability_exporters", applying(exporter, &[])),
            (
                "not_listed",
                about(count(), "how many apply beside those that are listed"),
            ),
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

/// What a Model says of itself, with more beside.
fn terms(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let cooldown = object(
        &[
            ("default_seconds", count()),
            ("max_seconds", count()),
            ("honor_retry_after", flag()),
            ("trigger_on_timeout", flag()),
            ("trigger_on_transport", flag()),
            ("trigger_statuses", list(count())),
        ],
        &[],
    );
    let mut all = vec![
        ("model", text()),
        ("id", text()),
        ("number", count()),
        ("timeout", or_null(count())),
        ("stream_timeout", or_null(count())),
        ("concurrency", or_null(count())),
        ("allowed_cidrs", or_null(list(text()))),
    ];
    all.extend_from_slice(required);
    let mut more = vec![
        ("retries", or_null(count())),
        ("cost", or_null(number())),
        ("cooldown", or_null(cooldown)),
        ("strategy", text()),
        ("order_is_fixed", flag()),
        ("hash_on", list(map(text()))),
        ("retry_on_429", flag()),
        ("max_fallbacks", or_null(count())),
        ("fallback_on_statuses", list(count())),
        ("when_all_unavailable", words(&["fail", "try_anyway"])),
    ];
    more.extend_from_slice(optional);
    object(&all, &more)
}

/// One way that a request for a Model may go.
fn leg() -> Value {
    let states = ["awake", "asleep", "no_key", "not_allowed", "left_out"];
    terms(
        &[("state", words(&states))],
        &[
            ("upstream_model", text()),
            ("price", price()),
            ("one_key", flag()),
            ("until", text()),
            ("levels", list(level())),
            ("priority", json!({"type": "integer"})),
            ("weight", count()),
            ("tags", list(text())),
            ("reason", text()),
        ],
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
            (
                "not_enforced",
                about(list(text()), "what is kept of it but not acted upon yet"),
            ),
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
