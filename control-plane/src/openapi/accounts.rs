//! Accounts.

use foldgate_domain::definition::grammar::ADDRESS_WITHIN;
use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{
    Components, about, any_of, closed, count, flag, limit_fields, line, list, map, named, number,
    object, or_null, pattern, success, text, time, whole,
};
use super::written;
use crate::owner_api::users;

const TAG: &str = "Accounts";

/// A segment of an API path: neither `.` nor `..`.
macro_rules! segment {
    () => {
        concat!(
            r"([A-Za-z0-9_~:@+-][A-Za-z0-9._~:@+-]{0,30}|",
            r"\.[A-Za-z0-9_~:@+-][A-Za-z0-9._~:@+-]{0,30}|",
            r"\.\.[A-Za-z0-9._~:@+-]{1,30})"
        )
    };
}

/// An API path, of which no segment is empty but the last; longer ones are taken too.
const PATH: &str = concat!("/(", segment!(), "(/", segment!(), "){0,5}/?)?");

/// The names of limits in accounts' bodies.
const LIMITS: [&str; 6] = ["RPM", "RPH", "RPD", "TPM", "TPH", "TPD"];

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    components.name("AccountBounds", bounds());
    components.name("Account", account());
    components.name(
        "Accounts",
        object(
            &[("success", success()), ("users", list(named("Account")))],
            &[],
        ),
    );
    of_accounts()
        .into_iter()
        .map(|operation| operation.tag(TAG))
        .collect()
}

fn of_accounts() -> Vec<Operation> {
    let new = |method, path, summary| Operation::new(method, path, summary);
    let change = |method, summary| {
        new(method, "/x-users/{id}", summary)
            .about(
                "What the body leaves out stays. What GET shows of an account may come back as \
                 it is. Lists are edited item by item: `x` adds, `-x` removes, `*` lifts the \
                 restriction, `-*` allows nothing.",
            )
            .body(changed_account())
            .example("limit", json!({"RPM": 60}))
            .answers(written::done(&[("user", named("Account"))], &[]))
            .if_match()
    };
    vec![
        new(
            "GET",
            "/x-users",
            "List the accounts directly below the caller",
        )
        .answers(named("Accounts"))
        .paged(),
        new("POST", "/x-users", "Make an account, and its first key")
            .about("The key stands in this answer and never again.")
            .body(new_account())
            .example(
                "team",
                json!({"Name": "team-a", "Email": "team-a@example.com"}),
            )
            .answers(written::done(
                &[
                    ("user", named("Account")),
                    ("key", or_null(named("CallerKey"))),
                ],
                &[],
            ))
            .tagged(),
        new("GET", "/x-users/{id}", "Show an account")
            .answers(object(
                &[("success", success()), ("user", named("Account"))],
                &[],
            ))
            .tagged(),
        change("PUT", "Change an account"),
        change("POST", "Change an account, by POST"),
        new("DELETE", "/x-users/{id}", "Remove an account")
            .answers(written::removed(count()))
            .if_match(),
        new("GET", "/x-dna", "List everybody below the caller")
            .answers(named("Accounts"))
            .paged(),
        new(
            "GET",
            "/x-dna/{id}",
            "Show one of those below the caller, a subtree, or whom a Level may serve",
        )
        .answers(named("Accounts"))
        .paged()
        .tagged(),
    ]
}

/// Limits under their names in accounts' bodies.
pub(super) fn limits(of: fn() -> Value) -> Vec<(&'static str, Value)> {
    LIMITS.iter().map(|name| (*name, or_null(of()))).collect()
}

fn model_limits() -> Value {
    map(named("Limits"))
}

/// A list as it is shown: `null` does not restrict, `["-*"]` allows nothing.
pub(super) fn shown_list() -> Value {
    or_null(list(text()))
}

fn shown_levels() -> Value {
    or_null(list(any_of(&[whole(0, 9999), text()])))
}

fn lists() -> Vec<(&'static str, Value)> {
    vec![
        ("AllowIPs", shown_list()),
        ("AllowModels", shown_list()),
        ("AllowLevels", shown_levels()),
        ("Resources", shown_list()),
    ]
}

fn bounds() -> Value {
    let mut fields = lists();
    fields.extend([
        ("Status", flag()),
        ("ModelLimits", or_null(model_limits())),
        ("HardLimit", or_null(number())),
    ]);
    fields.extend(limits(count));
    about(
        object(&fields, &[]),
        "what is in force, within all accounts above",
    )
}

