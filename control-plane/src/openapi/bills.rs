//! What accounts used, and what it cost.

use serde_json::Value;

use super::operation::Operation;
use super::schema::{
    Components, about, count, list, map, named, number, object, or_null, success, text, time, words,
};
use super::{dashboard, schema};

/// See the module.
pub(super) fn operations(components: &mut Components) -> Vec<Operation> {
    components.name("Usage", summed(&[]));
    let details = map(summed(&[
        (
            "estimated",
            about(count(), "requests whose use was estimated"),
        ),
        (
            "unsettled",
            about(
                count(),
                "requests that were cut by the death of their node, estimated",
            ),
        ),
        ("quantities", map(count())),
    ]));
    components.name("UsageByModel", details);
    let key = summed(&[("id", or_null(count())), ("name", or_null(text()))]);
    let shares = object(
        &[
            ("request_percentage", number()),
            ("cost_percentage", number()),
        ],
        &[],
    );
    let user = object(
        &[
            ("id", count()),
            ("name", or_null(text())),
            ("email", or_null(text())),
            ("total_requests", count()),
            ("total_cost", number()),
            ("total_cost_nano_usd", count()),
            ("usage_analysis", shares),
            ("usage_details", named("UsageByModel")),
        ],
        &[],
    );
    let live = dashboard::info("user_live", usage());
    let get = |path, summary| Operation::new("GET", path, summary).tag("Bills");
    vec![
        get("/dashboard/bill", "What the caller's account used, by day")
            .about(
                "Today unless days are named. Days are those of the configured zone. What a request \
                 used shows within about a second of its end.",
            )
            .answers(bill(("usage_keys", list(key))))
            .or_csv(),
        get("/x-bill", "What those below the caller used, by day")
            .about("As `/dashboard/bill`, and by user.")
            .answers(bill(("usage_users", list(user))))
            .or_csv()
            .also(404),
        get(
            "/dashboard/live",
            "What the caller is, has and may, and what it used",
        )
        .answers(live),
    ]
}

/// What an account used up to now.
pub(super) fn usage() -> Value {
    object(
        &[
            ("today", named("Usage")),
            ("month", named("Usage")),
            ("total", named("Usage")),
        ],
        &[],
    )
}

fn bill(own: (&'static str, Value)) -> Value {
    let date = || schema::pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$");
    let day = object(
        &[
            ("date", date()),
            (
                "aggregation_timestamp",
                about(count(), "when the day begins, in Unix seconds"),
            ),
            ("n_requests", count()),
            (
                "n_unpriced",
                about(count(), "requests whose model has no price"),
            ),
            ("n_context_tokens_total", count()),
            ("n_generated_tokens_total", count()),
            ("n_cached_tokens_total", count()),
            ("cost", number()),
            ("cost_nano_usd", count()),
            ("usage_details", named("UsageByModel")),
        ],
        &[],
    );
    let since = about(
        or_null(time()),
        "since when the bill is whole, if usage of these days had expired before this control \
         plane read it",
    );
    object(
        &[
            ("success", success()),
            ("object", words(&["bill"])),
            ("start", date()),
            ("end", date()),
            ("time_zone", about(text(), "where the days begin")),
            ("complete_since", since),
            ("data", list(day)),
            ("total_usage", named("Usage")),
            own,
        ],
        &[],
    )
}

fn summed(more: &[(&'static str, Value)]) -> Value {
    let mut fields = vec![
        ("requests", count()),
        (
            "unpriced",
            about(
                count(),
                "requests that cost nothing because their model has no price; they were not free \
                 upstream",
            ),
        ),
        ("prompt", about(count(), "tokens read, of every kind")),
        (
            "completion",
            about(count(), "tokens written, of every kind"),
        ),
        (
            "cached",
            about(count(), "tokens read from a cache, among those read"),
        ),
        ("cost", about(number(), "US dollars")),
        ("cost_nano_usd", about(count(), "the same, in billionths")),
    ];
    fields.extend_from_slice(more);
    object(&fields, &[])
}
