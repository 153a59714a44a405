//! The configuration, and what is in force.

use foldgate_proto::ConfigKey;
use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{
    Components, about, closed, count, flag, limit_fields, list, map, number, object, success, text,
    whole,
};
use super::written;

mod body;

const TAG: &str = "Configuration";

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    let limits = components.name("Limits", limit_fields(false));
    let shown = components.name("Configuration", shown(&limits));
    let put = |method, summary| {
        Operation::new(method, "/x-config", summary)
            .about(
                "Keys that are not named stay. GET's whole answer, or its `configs`, may come back \
                 as it is. Operators may name the keys that route.",
            )
            .body(body::changed())
            .example("mapping", json!({"LEVEL_MAPPER": "gpt-4*=1, llama*=2"}))
            .answers(written::done(
                &[("updated", shown.clone()), ("message", text())],
                &[],
            ))
            .if_match()
    };
    let names: Vec<&str> = ConfigKey::ALL.iter().map(|key| key.as_str()).collect();
    let keys = json!({
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "enum": names},
    });
    let all = vec![
        Operation::new("GET", "/x-config", "Show the configuration")
            .answers(object(
                &[
                    ("success", success()),
                    ("oid", count()),
                    ("configs", shown.clone()),
                ],
                &[],
            ))
            .tagged(),
        put("PUT", "Change the configuration"),
        put("POST", "Change the configuration, by POST"),
        Operation::new("DELETE", "/x-config", "Set keys back to the system default")
            .body(closed(&[("keys", keys)], &[]))
            .example("pricing", json!({"keys": ["PRICING"]}))
            .answers(written::done(
                &[("deleted", list(text())), ("message", text())],
                &[],
            ))
            .if_match(),
        Operation::new(
            "GET",
            "/x-conf",
            "Show what is in force, and which keys are not in use",
        )
        .answers(in_force(&limits)),
    ];
    all.into_iter()
        .map(|operation| operation.tag(TAG))
        .collect()
}

fn shown(limits: &Value) -> Value {
    object(
        &[],
        &[
            ("MODEL_MAPPER", map(text())),
            ("LEVEL_MAPPER", map(whole(0, 9999))),
            ("SWITCH_OVER", map(whole(0, 9999))),
            ("RESOURCES", map(closed(&[], &[]))),
            ("MODEL_LIMITS", map(limits.clone())),
            ("PRICING", text()),
            (
                "FACTOR",
                about(
                    number(),
                    "what every account's prices are multiplied by, beside its Rates; 1 unless set",
                ),
            ),
            ("XAI_MAIL", text()),
            ("EMAIL_SMTP", text()),
            ("EMAIL_PORT", text()),
            ("EMAIL_AUTH", text()),
            ("EMAIL_PASS", about(text(), "a mask")),
            ("EMAIL_TLS", flag()),
        ],
    )
}

fn in_force(limits: &Value) -> Value {
    let key = || {
        vec![
            ("ID", count()),
            ("Name", text()),
            ("Level", count()),
            ("Provider", text()),
        ]
    };
    let mut asleep = key();
    asleep.extend([
        ("Until", super::schema::time()),
        ("RemainingSeconds", count()),
        ("Cause", text()),
        ("Node", text()),
        ("Region", text()),
    ]);
    let asleep = object(
        &asleep,
        &[
            ("Model", text()),
            ("UpstreamStatus", count()),
            ("Detail", text()),
        ],
    );
    let mut disabled = key();
    disabled.extend([
        ("Reason", text()),
        ("By", text()),
        ("At", super::schema::time()),
    ]);
    object(
        &[
            ("success", success()),
            ("Resources", map(closed(&[], &[]))),
            ("LevelMapper", map(count())),
            ("ModelMapper", map(text())),
            ("ModelLimits", map(limits.clone())),
            ("SwitchOver", map(count())),
            ("SleepingKeys", list(asleep)),
            ("DisabledKeys", list(object(&disabled, &[]))),
            ("UserMinBalance", number()),
            ("UserApiBalance", number()),
        ],
        &[],
    )
}
