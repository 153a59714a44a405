//! What is kept of provider keys for the admin API, beside what a key is: the text of
//! an object, in which masks stand where its secrets are.

use serde_json::{Map, Value};

use crate::definition::places;

/// Where secrets stand in it, as JSON pointers in which `*` is any one step.
pub const SECRETS: &[&str] = &["/request/default_headers/*"];

/// What stands for a value that was kept before such were sealed: nothing of it.
const UNSEALED: &str = "...";

/// Takes the sealed secrets out of a key's fields, or an event's, and leaves masks alone
/// in what is kept. Of what was sealed, these are the masks that stand beside it.
pub(crate) fn conceal(fields: &mut Map<String, Value>) {
    let sealed = fields.remove("more_secrets").unwrap_or_default();
    let Some(Value::String(text)) = fields.get_mut("more") else {
        return;
    };
    let Ok(Value::Object(more)) = serde_json::from_str(text) else {
        return;
    };
    let pointers = SECRETS.iter().flat_map(|pattern| places(&more, pattern));
    let pointers: Vec<String> = pointers.collect();
    let mut more = Value::Object(more);
    for pointer in &pointers {
        let mask = sealed.get(pointer).and_then(|secret| secret.get("mask"));
        if let Some(slot) = more.pointer_mut(pointer) {
            *slot = mask.cloned().unwrap_or_else(|| Value::from(UNSEALED));
        }
    }
    if !pointers.is_empty() {
        *text = more.to_string();
    }
}
