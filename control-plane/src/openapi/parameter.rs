//! Parameters: which a route knows says `request::query`; what each may be stands
//! here, as strict as its reader is.

use http::Method;
use serde_json::{Value, json};

use super::operation::{Door, Operation};
use super::schema::{about, any_of, pattern, text, time, whole, words};
use crate::admin_api::page;
use crate::bills::period::MAX_DAYS;
use crate::history_api;
use crate::owner_api::page::MAX_PAGE_SIZE;
use crate::request::{MAX_IDEMPOTENCY_KEY_BYTES, MAX_REASON_CHARS, query};

/// A number in digits, or nothing: an empty filter does not filter.
const NUMBER_OR_NONE: &str = r"^\s*[0-9]{0,19}\s*$";

/// A host, with or without a port or a scheme and a path; or nothing. Labels and
/// their number are bounded so that it is never longer than a host may be.
const HOST: &str = r"^((https?://)?[A-Za-z]([A-Za-z0-9-]{0,38}[A-Za-z0-9])?(\.[A-Za-z]([A-Za-z0-9-]{0,38}[A-Za-z0-9])?){0,5}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9_-]{1,40}){0,5})?$";

/// What stands on no line, as regular expressions write it within brackets.
macro_rules! unseemly {
    () => {
        r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    };
}

/// What names an account: on one line, more than white space; a number is one that an
/// account may have.
const TARGET: &str = concat!(
    "^[0-9]{1,19}$|^[^",
    unseemly!(),
    r"]*[^\s0-9",
    unseemly!(),
    "][^",
    unseemly!(),
    "]*$"
);

/// A key's number in a path; a row of digits that no number holds is not there.
const NUMBER: &str = "^[0-9]+$";

