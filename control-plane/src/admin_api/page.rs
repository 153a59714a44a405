//! Paging of the admin API's lists. The place of a page is an entry, not a count,
//! so what is made or removed meanwhile shifts nothing.

use std::ops::Bound;
use std::sync::Arc;

use foldgate_domain::folded;
use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};
use imbl::OrdMap;
use url::form_urlencoded;
use uuid::Uuid;

use super::{definitions, places};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::request::query;

/// The query parameters of a list.
pub(crate) const PARAMETERS: &[&str] = &[LIMIT, AFTER, NAMED];

/// Whether a route lists entries, in pages if asked for.
pub(crate) fn lists(route: &str) -> bool {
    definitions::lists(route) || places::of_keys().any(|keys| keys.all == route)
}

/// Whether a route is about one entry, or all of a sort.
pub(crate) fn of_entries(route: &str) -> bool {
    let of_keys = || places::of_keys().any(|keys| route.starts_with(keys.all));
    definitions::of_route(route).is_some() || of_keys()
}

const LIMIT: &str = "limit";
const AFTER: &str = "after";
const NAMED: &str = "q";

/// The most entries on a page. A list that is asked for without a limit has none:
/// clients that know nothing of pages see all.
pub(crate) const MAX_LIMIT: u64 = 1000;

static TOTAL_HEADER: HeaderName = HeaderName::from_static("x-total-count");

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    limit: Option<usize>,
    /// The entry that the page begins behind.
    after: Option<Uuid>,
    /// A part of the names, as it was given and as names are compared.
    named: Option<(String, String)>,
}

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Part<T> {
    /// What is on the page.
    pub items: Vec<T>,
    /// How many match, on whatever page.
    total: usize,
    /// Whether more follow.
    more: bool,
}

impl Page {
    /// Reads the query parameters.
    ///
    /// # Errors
    /// A limit outside 1 to [`MAX_LIMIT`]; a cursor that is no id.
    pub(crate) fn parse(query: &str) -> Result<Self, Error> {
        let limit = query::number(query, LIMIT, 1..=MAX_LIMIT)?;
        let text = |name: &str| {
            let mut parameters = form_urlencoded::parse(query.as_bytes());
            parameters.find_map(|(given, value)| (given == name).then(|| value.into_owned()))
        };
        let after = match text(AFTER) {
            None => None,
            Some(id) => Some(Uuid::parse_str(&id).map_err(|_| unknown_cursor())?),
        };
        let named = text(NAMED).filter(|part| !part.is_empty());
        Ok(Self {
            limit: limit.and_then(|limit| usize::try_from(limit).ok()),
            after,
            named: named.map(|part| (part.clone(), folded(&part))),
        })
    }

    /// Where the page begins: behind the entry that `find` finds. One that is gone
    /// meanwhile still has its place: `before` knows what stands before it.
    ///
    /// # Errors
    /// The cursor can be the id of no entry.
    pub(crate) async fn begins<K>(
        &self,
        app: &App,
        caller: Authenticated,
        find: impl Fn(&Authenticated, Uuid) -> Option<K>,
        before: impl Fn(&Authenticated, Uuid) -> Option<K>,
    ) -> Result<(Authenticated, Option<K>), Error> {
        let Some(id) = self.after else {
            return Ok((caller, None));
        };
        let look = |caller: &Authenticated| find(caller, id);
        if let Some((caller, found)) = app.look(caller.clone(), look).await {
            return Ok((caller, Some(found)));
        }
        if !tells_when(id) {
            return Err(unknown_cursor());
        }
        let caller = caller.refreshed(app.table());
        let before = before(&caller, id);
        Ok((caller, before))
    }

    /// The page of all these, by their names, behind one of them.
    pub(crate) fn of<K: Ord + Copy, V>(
        &self,
        all: &OrdMap<K, Arc<V>>,
        after: Option<K>,
        name: impl Fn(&V) -> &str,
    ) -> Part<Arc<V>> {
        let wanted = |entry: &&Arc<V>| self.wants(name(entry));
        let total = if self.searches() {
            all.values().filter(wanted).count()
        } else {
            all.len()
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = all.range((from, Bound::Unbounded)).map(|(_, entry)| entry);
        self.part(total, behind.filter(wanted).map(Arc::clone))
    }

    /// Whether a name is searched for. If not, how many match is known without a look
    /// at all of them.
    pub(crate) const fn searches(&self) -> bool {
        self.named.is_some()
    }

    /// Whether an entry of this name is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        let part = self.named.as_ref();
        part.is_none_or(|(_, part)| folded(name).contains(part.as_str()))
    }

    /// The page: of those that match behind the cursor, of `total` that do.
    pub(crate) fn part<T>(&self, total: usize, mut behind: impl Iterator<Item = T>) -> Part<T> {
        let limit = self.limit.unwrap_or(usize::MAX);
        let items = behind.by_ref().take(limit).collect();
        Part {
            items,
            total,
            more: behind.next().is_some(),
        }
    }

    /// The headers that tell of a page: how many there are, and where the next
    /// page is, behind the entry that `id` names.
    pub(crate) fn headers<T>(
        &self,
        part: &Part<T>,
        path: &str,
        id: impl Fn(&T) -> Uuid,
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TOTAL_HEADER.clone(), HeaderValue::from(part.total));
        if let Some(last) = part.items.last().filter(|_| part.more) {
            let mut query = form_urlencoded::Serializer::new(String::new());
            if let Some(limit) = self.limit {
                query.append_pair(LIMIT, &limit.to_string());
            }
            if let Some((given, _)) = &self.named {
                query.append_pair(NAMED, given);
            }
            query.append_pair(AFTER, &id(last).to_string());
            let link = format!("<{path}?{}>; rel=\"next\"", query.finish());
            if let Ok(link) = HeaderValue::try_from(link) {
                headers.insert(LINK, link);
            }
        }
        headers
    }
}

/// The last of these entries, in their order, that stands before the place of an id that
/// is none of theirs. Ids that were drawn here say when, and entries stand in the order
/// in which they were made; what was made in the same moment may be shown once more, but
/// is not passed over.
pub(crate) fn before<K>(entries: impl Iterator<Item = (K, Uuid)>, id: Uuid) -> Option<K> {
    let dated = entries.filter(|(_, other)| tells_when(*other));
    dated
        .take_while(|(_, other)| *other < id)
        .last()
        .map(|(key, _)| key)
}

/// Whether an id is one of those that begin with the time.
fn tells_when(id: Uuid) -> bool {
    id.get_version_num() == 7
}

/// A cursor that is the id of no entry.
fn unknown_cursor() -> Error {
    Error::field(
        AFTER,
        "is the id of no entry of this list; begin again without it",
    )
}
