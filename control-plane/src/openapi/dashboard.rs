//! What a caller may know of itself, the models it may name, and news.

use foldgate_domain::decide::{MAX_CONTENT_CHARS, MAX_DAYS, MAX_TITLE_CHARS};
use serde_json::{Value, json};

use super::operation::Operation;
use super::schema::{
    Components, TEXT, about, any_of, closed, count, flag, line, list, map, named, number, object,
    or_null, success, text, time, whole, words,
};
use super::written;
use crate::owner_api::news::NewsView;

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    let item = components.answer::<NewsView<'_>>();
    let mut all = news(&item);
    all.extend(of_itself());
    components.name("Models", models());
    let lists = [
        ("/v1/models", "List the models the caller may name"),
        ("/models", "List them, without the version in the path"),
        ("/dashboard/models", "List them, for the dashboard"),
    ];
    all.extend(lists.map(|(path, summary)| {
        Operation::new("GET", path, summary)
            .about("In OpenAI's shape.")
            .tag("Models")
            .answers(named("Models"))
    }));
    all
}

fn models() -> Value {
    let model = object(
        &[
            ("id", text()),
            ("object", words(&["model"])),
            ("created", count()),
            ("owned_by", text()),
        ],
        &[],
    );
    object(&[("object", words(&["list"])), ("data", list(model))], &[])
}

fn news(item: &Value) -> Vec<Operation> {
    let publish = |path, summary| {
        let content = json!({"type": "string", "maxLength": MAX_CONTENT_CHARS, "minLength": 1, "pattern": TEXT});
        let days = about(
            or_null(whole(1, u64::from(MAX_DAYS))),
            "how long it is shown: 7 for everybody, 32 for some, unless said",
        );
        Operation::new("POST", path, summary)
            .body(closed(
                &[("title", line(1, MAX_TITLE_CHARS)), ("content", content)],
                &[("days", days)],
            ))
            .example(
                "maintenance",
                json!({"title": "Maintenance", "content": "Sunday, 02:00 to 03:00 UTC", "days": 3}),
            )
            .answers(written::done(&[("news", item.clone())], &[]))
            .tagged()
    };
    let all = vec![
        publish("/x-news", "Publish news for everybody"),
        publish(
            "/x-news/{target}",
            "Publish news for an account or a subtree",
        ),
        Operation::new("DELETE", "/x-news", "Take news back")
            .body(closed(&[("id", whole(0, u64::MAX))], &[]))
            .example("one", json!({"id": 1_000_000}))
            .answers(written::removed(count()))
            .if_match(),
        Operation::new(
            "DELETE",
            "/x-news/{target}",
            "Take news back, by number in the path",
        )
        .answers(written::removed(count()))
        .if_match(),
        Operation::new("GET", "/dashboard/news", "Read the news").answers(object(
            &[
                ("success", success()),
                ("system_news", list(item.clone())),
                ("user_news", list(item.clone())),
            ],
            &[],
        )),
    ];
    all.into_iter()
        .map(|operation| operation.tag("News"))
        .collect()
}

fn of_itself() -> Vec<Operation> {
    let status = object(
        &[
            ("success", success()),
            ("object", words(&["user_status"])),
            ("id", count()),
            ("dna", or_null(text())),
            ("name", text()),
            ("email", or_null(text())),
            ("alias", text()),
            ("public_key", json!({"type": "null"})),
            ("balance", or_null(number())),
            ("manage", flag()),
            ("admin", flag()),
        ],
        &[],
    );
    let conf = object(
        &[
            ("success", success()),
            ("ModelMapper", map(text())),
            ("OwnerModelMapper", map(text())),
            ("Rates", number()),
            ("SoftLimit", or_null(number())),
            ("UserMinBalance", number()),
            ("UserApiBalance", number()),
        ],
        &[],
    );
    let conf = json!({"allOf": [named("AccountBounds"), conf]});
    let details = object(
        &[("kind", or_null(text())), ("resources", list(text()))],
        &[("reason", or_null(text()))],
    );
    let entry = object(
        &[
            ("id", count()),
            ("action", text()),
            ("operator_id", or_null(count())),
            ("target_id", or_null(count())),
            ("details", details),
            ("created_at", time()),
        ],
        &[],
    );
    let logs = object(
        &[
            ("success", success()),
            ("logs", list(entry)),
            ("total", count()),
            ("page", count()),
            ("size", count()),
            ("has_more", flag()),
        ],
        &[],
    );
    let get = |path, summary| Operation::new("GET", path, summary).tag("Dashboard");
    vec![
        get("/dashboard/status", "Who the caller is").answers(status),
        get("/dashboard/info", "What the caller is, has and may")
            .answers(info("user_info", or_null(super::bills::usage()))),
        get("/dashboard/conf", "What is in force for the caller").answers(conf),
        get(
            "/dashboard/logs",
            "What the caller, and those below it, did",
        )
        .answers(logs),
    ]
}

/// What stands in `/dashboard/info` and `/dashboard/live`.
pub(super) fn info(object_name: &'static str, usage: Value) -> Value {
    let credit = object(
        &[
            ("amount", number()),
            ("granted_at", time()),
            ("expires_at", time()),
        ],
        &[],
    );
    let user = object(
        &[
            ("id", count()),
            ("dna", or_null(text())),
            ("parent_id", or_null(count())),
            ("name", text()),
            ("email", or_null(text())),
            ("alias", text()),
            ("rates", number()),
            ("factor", number()),
        ],
        &[],
    );
    let limit = || or_null(count());
    let limits = object(
        &[
            ("hard_limit", or_null(number())),
            ("soft_limit", or_null(number())),
            ("rpm", limit()),
            ("rph", limit()),
            ("rpd", limit()),
            ("tpm", limit()),
            ("tph", limit()),
            ("tpd", limit()),
        ],
        &[],
    );
    let texts = || or_null(list(text()));
    let acl = object(
        &[
            ("allow_ips", texts()),
            ("allow_models", texts()),
            ("allow_levels", or_null(list(any_of(&[count(), text()])))),
            ("resources", texts()),
        ],
        &[],
    );
    let balance = object(
        &[("total", or_null(number())), ("credits", list(credit))],
        &[],
    );
    object(
        &[
            ("success", success()),
            ("object", words(&[object_name])),
            ("user", user),
            ("balance", balance),
            ("limits", limits),
            ("acl", acl),
            ("usage", usage),
        ],
        &[],
    )
}
