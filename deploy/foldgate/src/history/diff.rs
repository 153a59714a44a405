//! `foldgate state diff`: what changed between two places in history.

use foldgate_domain::history::{diff, fields};
use foldgate_domain::{OwnerState, State};
use foldgate_runtime::Settings;
use serde_json::{Value, json};

use super::grid::Grid;
use super::look::Look;
use super::out::Out;
use super::owners::chosen;
use super::point::Point;
use crate::exit::Failure;

/// Shows what changed from one point to another.
pub(super) async fn run(
    settings: &Settings,
    [from, to]: [Point; 2],
    owner: Option<&str>,
    json: bool,
) -> Result<(), Failure> {
    let look = Look {
        path: "/admin/v1/state/diff",
        points: [("from", from), ("to", to)],
        owner,
    };
    let folded = |[from, to]: &[State; 2]| folded(from, to, owner);
    Out::show(&look.answer(settings, folded).await?, json, lines)
}

fn folded(from: &State, to: &State, owner: Option<&str>) -> Result<Value, Failure> {
    let mut changes = Vec::new();
    for id in chosen(&[from, to], owner)? {
        let (before, after) = (from.owner(id), to.owner(id));
        let name = after.or(before).map(|owner| owner.name.clone());
        for mut change in changed(before.map(AsRef::as_ref), after.map(AsRef::as_ref)) {
            change["owner"] = json!(name);
            changes.push(change);
        }
    }
    Ok(json!({"from": from.revision, "to": to.revision, "changes": changes}))
}

/// The changed fields of one owner, to be shown.
pub(super) fn changed(before: Option<&OwnerState>, after: Option<&OwnerState>) -> Vec<Value> {
    let differences = match (before, after) {
        (before, Some(after)) => diff(before, after),
        // Tenants do not go; from a later point to an earlier one they do.
        (Some(before), None) => diff(None, before)
            .into_iter()
            .map(|mut difference| {
                std::mem::swap(&mut difference.before, &mut difference.after);
                difference
            })
            .collect(),
        (None, None) => Vec::new(),
    };
    let mut changes = Vec::new();
    for difference in &differences {
        let resource = difference.resource.to_string();
        changes.extend(fields(difference).into_iter().map(|change| {
            json!({
                "resource": resource,
                "field": change.field,
                "before": change.before,
                "after": change.after,
            })
        }));
    }
    changes
}

fn lines(answer: &Value) -> Vec<String> {
    let changes = answer["changes"].as_array().map_or(&[][..], Vec::as_slice);
    let mut lines = vec![format!(
        "from revision {} to revision {}",
        answer["from"], answer["to"]
    )];
    lines.extend(table(changes));
    lines
}

/// Changed fields as a table; the owner only where there are several.
pub(super) fn table(changes: &[Value]) -> Vec<String> {
    let first = changes.first().map(|change| &change["owner"]);
    let several = changes.iter().any(|change| Some(&change["owner"]) != first);
    let mut heads = vec!["RESOURCE", "FIELD", "BEFORE", "AFTER"];
    if several {
        heads.insert(0, "OWNER");
    }
    let mut grid = Grid::new(&heads);
    for change in changes {
        let text = |name: &str| change[name].as_str().unwrap_or_default().to_owned();
        let value = |name: &str| match &change[name] {
            Value::Null => "-".to_owned(),
            value => value.to_string(),
        };
        let owner = several.then(|| text("owner"));
        let cells = [
            text("resource"),
            text("field"),
            value("before"),
            value("after"),
        ];
        grid.row(owner.into_iter().chain(cells));
    }
    if grid.is_empty() {
        return vec!["nothing changed".to_owned()];
    }
    grid.lines()
}
