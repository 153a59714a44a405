//! The keys that accounts call with.

use serde_json::{Value, json};

use super::accounts::{edits, limits, shown_list};
use super::operation::Operation;
use super::schema::{
    Components, about, any_of, closed, count, flag, line, list, named, object, or_null, pattern,
    success, text, time, whole,
};
use super::written;
use crate::owner_api::caller_keys;

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    components.name("CallerKey", caller_key());
    let all = all().into_iter();
    all.map(|operation| operation.tag("Caller keys")).collect()
}

fn all() -> Vec<Operation> {
    const ALL: &str = "/x-users/{id}/keys";
    const ONE: &str = "/x-users/{id}/keys/{key}";
    let one = || written::done(&[("key", named("CallerKey"))], &[]);
    let overlap = whole(0, foldgate_domain::decide::MAX_OVERLAP.as_secs());
    let confirm = pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}-ROTATE-SELF$");
    vec![
        Operation::new("GET", ALL, "List an account's keys").answers(object(
            &[("success", success()), ("keys", list(named("CallerKey")))],
            &[],
        )),
        Operation::new("POST", ALL, "Issue a key")
            .about("The key stands in this answer and never again.")
            .body(closed(&[], &key_fields()))
            .example("plain", json!({"Name": "ci"}))
            .answers(one())
            .tagged(),
        Operation::new("GET", ONE, "Show a key")
            .answers(object(
                &[("success", success()), ("key", named("CallerKey"))],
                &[],
            ))
            .tagged(),
        Operation::new("PUT", ONE, "Change a key")
            .body(changed_key())
            .example("name", json!({"Name": "ci, nightly"}))
            .answers(one())
            .if_match(),
        Operation::new("DELETE", ONE, "Revoke a key")
            .answers(written::removed(count()))
            .if_match(),
        Operation::new("POST", "/x-users/{id}/keys/{key}/rotate", "Draw a key anew")
            .about("The old one stays good for `OverlapSeconds`.")
            .body(closed(&[], &[("OverlapSeconds", or_null(overlap))]))
            .example("overlap", json!({"OverlapSeconds": 3600}))
            .optional()
            .answers(one())
            .if_match(),
        Operation::new("POST", "/x-self", "Take the presented key's successor")
            .about(
                "`confirm` is today's date in UTC and `-ROTATE-SELF`. The old key is refused from \
                 then on.",
            )
            .body(closed(&[("confirm", confirm)], &[]))
            .example(
                "an old date, which is refused",
                json!({"confirm": "2000-01-31-ROTATE-SELF"}),
            )
            .answers(written::done(&[("key", successor())], &[]))
            .if_match(),
    ]
}

/// An owner's key, or a caller key.
fn successor() -> Value {
    let owner = object(
        &[("AccountID", count()), ("Name", text()), ("Mask", text())],
        &[("SecretKey", text())],
    );
    any_of(&[named("CallerKey"), owner])
}

fn caller_key() -> Value {
    let mut fields = vec![
        ("ID", count()),
        ("UUID", text()),
        ("AccountID", count()),
        ("Name", text()),
        ("Mask", text()),
        ("ExpiresAt", or_null(time())),
        ("AllowModels", shown_list()),
        ("Status", about(flag(), "whether it may be used")),
        ("RPS", or_null(count())),
        ("Concurrency", or_null(count())),
        ("CreatedAt", time()),
        ("UpdatedAt", time()),
    ];
    fields.extend(limits(count));
    object(
        &fields,
        &[
            (
                "SecretKey",
                about(text(), "the key itself, in the answer that draws it"),
            ),
            ("PreviousUntil", time()),
        ],
    )
}

fn key_fields() -> Vec<(&'static str, Value)> {
    let model = r"-?[A-Za-z0-9][A-Za-z0-9._:/-]{0,40}\*?";
    let mut fields = vec![
        (
            "Name",
            or_null(line(0, foldgate_domain::decide::MAX_CALLER_KEY_NAME_CHARS)),
        ),
        ("ExpiresAt", or_null(about(time(), "in the future"))),
        ("AllowModels", edits(model)),
        ("Status", or_null(about(flag(), "whether it may be used"))),
        ("RPS", or_null(whole(1, u64::MAX))),
        ("Concurrency", or_null(whole(1, u64::from(u32::MAX)))),
    ];
    fields.extend(limits(|| whole(0, u64::MAX)));
    fields
}

fn changed_key() -> Value {
    let mut fields = key_fields();
    fields.push(("ID", or_null(count())));
    let read_only = caller_keys::view::READ_ONLY.iter();
    fields.extend(read_only.map(|name| (*name, Value::Bool(true))));
    let mut schema = closed(&[], &fields);
    schema["minProperties"] = json!(1);
    schema
}
