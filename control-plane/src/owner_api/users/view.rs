//! An account as the owner API shows it: what was set, and what is in force.
//! Lists are shown as bodies write them: `null` does not restrict, `["-*"]`
//! allows nothing.

use foldgate_domain::{Bounds, OwnerState};
use foldgate_proto::{Account, Credit, ModelLimit, NanoDollars};
use serde_json::{Map, Value, json};

/// The fields of a view that say nothing when they come back in a request.
pub(crate) const READ_ONLY: &[&str] = &[
    "UUID",
    "DNA",
    "Credits",
    "Balance",
    "Keys",
    "Effective",
    "CreatedAt",
    "UpdatedAt",
];

/// What may be shown of an account that has so much left.
pub(crate) fn account(owner: &OwnerState, account: &Account, left: NanoDollars) -> Value {
    row(owner, account, &owner.bounds(account.number), left)
}

/// As [`account`], of one whose bounds are known.
pub(crate) fn row(
    owner: &OwnerState,
    account: &Account,
    in_force: &Bounds,
    left: NanoDollars,
) -> Value {
    let profile = &account.profile;
    let credits: Vec<Value> = account.credits.iter().map(credit).collect();
    let mut shown = json!({
        "ID": account.number.0,
        "UUID": account.id.to_string(),
        "Name": profile.name,
        "Email": profile.email,
        "Alias": profile.alias,
        "BillingEmail": profile.billing_email,
        "Status": !profile.suspended,
        "ParentID": account.parent.0,
        "DNA": owner.dna(account.number),
        "Rates": decimal(&profile.rates.to_string()),
        "AllowIPs": list(profile.allow_ips.as_deref()),
        "AllowModels": list(profile.allow_models.as_deref()),
        "AllowLevels": list(profile.allow_levels.as_deref()),
        "Resources": list(profile.resources.as_deref()),
        "ModelLimits": profile.model_limits,
        "ModelMapper": profile.model_mapper,
        "HardLimit": dollars(profile.hard_limit),
        "SoftLimit": dollars(profile.soft_limit),
        "Credits": credits,
        "Balance": dollars(Some(left)),
        "Keys": owner.caller_keys_of(account.number).count(),
        "Effective": bounds(in_force),
        "CreatedAt": account.created_at.to_rfc3339(),
        "UpdatedAt": account.updated_at.to_rfc3339(),
    });
    let own = profile.limits.as_deref().copied().unwrap_or_default();
    add(&mut shown, limits(&own));
    shown
}

/// What is in force.
pub(crate) fn bounds(bounds: &Bounds) -> Value {
    let mut shown = json!({
        "Status": !bounds.suspended,
        "AllowIPs": list(bounds.allow_ips.as_ref()),
        "AllowModels": list(bounds.allow_models.as_ref()),
        "AllowLevels": list(bounds.allow_levels.as_ref()),
        "Resources": list(bounds.resources.as_ref()),
        "ModelLimits": bounds.model_limits,
        "HardLimit": dollars(bounds.hard_limit),
    });
    add(&mut shown, limits(&bounds.limits));
    shown
}

/// Limits under their names in bodies; none is `null`.
pub(crate) fn limits(limits: &ModelLimit) -> Map<String, Value> {
    let pairs = [
        ("RPM", limits.rpm),
        ("RPH", limits.rph),
        ("RPD", limits.rpd),
        ("TPM", limits.tpm),
        ("TPH", limits.tph),
        ("TPD", limits.tpd),
    ];
    pairs
        .into_iter()
        .map(|(name, limit)| (name.to_owned(), json!(limit)))
        .collect()
}

/// Adds fields to an object.
pub(crate) fn add(shown: &mut Value, fields: Map<String, Value>) {
    if let Value::Object(shown) = shown {
        shown.extend(fields);
    }
}

/// A list as bodies write it.
pub(crate) fn list<T: serde::Serialize>(list: Option<&std::collections::BTreeSet<T>>) -> Value {
    match list {
        None => Value::Null,
        Some(list) if list.is_empty() => json!(["-*"]),
        Some(list) => json!(list),
    }
}

fn credit(credit: &Credit) -> Value {
    json!({
        "Amount": dollars(Some(credit.amount)),
        "GrantedAt": credit.granted_at.to_rfc3339(),
        "ExpiresAt": credit.expires_at.to_rfc3339(),
    })
}

/// An amount as a JSON number of dollars.
pub(crate) fn dollars(amount: Option<NanoDollars>) -> Value {
    amount.map_or(Value::Null, |amount| decimal(&amount.to_string()))
}

/// A decimal text as the JSON number it is.
pub(crate) fn decimal(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}
