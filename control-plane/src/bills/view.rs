//! Bills as JSON.

use foldgate_domain::zone::date;
use foldgate_proto::{AccountNumber, NanoDollars, Quantities, Timestamp};
use serde_json::{Map, Value, json};

use super::period::Period;
use super::table::{Row, Table};
use crate::auth::Authenticated;
use crate::owner_api::users::view::{decimal, dollars};
use crate::usage::{KeyLine, Sums, Totals};

/// A bill without its users or keys.
pub(super) fn bill(table: &Table, period: Period, since: Option<Timestamp>) -> Value {
    let days = table.days();
    let rows = days.iter().map(|(day, row)| {
        let sums = &row.sums;
        let Quantities { cached, .. } = sums.quantities;
        json!({
            "date": date(*day).to_string(),
            "aggregation_timestamp": period.zone().begin(*day).0 / 1000,
            "n_requests": sums.requests,
            "n_unpriced": sums.unpriced,
            "n_context_tokens_total": sums.quantities.read(),
            "n_generated_tokens_total": sums.quantities.written(),
            "n_cached_tokens_total": cached.saturating_add(sums.quantities.cached_audio),
            "cost": dollars(Some(sums.cost)),
            "cost_nano_usd": sums.cost,
            "usage_details": details(row),
        })
    });
    // Only where it matters to these days.
    let since = since.filter(|since| *since > period.begin());
    json!({
        "success": true,
        "object": "bill",
        "start": period.start().to_string(),
        "end": period.end().to_string(),
        "time_zone": period.zone().name(),
        "complete_since": since.map(Timestamp::to_rfc3339),
        "data": rows.collect::<Vec<_>>(),
        "total_usage": summed(&table.total()),
    })
}

/// What each account used, the costliest first.
pub(super) fn users(caller: &Authenticated, table: &Table) -> Value {
    let total = table.total();
    let accounts = table.accounts();
    let mut accounts: Vec<_> = accounts.iter().collect();
    accounts.sort_by_key(|(number, row)| (std::cmp::Reverse(row.sums.cost), **number));
    let users = accounts.into_iter().map(|(number, row)| {
        let who = caller.owner().accounts.get(number);
        let cost = |sums: &Sums| u64::try_from(sums.cost.0).unwrap_or(0);
        json!({
            "id": number,
            "name": who.map(|account| &account.profile.name),
            "email": who.map(|account| &account.profile.email),
            "total_requests": row.sums.requests,
            "total_cost": dollars(Some(row.sums.cost)),
            "total_cost_nano_usd": row.sums.cost,
            "usage_analysis": {
                "request_percentage": percentage(row.sums.requests, total.requests),
                "cost_percentage": percentage(cost(&row.sums), cost(&total)),
            },
            "usage_details": details(row),
        })
    });
    users.collect()
}

/// What was used with each key of the caller's account.
pub(super) fn keys(caller: &Authenticated, keys: &[KeyLine]) -> Value {
    let keys = keys.iter().map(|line| {
        let key = line
            .key
            .and_then(|number| caller.owner().caller_keys.get(&number));
        let mut shown = summed(&line.sums);
        shown["id"] = json!(line.key);
        shown["name"] = json!(key.map(|key| &key.name));
        shown
    });
    keys.collect()
}

/// What an account used up to now.
pub(super) fn totals(totals: &Totals) -> Value {
    json!({
        "today": summed(&totals.today),
        "month": summed(&totals.month),
        "total": summed(&totals.total),
    })
}

fn details(row: &Row<'_>) -> Map<String, Value> {
    let models = row.models.iter();
    models
        .map(|(model, sums)| ((*model).to_owned(), of_model(sums)))
        .collect()
}

fn of_model(sums: &Sums) -> Value {
    let mut shown = summed(sums);
    shown["estimated"] = json!(sums.estimated);
    shown["unsettled"] = json!(sums.unsettled);
    shown["quantities"] = json!(sums.quantities);
    shown
}

/// Some requests in few words.
fn summed(sums: &Sums) -> Value {
    let Quantities {
        cached,
        cached_audio,
        ..
    } = sums.quantities;
    json!({
        "requests": sums.requests,
        "unpriced": sums.unpriced,
        "prompt": sums.quantities.read(),
        "completion": sums.quantities.written(),
        "cached": cached.saturating_add(cached_audio),
        "cost": dollars(Some(sums.cost)),
        "cost_nano_usd": sums.cost,
    })
}

/// With two decimals.
fn percentage(part: u64, whole: u64) -> Value {
    let hundredths = u128::from(part) * 10_000 / u128::from(whole.max(1));
    decimal(&format!("{}.{:02}", hundredths / 100, hundredths % 100))
}

/// The account's number and its name, where it still has one.
pub(super) fn name_of(caller: &Authenticated, number: AccountNumber) -> String {
    let owner = caller.owner();
    if owner.is_root(number) {
        return owner.name.clone();
    }
    let account = owner.accounts.get(&number);
    account
        .map(|account| account.profile.name.clone())
        .unwrap_or_default()
}

/// An amount in dollars, as text.
pub(super) fn text(amount: NanoDollars) -> String {
    amount.to_string()
}
