//! `foldgate state`: what was in force.

use foldgate_domain::history::shown;
use foldgate_domain::{FOLD_VERSION, OwnerState, State};
use foldgate_proto::{DefinitionKind, ResourceId};
use foldgate_runtime::Settings;
use serde_json::{Map, Value, json};

use super::grid::{Grid, shown as cell};
use super::look::Look;
use super::out::Out;
use super::owners::chosen;
use super::point::Point;
use crate::exit::Failure;

/// What an owner has one of, and the name it goes by in histories.
const SINGLE: &[(&str, &str)] = &[
    ("owner", "owner"),
    ("config", "config"),
    ("level_mapper", "completed"),
];

/// What an owner has many of, and what one is called.
const LISTS: &[(&str, &str)] = &[
    ("keys", "key"),
    ("news", "news"),
    ("accounts", "account"),
    ("caller_keys", "caller_key"),
    ("admin_keys", "admin_key"),
];

fn lists() -> impl Iterator<Item = (&'static str, &'static str)> {
    let kinds = DefinitionKind::ALL.iter();
    let kinds = kinds.map(|kind| (kind.plural(), kind.as_str()));
    LISTS.iter().copied().chain(kinds)
}

/// Shows the state at a point.
pub(super) async fn run(
    settings: &Settings,
    at: Point,
    owner: Option<&str>,
    json: bool,
) -> Result<(), Failure> {
    let look = Look {
        path: "/admin/v1/state",
        points: [("at", at)],
        owner,
    };
    let folded = |[state]: &[State; 1]| folded(state, owner);
    Out::show(&look.answer(settings, folded).await?, json, lines)
}

fn folded(state: &State, owner: Option<&str>) -> Result<Value, Failure> {
    let hash = state.hash().map_err(Failure::internal)?;
    let owners = chosen(&[state], owner)?;
    let owners = owners.into_iter().filter_map(|id| state.owner(id));
    Ok(json!({
        "log_id": state.log,
        "revision": state.revision,
        "at": state.at.to_string(),
        "state_hash": hash.to_string(),
        "fold_version": FOLD_VERSION,
        "owners": owners.map(|owner| of_owner(owner)).collect::<Vec<Value>>(),
    }))
}

/// One owner as the API shows it, sort by sort.
fn of_owner(owner: &OwnerState) -> Value {
    let mut sorts = Map::new();
    for (sort, _) in lists() {
        sorts.insert(sort.to_owned(), json!([]));
    }
    for id in owner.resources() {
        let Some(value) = owner.resource(id).as_ref().map(shown) else {
            continue;
        };
        let sort = match id {
            ResourceId::Owner => "owner",
            ResourceId::Config => "config",
            ResourceId::Completed => "level_mapper",
            ResourceId::Key(_) => "keys",
            ResourceId::News(_) => "news",
            ResourceId::Account(_) => "accounts",
            ResourceId::CallerKey(_) => "caller_keys",
            ResourceId::AdminKey(_) => "admin_keys",
            ResourceId::Definition(kind, _) => kind.plural(),
        };
        match sorts.get_mut(sort).and_then(Value::as_array_mut) {
            Some(list) => list.push(value),
            None => {
                sorts.insert(sort.to_owned(), value);
            }
        }
    }
    sorts.insert("id".to_owned(), json!(owner.id));
    Value::Object(sorts)
}

/// What stands at the top, then a table of fields per owner.
fn lines(answer: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for name in ["log_id", "revision", "at", "state_hash"] {
        if let Some(value) = answer.get(name) {
            lines.push(format!("{name:<11} {}", cell(&plain(value))));
        }
    }
    let owners = answer.get("owners").and_then(Value::as_array);
    let alone = std::slice::from_ref(answer);
    for owner in owners.map_or(alone, Vec::as_slice) {
        let name = cell(&plain(&owner["owner"]["name"]));
        let id = owner.get("id").map(|id| format!(" ({})", plain(id)));
        lines.push(format!("\nowner {name}{}\n", id.unwrap_or_default()));
        lines.extend(table(owner));
    }
    lines
}

fn table(owner: &Value) -> Vec<String> {
    let mut grid = Grid::new(&["RESOURCE", "FIELD", "VALUE"]);
    for (sort, resource) in SINGLE {
        fields(&mut grid, resource, &owner[*sort]);
    }
    for (sort, one) in lists() {
        for value in owner[sort].as_array().into_iter().flatten() {
            fields(&mut grid, &format!("{one}/{}", value["number"]), value);
        }
    }
    grid.lines()
}

fn fields(grid: &mut Grid, resource: &str, value: &Value) {
    for (field, value) in value.as_object().into_iter().flatten() {
        grid.row([resource.to_owned(), field.clone(), value.to_string()]);
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