/// Every parameter of an operation.
pub(super) fn all(operation: &Operation) -> Vec<Value> {
    let mut all = Vec::new();
    let segments = operation.path.split('/');
    for name in segments.filter_map(|segment| segment.strip_prefix('{')) {
        let name = name.trim_end_matches('}').trim_start_matches('*');
        let schema = in_path(operation, name);
        all.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    if operation.door != Door::Proxy {
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap_or_default();
        for name in query::known(&method, operation.path) {
            all.push(in_query(operation, name));
        }
    }
    all.extend(operation.headers.iter().cloned());
    all.push(shared("RequestId"));
    if operation.door == Door::Keys {
        all.push(shared("MinRevision"));
        if !operation.reads() {
            all.extend(["Reason", "IdempotencyKey", "Prefer"].map(shared));
        }
    }
    if operation.if_match {
        all.extend(["IfMatch", "IfNoneMatchToWrite"].map(shared));
    }
    if operation.if_none_match {
        all.push(shared("IfNoneMatch"));
    }
    all
}

fn shared(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

/// What a part of a path may be.
fn in_path(operation: &Operation, name: &str) -> Value {
    let reads = operation.reads();
    match (operation.path, name) {
        ("/x-keys/{id}", _) if reads => about(
            pattern(
                r"^([0-9]+|[Ll](0*[0-9]{1,4})|[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z][A-Za-z0-9-]*)+)$",
            ),
            "a key's number, `L` and a Level, or a provider's host or URL",
        ),
        ("/x-keys/{id}/{*rest}", "id") if reads => {
            about(pattern("^https?:$"), "the scheme of a provider's URL")
        }
        ("/x-keys/{id}/{*rest}", "rest") => about(
            json!({"type": "string", "minLength": 1}),
            "the rest of the URL; its slashes need no encoding",
        ),
        (path, "id") if path.starts_with("/x-keys") => pattern(NUMBER),
        ("/x-news/{target}", _) if reads || operation.method == "POST" => about(
            json!({"type": "string", "minLength": 1, "maxLength": 320, "pattern": TARGET}),
            "an account's number, name, e-mail address, or a DNA path such as `.1.42.`",
        ),
        ("/x-news/{target}", _) => about(pattern(NUMBER), "the item's number"),
        ("/x-dna/{id}", _) => about(
            json!({"type": "string", "minLength": 1}),
            "an account's number, name, e-mail address, DNA path (`.1.42.`), or `L` and a Level",
        ),
        (_, "revision") => about(pattern("^[0-9]{1,19}$"), "a position in the log"),
        (_, "key") => about(pattern(NUMBER), "the caller key's number"),
        (path, "id") if path.starts_with("/x-users") => about(
            json!({"type": "string", "minLength": 1}),
            "an account's number, name or e-mail address",
        ),
        ("/admin/v1/admin_keys/{id}", _) => json!({"type": "string", "format": "uuid"}),
        (path, "id") if page::of_entries(path) => {
            json!({"type": "string", "format": "uuid"})
        }
        _ => json!({"type": "string", "minLength": 1}),
    }
}

/// A query parameter.
fn in_query(operation: &Operation, name: &str) -> Value {
    let (schema, description) = known(operation.path, name).unwrap_or_else(|| (text(), ""));
    let required = matches!(
        (operation.path, name),
        ("/admin/v1/explain", "model")
            | ("/admin/v1/state/diff", "from")
            | ("/admin/v1/state/restore", "at")
    );
    json!({
        "name": name,
        "in": "query",
        "required": required,
        "description": description,
        "schema": schema,
    })
}

/// What a query parameter may be, and what it is; `None` where nobody said.
pub(super) fn known(path: &str, name: &str) -> Option<(Value, &'static str)> {
    of_entries(path, name)
        .or_else(|| of_bills(path, name))
        .or_else(|| of_route(path, name))
        .or_else(|| of_lists(path, name))
        .or_else(|| of_history(path, name))
        .or_else(|| of_writes(name))
}

fn of_writes(name: &str) -> Option<(Value, &'static str)> {
    Some(match name {
        "dry_run" => (
            flag(),
            "only show the events that would be written, and what would change",
        ),
        "wait" => (
            words(&["fleet"]),
            "answer once every node that serves traffic has it, after 10 s at the latest",
        ),
        _ => return None,
    })
}

/// Pages of entries.
fn of_entries(path: &str, name: &str) -> Option<(Value, &'static str)> {
    if !page::lists(path) {
        return None;
    }
    Some(match name {
        "limit" => (
            whole(1, page::MAX_LIMIT),
            "how many at most; all unless set",
        ),
        "after" => (
            json!({"type": "string", "format": "uuid"}),
            "the id of the entry that the page begins behind",
        ),
        "q" => (text(), "a part of the name, whatever its case"),
        _ => return None,
    })
}

/// What a bill is of.
fn of_bills(path: &str, name: &str) -> Option<(Value, &'static str)> {
    if !matches!(path, "/x-bill" | "/dashboard/bill") {
        return None;
    }
    let date = || json!({"type": "string", "format": "date"});
    Some(match name {
        "user" => (
            json!({"type": "string", "minLength": 1}),
            "this account and those below it: its number, name, e-mail address or DNA path",
        ),
        "date" => (date(), "one day, in UTC; today unless days are named"),
        "start" => (date(), "the first day"),
        "end" => (date(), "the last day, where `start` is; today unless said"),
        "days" => (whole(1, MAX_DAYS), "so many days up to today"),
        "format" => (
            words(&["json", "csv"]),
            "JSON unless said, also by `Accept: text/csv`",
        ),
        _ => return None,
    })
}

/// Parameters that mean something else here than elsewhere.
fn of_route(path: &str, name: &str) -> Option<(Value, &'static str)> {
    Some(match (path, name) {
        ("/admin/v1/log", "from") => (whole(1, u64::MAX), "the first revision"),
        ("/admin/v1/log", "limit") => (
            whole(1, foldgate_log::event_log::MAX_READ as u64),
            "the most records",
        ),
        ("/dashboard/logs", "page") => (
            whole(1, history_api::logs::MAX_COUNTED as u64),
            "which page, from 1",
        ),
        ("/dashboard/logs", "size") => (whole(1, 100), "how many per page"),
        ("/dashboard/logs", "action") => (pattern("^[a-z_]+$"), "such as `add_user`"),
        ("/dashboard/logs", "target_id") => (pattern("^[0-9]{1,19}$"), "an account's number"),
        ("/dashboard/logs", "status") => (
            words(&["success"]),
            "only what succeeded is kept; refusals stand in `/admin/v1/access_log`",
        ),
        ("/livez" | "/readyz", "verbose") => {
            (text(), "name every part, as text, whatever the value")
        }
        ("/dashboard/news", "all") => (flag(), "expired items as well, and more than eight"),
        ("/admin/v1/explain", "model") => (
            json!({"type": "string", "minLength": 1, "maxLength": 256}),
            "the model to ask for",
        ),
        ("/admin/v1/explain", "account") => (
            json!({"type": "string", "minLength": 1}),
            "an account's number, name, e-mail address or DNA path; without it, that of `api_key`, \
             else the caller's own",
        ),
        ("/admin/v1/explain", "api_key") => (
            json!({"type": "string", "minLength": 1}),
            "the caller key it comes with: its id or number, or its name in the account; without \
             it, the owner's own key or any that bounds nothing",
        ),
        _ => return None,
    })
}

/// Filters and pages of the owner API's lists.
fn of_lists(path: &str, name: &str) -> Option<(Value, &'static str)> {
    let of_keys = path.starts_with("/x-keys");
    Some(match name {
        "page" => (pattern(r"^([1-9][0-9]{0,18})?$"), "which page, from 1"),
        "size" => (
            pattern(&format!("^({})?$", up_to_thousand())),
            "how many per page; 100 where only a page is named, else 1000",
        ),
        "level" => (pattern(r"^([Ll]?0*[0-9]{1,4})?$"), "keys of this Level"),
        "provider" => (
            pattern(HOST),
            "keys of this provider: its host, `host:port` or URL; names in other scripts are \
             taken too",
        ),
        "id" if of_keys => (pattern("^[0-9]*$"), "the key of this number"),
        "id" => (pattern(NUMBER_OR_NONE), "the account of this number"),
        "name" => (text(), "the account of this name, whatever its case"),
        "email" => (text(), "the account of this address, whatever its case"),
        "status" => (flag(), "accounts that are in use, or those that are not"),
        _ => return None,
    })
}

/// Filters and pages of histories.
fn of_history(path: &str, name: &str) -> Option<(Value, &'static str)> {
    let lists = path.starts_with("/admin/v1/history");
    Some(match name {
        "limit" => (
            whole(1, history_api::params::MAX_LIMIT as u64),
            "how many at most",
        ),
        "cursor" => (
            pattern("^[A-Za-z0-9_-]{28}$"),
            "`next_cursor` of the page before, with the same other parameters",
        ),
        "order" => (words(&["asc", "desc"]), "which end comes first"),
        "actor" => (
            json!({"type": "string", "minLength": 1}),
            "who: a name, or one actor such as `owner:alice`",
        ),
        "kind" => (
            words(&history_api::list::kinds()),
            "a kind of event, or a command",
        ),
        "resource" => (
            pattern(&resources(lists)),
            "a resource, such as `key/12` or `config`",
        ),
        "since" => (
            pattern("^[0-9]{1,19}$"),
            "only what came behind this revision",
        ),
        "at" | "from" | "to" => (place(), "a revision, or a time (RFC 3339)"),
        _ => return None,
    })
}

/// ETags as answers give them.
fn etags() -> Value {
    let some = pattern(r#"^"[0-9]{1,19}"(, ?"[0-9]{1,19}"){0,15}[ \t]*$"#);
    any_of(&[words(&["*"]), some])
}

/// A switch, in the spellings that are taken; named without a value it is on.
fn flag() -> Value {
    words(&["true", "false", "1", "0", ""])
}

fn place() -> Value {
    json!({"anyOf": [pattern("^[0-9]{1,19}$"), time()]})
}

fn up_to_thousand() -> String {
    debug_assert_eq!(MAX_PAGE_SIZE, 1000);
    "0*([1-9][0-9]{0,2}|1000)".to_owned()
}

fn resources(classes_too: bool) -> String {
    let kinds = "key|news|account|caller_key|admin_key";
    let number = if classes_too {
        "(/[0-9]{1,19})?"
    } else {
        "/[0-9]{1,19}"
    };
    format!("^(owner|config|completed|({kinds}){number})$")
}

/// The parameters that many operations share, by name.
pub(super) fn components() -> Value {
    let header = |name: &str, schema: Value, about: &str| json!({"name": name, "in": "header", "description": about, "schema": schema});
    json!({
        "RequestId": header(
            "X-Request-Id",
            text(),
            "the request's id, for logs and the history; a plain one (letters, digits, `-_.:/+=`, \
             128 at most) is taken over, else one is drawn",
        ),
        "MinRevision": header(
            "X-Foldgate-Min-Revision",
            json!({"type": "integer", "minimum": 0, "maximum": u64::MAX}),
            "answer from this revision on: waits up to 5 s until this process has it, then 503",
        ),
        "Reason": header(
            "X-Foldgate-Reason",
            json!({"type": "string", "maxLength": MAX_REASON_CHARS, "pattern": "^[ -~]*$"}),
            "why, for the record; UTF-8 text is taken too",
        ),
        "IdempotencyKey": header(
            "Idempotency-Key",
            json!({
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_IDEMPOTENCY_KEY_BYTES,
                // HTTP takes white space off the end of every header.
                "pattern": "^[!-~]([ -~]*[!-~])?[ \t]*$",
            }),
            "a retry with the same key within a day is answered as the first time, but for warnings \
             and keys that are shown once",
        ),
        "Prefer": header(
            "Prefer",
            text(),
            "`wait=fleet` is as `?wait=fleet`; other preferences are passed over",
        ),
        "IfMatch": header(
            "If-Match",
            etags(),
            "only while the resource has one of these ETags, else 412",
        ),
        "IfNoneMatchToWrite": header(
            "If-None-Match",
            etags(),
            "only while the resource has none of these ETags (`*`: does not exist), else 412",
        ),
        "IfNoneMatch": header(
            "If-None-Match",
            text(),
            "ETags, or `*`: 304 without a body where the resource has one of them",
        ),
    })
}
