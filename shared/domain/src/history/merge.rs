//! Taking one change back out of a resource that may have changed since: field
//! by field, as far as the fields are still as that change left them.

use foldgate_proto::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Fields that say when and by what a resource changed, not what it is.
const STAMPS: &[&str] = &["revision", "secret_revision", "updated_at"];

/// Fields whose own fields are compared one by one.
const NESTED: &[&str] = &["profile", "terms"];

/// What a resource is once a change is taken out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// Nothing is left to do.
    Unchanged,
    /// It becomes this; `None` is gone.
    Value(Option<Resource>),
    /// This field has changed since; empty where it is the whole.
    Conflict(String),
}

/// Takes the change from `before` to `after` out of `now`.
pub fn merge(
    before: Option<&Resource>,
    after: Option<&Resource>,
    now: Option<&Resource>,
) -> Merged {
    if is_same(now, after) {
        if is_same(now, before) {
            return Merged::Unchanged;
        }
        return Merged::Value(before.cloned());
    }
    let (Some(before), Some(after), Some(now)) = (before, after, now) else {
        return Merged::Conflict(String::new());
    };
    match (before, after, now) {
        (Resource::Owner(b), Resource::Owner(a), Resource::Owner(n)) => {
            whole(b, a, n, Resource::Owner)
        }
        (Resource::Config(b), Resource::Config(a), Resource::Config(n)) => {
            whole(b, a, n, Resource::Config)
        }
        (Resource::Completed(b), Resource::Completed(a), Resource::Completed(n)) => {
            whole(b, a, n, Resource::Completed)
        }
        (Resource::Key(b), Resource::Key(a), Resource::Key(n)) => whole(b, a, n, Resource::Key),
        (Resource::News(b), Resource::News(a), Resource::News(n)) => whole(b, a, n, Resource::News),
        (Resource::Account(b), Resource::Account(a), Resource::Account(n)) => {
            whole(b, a, n, Resource::Account)
        }
        (Resource::CallerKey(b), Resource::CallerKey(a), Resource::CallerKey(n)) => {
            whole(b, a, n, Resource::CallerKey)
        }
        (Resource::AdminKey(b), Resource::AdminKey(a), Resource::AdminKey(n)) => {
            whole(b, a, n, Resource::AdminKey)
        }
        _ => Merged::Conflict(String::new()),
    }
}

fn whole<T: Serialize + DeserializeOwned>(
    before: &T,
    after: &T,
    now: &T,
    wrap: impl Fn(T) -> Resource,
) -> Merged {
    let (Some(before), Some(after), Some(mut merged)) =
        (object(before), object(after), object(now))
    else {
        return Merged::Conflict(String::new());
    };
    if let Err(field) = take_out(&before, &after, &mut merged, "") {
        return Merged::Conflict(field);
    }
    match serde_json::from_value(Value::Object(merged)) {
        Ok(value) => Merged::Value(Some(wrap(value))),
        Err(_) => Merged::Conflict(String::new()),
    }
}

/// Sets each field that differs between `before` and `after` back in `now`; an
/// error names the first one that is not as `after` left it.
fn take_out(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    now: &mut Map<String, Value>,
    path: &str,
) -> Result<(), String> {
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    for name in names {
        let (was, became) = (before.get(name), after.get(name));
        if was == became || STAMPS.contains(&name.as_str()) {
            continue;
        }
        if NESTED.contains(&name.as_str())
            && let (Some(Value::Object(was)), Some(Value::Object(became))) = (was, became)
            && let Some(Value::Object(is)) = now.get_mut(name)
        {
            take_out(was, became, is, path)?;
            continue;
        }
        if now.get(name) != became {
            return Err(format!("{path}.{name}"));
        }
        match was {
            Some(was) => now.insert(name.clone(), was.clone()),
            None => now.remove(name),
        };
    }
    Ok(())
}

/// Whether two values are the same but for their stamps.
pub(super) fn is_same(one: Option<&Resource>, other: Option<&Resource>) -> bool {
    if one == other {
        return true;
    }
    match (one.and_then(unstamped), other.and_then(unstamped)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

fn unstamped(resource: &Resource) -> Option<Map<String, Value>> {
    let mut map = fields_of(resource)?;
    for stamp in STAMPS {
        map.remove(*stamp);
    }
    Some(map)
}

/// A resource's fields.
pub(super) fn fields_of(resource: &Resource) -> Option<Map<String, Value>> {
    match resource {
        Resource::Owner(value) => object(value),
        Resource::Config(value) => object(value),
        Resource::Completed(value) => object(value),
        Resource::Key(value) => object(value),
        Resource::News(value) => object(value),
        Resource::Account(value) => object(value),
        Resource::CallerKey(value) => object(value),
        Resource::AdminKey(value) => object(value),
    }
}

fn object(value: &impl Serialize) -> Option<Map<String, Value>> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}
