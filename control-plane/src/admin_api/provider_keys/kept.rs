//! What is kept of a provider key beside the key itself, with its secrets sealed: the
//! values of headers, among which are credentials that no list of names foresees.

use std::collections::BTreeMap;

use foldgate_domain::command::SecretEdit;
use foldgate_domain::definition::places;
use foldgate_domain::kept;
use foldgate_proto::{JsonText, KeyId, OwnerId, ProviderKey};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::value::ProviderKeyValue;
use crate::admin_api::definitions::secrets;
use crate::app::App;
use crate::error::Error;
use crate::sealing;

/// What is kept, and the secrets in it. A mask means that its secret stays.
///
/// # Errors
/// A value that can be no secret; the system has no random bytes.
pub(super) fn of(
    app: &App,
    (owner, id): (OwnerId, KeyId),
    value: &ProviderKeyValue,
    had: Option<&ProviderKey>,
) -> Result<(JsonText, BTreeMap<String, SecretEdit>), Error> {
    let as_given = value.more();
    let mut more = object(&as_given);
    let place = (owner, id.0);
    let mut edits = secrets::take(&app.vault, place, kept::SECRETS, &mut more)?;
    if edits.is_empty() {
        return Ok((as_given, edits));
    }
    let before = had.and_then(|key| key.more.as_ref()).map(object);
    for pattern in kept::SECRETS {
        for (pointer, plain) in unsealed(before.as_ref(), pattern) {
            let mask = foldgate_vault::mask(&plain);
            if edits.get(&pointer) == Some(&SecretEdit::Keep)
                && text_at(&more, &pointer) == Some(mask.as_str())
            {
                let plain = SecretString::from(plain);
                let sealed = sealing::secret_in(&app.vault, place, pattern, &plain)?;
                edits.insert(pointer, SecretEdit::Set(sealed));
            }
        }
    }
    Ok((JsonText(Value::Object(more).to_string()), edits))
}

/// The fields of what is kept that nothing acts upon yet: all but what a key calls its
/// provider.
const UNENFORCED: [&str; 5] = [
    "request",
    "response",
    "strip_headers",
    "telemetry_tags",
    "tls",
];

/// Which of them are kept.
pub(crate) fn unenforced(more: &JsonText) -> Vec<&'static str> {
    let more = object(more);
    let kept = UNENFORCED.into_iter();
    kept.filter(|field| more.contains_key(*field)).collect()
}

/// What was kept in plain, before such was sealed, by where it stands.
fn unsealed(before: Option<&Map<String, Value>>, pattern: &str) -> Vec<(String, String)> {
    let Some(before) = before else {
        return Vec::new();
    };
    let plain = places(before, pattern).into_iter().filter_map(|pointer| {
        let text = text_at(before, &pointer)?.to_owned();
        (!sealing::is_mask(&text)).then_some((pointer, text))
    });
    plain.collect()
}

fn text_at<'m>(map: &'m Map<String, Value>, pointer: &str) -> Option<&'m str> {
    let mut steps = pointer.split('/').skip(1);
    let name = |step: &str| step.replace("~1", "/").replace("~0", "~");
    let first = map.get(&name(steps.next()?))?;
    steps
        .try_fold(first, |at, step| at.get(name(step)))?
        .as_str()
}

fn object(text: &JsonText) -> Map<String, Value> {
    serde_json::from_str(&text.0).unwrap_or_default()
}
