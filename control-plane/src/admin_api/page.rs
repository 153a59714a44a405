//! Paging of the admin API's lists. The place of a page is an entry, not a count,
//! so what is made or removed meanwhile shifts nothing.

use foldgate_domain::folded;
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
pub(crate) struct Page {
    limit: Option<usize>,
    /// The entry that the page begins behind.
    pub after: Option<Uuid>,
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

/// A cursor that is the id of no entry.
pub(crate) fn unknown_cursor() -> Error {
    Error::field(
        AFTER,
        "is the id of no entry of this list; begin again without it",
    )
}
