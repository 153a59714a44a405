//! Taking one change back out of a resource that may have changed since: field
//! by field, as far as the fields are still as that change left them.

use foldgate_proto::{Definition, Resource, Revision, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Fields whose own fields are compared one by one.
const NESTED: &[&str] = &["profile", "terms", "value"];

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

/// Takes the change from `before` to `after` out of `now`. What is as it was
/// before already, the whole or a field, is left so.
pub fn merge(
    before: Option<&Resource>,
    after: Option<&Resource>,
    now: Option<&Resource>,
) -> Merged {
    if is_same(now, before) {
        return Merged::Unchanged;
    }
    if is_same(now, after) {
        return Merged::Value(before.cloned());
    }
    let (Some(before), Some(after), Some(now)) = (before, after, now) else {
        return Merged::Conflict(String::new());
    };
    let (before, after) = (&unstamped(before), &unstamped(after));
    match (before, after, now) {
        (Resource::Owner(b), Resource::Owner(a), Resource::Owner(n)) => {
            whole(b, a, n, Resource::Owner)
        }
        (Resource::Config(b), Resource::Config(a), Resource::Config(n)) => {
            match whole(b, a, n, Resource::Config) {
                Merged::Conflict(field) => Merged::Conflict(field.to_ascii_uppercase()),
                merged => merged,
            }
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
        (Resource::Definition(b), Resource::Definition(a), Resource::Definition(n)) => {
            definition(b, a, n)
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
    let read = |merged| {
        serde_json::from_value(Value::Object(merged))
            .ok()
            .map(&wrap)
    };
    fields_merged(object(before), object(after), object(now), read)
}

/// As [`whole`], where the value's own fields are compared one by one.
fn definition(before: &Definition, after: &Definition, now: &Definition) -> Merged {
    let read = |mut merged: Map<String, Value>| {
        let value = merged.get_mut("value")?;
        *value = Value::String(value.to_string());
        let merged = serde_json::from_value(Value::Object(merged)).ok()?;
        Some(Resource::Definition(Box::new(merged)))
    };
    fields_merged(opened(before), opened(after), opened(now), read)
}

fn fields_merged(
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
    now: Option<Map<String, Value>>,
    read: impl FnOnce(Map<String, Value>) -> Option<Resource>,
) -> Merged {
    let (Some(before), Some(after), Some(now)) = (before, after, now) else {
        return Merged::Conflict(String::new());
    };
    let mut merged = now.clone();
    if let Err(field) = take_out(&before, &after, &mut merged) {
        return Merged::Conflict(format!(".{field}"));
    }
    if merged == now {
        return Merged::Unchanged;
    }
    match read(merged) {
        Some(value) => Merged::Value(Some(value)),
        None => Merged::Conflict(String::new()),
    }
}

/// Sets each field that differs between `before` and `after` back in `now`; an
/// error names the first one that is not as `after` left it.
fn take_out(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    now: &mut Map<String, Value>,
) -> Result<(), String> {
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    for name in names {
        let (was, became) = (before.get(name), after.get(name));
        if was == became || now.get(name) == was {
            continue;
        }
        if NESTED.contains(&name.as_str())
            && let (Some(Value::Object(was)), Some(Value::Object(became))) = (was, became)
            && let Some(Value::Object(is)) = now.get_mut(name)
        {
            take_out(was, became, is)?;
            continue;
        }
        if now.get(name) != became {
            return Err(name.clone());
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
    one == other
        || one
            .zip(other)
            .is_some_and(|(one, other)| unstamped(one) == unstamped(other))
}

fn unstamped(resource: &Resource) -> Resource {
    let (never, unset) = (Revision::ZERO, Timestamp::default());
    let mut bare = resource.clone();
    match &mut bare {
        Resource::Key(key) => {
            key.revision = never;
            key.secret_revision = never;
            key.updated_at = unset;
        }
        Resource::News(news) => news.revision = never,
        Resource::Account(account) => {
            account.revision = never;
            account.updated_at = unset;
        }
        Resource::CallerKey(key) => {
            key.revision = never;
            key.updated_at = unset;
        }
        Resource::AdminKey(key) => key.revision = never,
        Resource::Definition(definition) => {
            definition.revision = never;
            definition.updated_at = unset;
        }
        Resource::Owner(_) | Resource::Config(_) | Resource::Completed(_) => {}
    }
    bare
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
        Resource::Definition(value) => opened(value),
    }
}

/// A definition's fields, its value as the object that it is.
fn opened(definition: &Definition) -> Option<Map<String, Value>> {
    let mut fields = object(definition)?;
    if let Ok(value @ Value::Object(_)) = serde_json::from_str(&definition.value.0) {
        fields.insert("value".to_owned(), value);
    }
    Some(fields)
}

fn object(value: &impl Serialize) -> Option<Map<String, Value>> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}
