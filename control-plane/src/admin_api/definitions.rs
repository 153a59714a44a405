//! `/admin/v1/models` and so on: definitions of every kind that the domain's
//! registry has. There is one set of handlers; which kind a request is about, its
//! route says. A new kind is a line of the registry, nothing here.
//!
//! A page costs what it shows.

use std::sync::{Arc, LazyLock};

use axum::extract::{FromRequestParts, MatchedPath, State};
use axum::response::Response;
use foldgate_domain::definition::{KINDS, Registered};
use foldgate_domain::{OwnerState, Rejection};
use foldgate_proto::{Definition, DefinitionId, DefinitionKind, DefinitionNumber, ResourceId};
use http::request::Parts;
use http::{HeaderMap, Uri};
use uuid::Uuid;

use super::list;
use super::page::{self, Page, Part};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::reply;
use crate::request::Segments;
use crate::routes;
use crate::routes::mount::{Methods, get};

mod entry;
pub(crate) mod secrets;
mod write;

use entry::Entry;

/// Where the definitions of a kind are found.
#[derive(Debug)]
pub(crate) struct Collection {
    /// The kind.
    pub line: &'static Registered,
    /// The route of all of them.
    pub all: String,
    /// The route of one.
    pub one: String,
    summaries: Summaries,
}

/// What the operations of a kind do, in words.
#[derive(Debug)]
pub(crate) struct Summaries {
    pub list: String,
    pub create: String,
    pub show: String,
    pub replace: String,
    pub remove: String,
}

impl Summaries {
    fn of(kind: DefinitionKind) -> Self {
        let (one, many) = (kind.spoken(), kind.spoken_plural());
        let a = if one.starts_with(['a', 'A', 'o']) || one.starts_with("MCP") {
            "an"
        } else {
            "a"
        };
        Self {
            list: format!("List {many}"),
            create: format!("Create {a} {one}"),
            show: format!("Show {a} {one}"),
            replace: format!("Replace {a} {one}"),
            remove: format!("Remove {a} {one}"),
        }
    }
}

impl Collection {
    /// What the operations of this kind do, in words.
    pub(crate) fn summaries(&self) -> &Summaries {
        &self.summaries
    }
}

static COLLECTIONS: LazyLock<Vec<Collection>> = LazyLock::new(|| {
    let lines = KINDS.iter().map(|line| {
        let all = format!("/admin/v1/{}", line.kind.plural());
        let one = format!("{all}/{{id}}");
        let summaries = Summaries::of(line.kind);
        Collection {
            line,
            all,
            one,
            summaries,
        }
    });
    lines.collect()
});

/// Every kind's place.
pub(crate) fn collections() -> &'static [Collection] {
    &COLLECTIONS
}

/// The kind that a route is about, if it is about one.
pub(crate) fn of_route(route: &str) -> Option<&'static Registered> {
    let mut all = COLLECTIONS.iter();
    let found = all.find(|collection| collection.all == route || collection.one == route);
    found.map(|collection| collection.line)
}

/// Whether a route lists definitions.
pub(crate) fn lists(route: &str) -> bool {
    COLLECTIONS.iter().any(|collection| collection.all == route)
}

/// The routes of every kind.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Methods)> {
    COLLECTIONS.iter().flat_map(|Collection { all, one, .. }| {
        let of_one = get(self::one).put(write::update).delete(write::remove);
        [
            (all.as_str(), get(self::all_of).post(write::create)),
            (one.as_str(), of_one),
        ]
    })
}

/// The kind that a request is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Of(pub &'static Registered);

impl FromRequestParts<App> for Of {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Error> {
        let route = parts.extensions.get::<MatchedPath>();
        let line = route.and_then(|route| of_route(routes::name(route)));
        // Only routes of kinds lead to those who ask.
        line.map(Self).ok_or(Error::Internal)
    }
}

/// `GET /admin/v1/<kind>`: an array of all, or a page of them.
async fn all_of(
    State(app): State<App>,
    caller: Authenticated,
    Of(line): Of,
    uri: Uri,
) -> Result<Response, Error> {
    let page = Page::parse(uri.query().unwrap_or_default())?;
    let find = |caller: &Authenticated, id| {
        let found = with_id(caller, line, id);
        found.map(|definition| definition.number)
    };
    let before = |caller: &Authenticated, id| {
        let all = caller.owner().definitions_of(line.kind);
        page::before(all.map(|one| (one.number, one.id.0)), id)
    };
    let (caller, after) = page.begins(&app, caller, find, before).await?;
    let part = part(caller.owner(), line.kind, (&page, after));
    let id = |definition: &Arc<Definition>| definition.id.0;
    let answer = list::page(&caller, (&page, part), uri.path(), id, entry::written);
    Ok(answer)
}

/// `GET /admin/v1/<kind>/{id}`
async fn one(
    State(app): State<App>,
    caller: Authenticated,
    Of(line): Of,
    Segments(id): Segments<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let (caller, definition) = find(&app, caller, line, &id).await?;
    let resource = ResourceId::Definition(definition.kind, definition.number);
    let entry = Entry::of(&definition);
    Ok(reply::read_unless_known(
        &caller, resource, &entry, &headers,
    ))
}

/// A page of a kind.
fn part(
    owner: &OwnerState,
    kind: DefinitionKind,
    (page, after): (&Page, Option<DefinitionNumber>),
) -> Part<Arc<Definition>> {
    let wanted = |definition: &&Arc<Definition>| page.wants(&definition.name);
    let total = if page.searches() {
        owner.definitions_of(kind).filter(wanted).count()
    } else {
        owner.definition_count(kind)
    };
    let behind = owner.definitions_behind(kind, after).filter(wanted);
    page.part(total, behind.cloned())
}

/// A definition by id; asks the log for news before it says that there is none.
async fn find(
    app: &App,
    caller: Authenticated,
    line: &Registered,
    id: &str,
) -> Result<(Authenticated, Arc<Definition>), Error> {
    let missing = || Error::from(Rejection::NoSuchDefinition(line.kind));
    let id = Uuid::parse_str(id).map_err(|_| missing())?;
    let found = app.look(caller, |caller| with_id(caller, line, id)).await;
    found.ok_or_else(missing)
}

fn with_id(caller: &Authenticated, line: &Registered, id: Uuid) -> Option<Arc<Definition>> {
    let owner = caller.owner();
    owner.definition(line.kind, DefinitionId(id)).cloned()
}
