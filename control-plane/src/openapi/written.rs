//! The form of every write's answer (`reply::Done`): the write's own fields, and
//! what a dry run or a wait for the fleet adds.

use serde_json::Value;

use super::schema::{Components, about, any_of, flag, list, map, named, object, success, text};
use crate::fleet::Waited;

/// Schemas that many answers share.
pub(super) fn register(components: &mut Components) {
    components.answer::<Waited>();
    components.name("ResourceChange", change());
}

/// A changed field of one resource.
fn change() -> Value {
    object(
        &[("resource", text()), ("field", text())],
        &[("before", Value::Bool(true)), ("after", Value::Bool(true))],
    )
}

/// The answer to a write with these fields of its own.
pub(super) fn done(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let mut own = vec![("success", success())];
    own.extend_from_slice(required);
    bare(&own, optional)
}

/// The same without `success`, as the admin API answers with entries.
pub(super) fn bare(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let before_after = object(
        &[("before", Value::Bool(true)), ("after", Value::Bool(true))],
        &[],
    );
    let changes = any_of(&[before_after, list(named("ResourceChange"))]);
    let mut more = optional.to_vec();
    more.extend([
        ("warnings", list(text())),
        ("fleet", named("Waited")),
        ("dry_run", about(flag(), "nothing was written")),
        ("changes", about(changes, "in a dry run: what would change")),
        (
            "events",
            about(
                list(map(Value::Bool(true))),
                "in a dry run: the events that would be written, by their kinds",
            ),
        ),
    ]);
    object(required, &more)
}

/// The answer to a removal.
pub(super) fn removed(id: Value) -> Value {
    done(&[("id", id), ("message", text())], &[])
}