fn account() -> Value {
    let credit = object(
        &[
            ("Amount", number()),
            ("GrantedAt", time()),
            ("ExpiresAt", time()),
        ],
        &[],
    );
    let mut fields = lists();
    fields.extend([
        ("ID", count()),
        ("UUID", text()),
        ("Name", text()),
        ("Email", text()),
        ("Alias", text()),
        ("BillingEmail", text()),
        ("Status", flag()),
        ("ParentID", count()),
        ("DNA", or_null(text())),
        ("Rates", number()),
        ("ModelLimits", or_null(model_limits())),
        ("ModelMapper", or_null(map(text()))),
        ("HardLimit", or_null(number())),
        ("SoftLimit", or_null(number())),
        ("Credits", list(credit)),
        ("Balance", number()),
        ("Keys", count()),
        ("Effective", named("AccountBounds")),
        ("CreatedAt", time()),
        ("UpdatedAt", time()),
    ]);
    fields.extend(limits(count));
    object(&fields, &[])
}

/// A list as it is sent: edits, one by one.
pub(super) fn edits(item: &str) -> Value {
    let one = format!(r"(\*|-\*|{item})");
    any_of(&[
        or_null(pattern(&format!("^{one}(, ?{one})*$"))),
        json!({
            "type": "array",
            "minItems": 1,
            "maxItems": 512,
            "items": {"type": "string", "pattern": format!("^{one}$")},
        }),
    ])
}

fn email() -> Value {
    let mut schema = pattern(
        r"^[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,20}$",
    );
    schema["maxLength"] = json!(320);
    schema
}

fn account_name() -> Value {
    about(
        json!({"type": "string", "minLength": 4, "maxLength": 63, "pattern": "^[A-Za-z][A-Za-z0-9 _-]*[A-Za-z0-9]$"}),
        "at least one letter; it begins with no dot and holds no @",
    )
}

/// What may be said of an account in whatever body.
fn profile() -> Vec<(&'static str, Value)> {
    let model = r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,40}\*?";
    let dollars = || {
        let least = json!({"type": "number", "minimum": 1e-9, "maximum": 9_223_372_036_u64});
        any_of(&[json!({"type": "null"}), json!({"const": 0}), least])
    };
    let mut mapper = map(pattern("^[A-Za-z0-9][A-Za-z0-9._:/-]{0,40}$"));
    mapper["propertyNames"] = json!({"pattern": format!("^{model}$")});
    mapper["maxProperties"] = json!(foldgate_domain::decide::MAX_ACCOUNT_PATTERNS);
    let mut per_model = map(or_null(limit_fields(true)));
    per_model["propertyNames"] = json!({"pattern": format!("^{model}$")});
    per_model["maxProperties"] = json!(foldgate_domain::decide::MAX_ACCOUNT_MODEL_LIMITS);
    let mut fields = vec![
        ("Alias", or_null(line(0, 128))),
        ("BillingEmail", or_null(email())),
        ("Status", or_null(about(flag(), "whether it may call"))),
        (
            "Rates",
            or_null(about(
                json!({"type": "number", "minimum": 1, "maximum": 1000}),
                "what its prices are multiplied by; no less than its parent's",
            )),
        ),
        ("AllowIPs", edits(&format!("-?{ADDRESS_WITHIN}"))),
        ("AllowModels", edits(&format!("-?{model}"))),
        ("AllowLevels", edits("-?[0-9]{1,4}")),
        ("Resources", edits(&format!("-?{PATH}"))),
        ("ModelLimits", or_null(per_model)),
        ("ModelMapper", or_null(mapper)),
        ("HardLimit", dollars()),
        ("SoftLimit", dollars()),
        (
            "CreditGranted",
            or_null(about(
                number(),
                "dollars, at least 2 to begin with; below zero takes back",
            )),
        ),
        (
            "Days",
            or_null(about(
                whole(1, u64::from(foldgate_domain::decide::MAX_CREDIT_DAYS)),
                "how long the credit can be spent; only with CreditGranted",
            )),
        ),
    ];
    fields.extend(limits(|| whole(0, u64::MAX)));
    fields
}

fn new_account() -> Value {
    let mut fields = profile();
    let first = json!({"type": "number", "minimum": 2, "maximum": 9_223_372_036_u64});
    for (name, schema) in &mut fields {
        if *name == "CreditGranted" {
            *schema = or_null(about(first.clone(), "dollars"));
        }
    }
    let mut schema = closed(&[("Name", account_name()), ("Email", email())], &fields);
    schema["dependentSchemas"] = days_need_credit();
    schema
}

/// Days without credit say nothing; `null` is as good as absent.
fn days_need_credit() -> Value {
    let credit = json!({"CreditGranted": {"type": "number"}});
    json!({"Days": {"anyOf": [
        {"properties": {"Days": {"type": "null"}}},
        {"required": ["CreditGranted"], "properties": credit},
    ]}})
}

fn changed_account() -> Value {
    let mut fields = profile();
    fields.extend([
        ("Name", or_null(account_name())),
        ("Email", or_null(email())),
        ("ID", or_null(count())),
        ("ParentID", or_null(count())),
    ]);
    let read_only = users::view::READ_ONLY.iter();
    fields.extend(read_only.map(|name| (*name, Value::Bool(true))));
    let mut schema = closed(&[], &fields);
    schema["minProperties"] = json!(1);
    schema["dependentSchemas"] = days_need_credit();
    schema
}
