//! Paging of lists of definitions. The place of a page is an entry, not a count,
//! so what is made or removed meanwhile shifts nothing.

use std::sync::Arc;

use foldgate_domain::{OwnerState, folded};
use foldgate_proto::{Definition, DefinitionId, DefinitionKind};
use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};
use url::form_urlencoded;
use uuid::Uuid;

use crate::error::Error;
use crate::request::query;

/// The query parameters of a list.
pub(crate) const PARAMETERS: &[&str] = &[LIMIT, AFTER, NAMED];

const LIMIT: &str = "limit";
const AFTER: &str = "after";
const NAMED: &str = "q";

/// The most entries on a page. A list that is asked for without a limit has none:
/// clients that know nothing of pages see all.
pub(crate) const MAX_LIMIT: u64 = 1000;

static TOTAL_HEADER: HeaderName = HeaderName::from_static("x-total-count");

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    limit: Option<usize>,
    /// The entry that the page begins behind.
    after: Option<DefinitionId>,
    /// A part of the names, as it was given and as names are compared.
    named: Option<(String, String)>,
}

/// A part of a list.
#[derive(Debug)]
pub(super) struct Part {
    /// What is on the page.
    pub(super) items: Vec<Arc<Definition>>,
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
    pub(super) fn parse(query: &str) -> Result<Self, Error> {
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
            after: after.map(DefinitionId),
            named: named.map(|part| (part.clone(), folded(&part))),
        })
    }

    /// Whether its cursor is no entry of a kind here, or not yet.
    pub(super) fn begins_nowhere(&self, owner: &OwnerState, kind: DefinitionKind) -> bool {
        self.after
            .is_some_and(|id| owner.definition(kind, id).is_none())
    }

    /// The page.
    ///
    /// # Errors
    /// The cursor is no entry.
    pub(super) fn part(&self, owner: &OwnerState, kind: DefinitionKind) -> Result<Part, Error> {
        let after = match self.after {
            None => None,
            Some(id) => {
                let entry = owner.definition(kind, id).ok_or_else(unknown_cursor)?;
                Some(entry.number)
            }
        };
        let matches = |definition: &&Arc<Definition>| match &self.named {
            None => true,
            Some((_, part)) => folded(&definition.name).contains(part.as_str()),
        };
        let total = match self.named {
            None => owner.definition_count(kind),
            Some(_) => owner.definitions_of(kind).filter(matches).count(),
        };
        let mut behind = owner.definitions_behind(kind, after).filter(matches);
        let limit = self.limit.unwrap_or(usize::MAX);
        let items = behind.by_ref().take(limit).cloned().collect();
        Ok(Part {
            items,
            total,
            more: behind.next().is_some(),
        })
    }

    /// The headers that tell of a page: how many there are, and where the next
    /// page is.
    pub(super) fn headers(&self, part: &Part, path: &str) -> HeaderMap {
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
            query.append_pair(AFTER, &last.id.to_string());
            let link = format!("<{path}?{}>; rel=\"next\"", query.finish());
            if let Ok(link) = HeaderValue::try_from(link) {
                headers.insert(LINK, link);
            }
        }
        headers
    }
}

fn unknown_cursor() -> Error {
    Error::field(
        AFTER,
        "is the id of no entry of this list; begin again without it",
    )
}
