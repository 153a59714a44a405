//! Who administers, tenants, and the fleet.

use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{
    Components, about, any_of, closed, count, flag, list, object, or_null, success, text, time,
    whole, words,
};
use super::written;
use crate::admin_api::admin_keys::AdminKeyView;
use crate::fleet::{Alarm, Row};

/// A name on one line that neither begins nor ends with white space.
const NAME: &str = r"^[!-~]([ -~]*[!-~])?$";

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    let mut all = admin_keys(&components.answer::<AdminKeyView<'_>>());
    all.extend(owners());
    let row = components.answer::<Row>();
    let alarm = components.answer::<Alarm>();
    all.push(fleet(&row, &alarm));
    all.push(
        Operation::new(
            "GET",
            "/admin/v1/log",
            "Read the stored records of the whole log",
        )
        .about(
            "The first owner alone. Lines of an export (NDJSON), its header first; no record \
                 is the end.",
        )
        .answers_with("application/x-ndjson", text()),
    );
    all.push(
        Operation::new(
            "GET",
            "/admin/v1/access_log",
            "Read failed log-ins and refused writes",
        )
        .about("Each control plane keeps its own.")
        .answers(access_log()),
    );
    let all = all.into_iter();
    all.map(|operation| operation.tag("Administration"))
        .collect()
}

fn admin_keys(view: &Value) -> Vec<Operation> {
    const ALL: &str = "/admin/v1/admin_keys";
    const ONE: &str = "/admin/v1/admin_keys/{id}";
    let with = |extra: (&str, Value)| json!({"allOf": [view, object(&[("success", success())], &[extra])]});
    let done = written::done(&[], &[("key", about(text(), "the key itself, once"))]);
    let name = json!({"type": "string", "minLength": 1, "maxLength": 63, "pattern": NAME});
    let deleted = written::done(
        &[("id", text()), ("number", count()), ("message", text())],
        &[],
    );
    vec![
        Operation::new("GET", ALL, "List admin keys").answers(object(
            &[("success", success()), ("items", list(view.clone()))],
            &[],
        )),
        Operation::new("POST", ALL, "Issue an admin key")
            .about("The key stands in this answer and never again.")
            .body(closed(
                &[
                    ("name", name),
                    ("role", words(&["owner", "operator", "auditor"])),
                ],
                &[("expires_at", or_null(about(time(), "in the future")))],
            ))
            .example(
                "auditor",
                json!({"name": "audit script", "role": "auditor"}),
            )
            .answers(json!({"allOf": [view, done]}))
            .tagged(),
        Operation::new("GET", ONE, "Show an admin key")
            .answers(with(("key", text())))
            .tagged(),
        Operation::new("DELETE", ONE, "Revoke an admin key")
            .answers(deleted)
            .if_match(),
    ]
}

fn owners() -> Vec<Operation> {
    const PATH: &str = "/admin/v1/owners";
    let row = object(&[("name", text()), ("account", count())], &[]);
    let name = json!({"type": "string", "minLength": 1, "maxLength": 63, "pattern": NAME});
    let key = json!({"type": ["string", "null"], "minLength": 20, "maxLength": 512, "pattern": "^[!-~]*$"});
    vec![
        Operation::new("GET", PATH, "List the tenants")
            .about("The first owner alone.")
            .answers(object(&[("success", success()), ("items", list(row))], &[]))
            .paged(),
        Operation::new("POST", PATH, "Make a tenant")
            .about("The first owner alone. The key stands in this answer and never again.")
            .body(closed(
                &[("name", name)],
                &[("key", about(key, "its owner key; drawn unless given"))],
            ))
            .example("drawn", json!({"name": "example tenant"}))
            .answers(written::done(
                &[
                    ("id", text()),
                    ("name", text()),
                    ("account", count()),
                    ("mask", text()),
                ],
                &[("key", text())],
            )),
    ]
}

fn fleet(row: &Value, alarm: &Value) -> Operation {
    let arrival = object(
        &[
            ("node", text()),
            ("region", text()),
            ("role", text()),
            ("version", text()),
            ("revision", count()),
            ("lag", count()),
            ("live", flag()),
        ],
        &[],
    );
    Operation::new(
        "GET",
        "/admin/v1/fleet",
        "Show every node, and where it stands",
    )
    .about("Other owners than the first see only whether their changes have arrived.")
    .answers(object(
        &[
            ("success", success()),
            ("revision", count()),
            ("items", list(any_of(&[row.clone(), arrival]))),
        ],
        &[("alarms", list(alarm.clone()))],
    ))
}

fn access_log() -> Value {
    let line = object(
        &[
            ("id", count()),
            ("node", text()),
            ("at", text()),
            ("address", or_null(text())),
            ("actor", or_null(text())),
            ("method", text()),
            ("path", text()),
            ("status", whole(100, 599)),
            ("code", or_null(text())),
            ("request_id", text()),
        ],
        &[],
    );
    object(
        &[
            ("success", success()),
            ("node", text()),
            ("items", list(line)),
            ("next_cursor", or_null(text())),
        ],
        &[],
    )
}
