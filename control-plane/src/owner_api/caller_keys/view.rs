//! A caller key as the owner API shows it: never the key itself.

use foldgate_proto::CallerKey;
use serde_json::{Value, json};

use crate::owner_api::users::view;

/// The fields of a view that say nothing when they come back in a request.
pub(crate) const READ_ONLY: &[&str] = &[
    "UUID",
    "AccountID",
    "Mask",
    "PreviousUntil",
    "CreatedAt",
    "UpdatedAt",
];

/// What may be shown of a key. `PreviousUntil` is until when the key before the
/// last rotation is good beside it.
pub(crate) fn key(key: &CallerKey) -> Value {
    let terms = &key.terms;
    let mut shown = json!({
        "ID": key.number.0,
        "UUID": key.id.to_string(),
        "AccountID": key.account.0,
        "Name": key.name,
        "Mask": key.mask,
        "Status": !terms.disabled,
        "ExpiresAt": terms.expires_at.map(foldgate_proto::Timestamp::to_rfc3339),
        "AllowModels": view::list(terms.allow_models.as_deref()),
        "RPS": terms.rps,
        "Concurrency": terms.concurrency,
        "CreatedAt": key.created_at.to_rfc3339(),
        "UpdatedAt": key.updated_at.to_rfc3339(),
    });
    let limits = terms.limits.as_deref().copied().unwrap_or_default();
    view::add(&mut shown, view::limits(&limits));
    if let Some(previous) = &key.previous {
        shown["PreviousUntil"] = json!(previous.until.to_rfc3339());
    }
    shown
}
