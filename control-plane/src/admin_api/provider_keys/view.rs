//! A provider key as the admin API shows it: an entry whose value can be put back as
//! it is. Its credential is shown as a mask.

use foldgate_domain::kept;
use foldgate_proto::ProviderKey;
use serde_json::{Map, Value, json};

use super::value::Adapter;
use crate::admin_api::definitions::secrets;

/// What may be shown of a key.
pub(super) fn entry(key: &ProviderKey) -> Value {
    json!({
        "id": key.id.to_string(),
        "value": value(key),
        "revision": key.revision.0,
    })
}

fn value(key: &ProviderKey) -> Map<String, Value> {
    let mut shown = Map::new();
    if let Some(more) = &key.more
        && let Ok(Value::Object(more)) = serde_json::from_str(&more.0)
    {
        shown.extend(more);
        // Older keys hold one here that nothing ever acted upon.
        shown.remove("adapter");
        // Keys that are older than the sealing hold plain values.
        secrets::hide(kept::SECRETS, &mut shown, foldgate_vault::mask);
    }
    let mut show = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    show("display_name", json!(key.name));
    show("api_key", json!(key.secret.mask));
    show("api_base", json!(key.provider));
    show("level", json!(key.level));
    if let Some(adapter) = Adapter::of(&key.config) {
        show("adapter", json!(adapter));
    }
    if key.disabled.is_some() {
        show("disabled", json!(true));
    }
    shown
}
