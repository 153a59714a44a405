//! Calls that name what was made before, which only the key that made it can serve.

use std::borrow::Cow;

use foldgate_domain::{Access, Denied};
use foldgate_proto::KeyId;
use futures_util::future::join_all;

use super::call::Place;
use super::{Arrival, Proxy};
use crate::admit::denied;
use crate::body::{CONVERSATION, Fields, Message};
use crate::endpoint::{Binds, Takes};
use crate::error::Problem;
use crate::json::strings;
use crate::route::{Asking, Routed, one_way, route};

/// How files are named in a body.
const FILES: [&str; 2] = ["file_id", "file_ids"];

/// The most files that one call may name.
const MAX_FILES: usize = 64;

/// An id that a call names, and where.
pub(super) struct Named<'r> {
    id: Cow<'r, str>,
    field: &'static str,
}

/// What a call names that a key has made, and that key.
type Bound<'n> = (&'n Named<'n>, KeyId);

/// The ids that a call names: in its path, as what it goes on from, as its
/// conversation, as files.
///
/// # Errors
/// 400 when they are too many, or cannot be found.
pub(super) fn named<'r>(
    (endpoint, id): Place<'r>,
    message: &'r Message,
) -> Result<Vec<Named<'r>>, Problem> {
    let before = match (endpoint.binds, id) {
        (Binds::Follows(_), Some(id)) => Some((id, "id")),
        (Binds::Makes(Some(field)), _) => message.fields.follows.as_deref().zip(Some(field)),
        _ => None,
    };
    let mut named: Vec<Named<'_>> = Vec::new();
    named.extend(before.map(|(id, field)| Named {
        id: id.into(),
        field,
    }));
    named.extend(message.fields.conversation.as_deref().map(|id| Named {
        id: id.into(),
        field: CONVERSATION,
    }));
    if endpoint.names_files() {
        let text = std::str::from_utf8(message.held()).unwrap_or_default();
        let deep = |_| Problem::invalid("the request body lies too deep in itself");
        let files = strings(text, &FILES, MAX_FILES + 1).map_err(deep)?;
        if files.len() > MAX_FILES {
            let message = format!("at most {MAX_FILES} files may be named");
            return Err(Problem::invalid(message).about(FILES[0]));
        }
        named.extend(files.into_iter().map(|id| Named {
            id: id.into(),
            field: FILES[0],
        }));
    }
    Ok(named)
}

impl Proxy {
    /// The key that made what a call names. `None` where it names nothing, and where the
    /// owner names what nobody remembers: all keys are its own.
    ///
    /// # Errors
    /// The account has not had it made, or several keys made what is named.
    pub(super) async fn bound<'n>(
        &self,
        named: &'n [Named<'n>],
        arrival: &Arrival<'_>,
    ) -> Result<Option<Bound<'n>>, Problem> {
        let admitted = &arrival.admitted;
        let whose = (admitted.owner(), admitted.account());
        let finds = named
            .iter()
            .map(|named| self.affinity.find(whose, &named.id));
        let mut bound: Option<Bound<'n>> = None;
        for (named, key) in named.iter().zip(join_all(finds).await) {
            match (key, &bound) {
                (None, _) if admitted.is_root() => {}
                (None, _) => return Err(named.unknown()),
                (Some(key), None) => bound = Some((named, key)),
                (Some(key), Some((_, other))) if key == *other => {}
                (Some(_), Some(_)) => return Err(Problem::apart(named.field)),
            }
        }
        Ok(bound)
    }
}

impl Named<'_> {
    /// The id of what is made by nobody here, so that who serves it first is known to
    /// have it: conversations are made elsewhere.
    pub(super) fn conversation(&self) -> Option<&str> {
        (self.field == CONVERSATION).then_some(&*self.id)
    }

    fn unknown(&self) -> Problem {
        match self.field {
            "id" => Problem::unknown_id(&self.id),
            field => Problem::unknown_before(&self.id, field),
        }
    }
}

/// Where a call goes; `named` when it names anything.
///
/// # Errors
/// As for any call; and when the key that made what it names does not serve it.
pub(super) fn routed<'t>(
    (endpoint, id): Place<'_>,
    (access, fields): (&Access<'t>, &'t Fields),
    (named, bound): (bool, Option<Bound<'_>>),
    asking: &Asking<'_>,
) -> Result<Routed<'t>, Problem> {
    if endpoint.takes == Takes::Plain && !access.allows_model("*") {
        return Err(Problem::unread_models());
    }
    if endpoint.takes == Takes::Session && !asking.admitted.is_root() {
        return Err(Problem::owners_alone());
    }
    if !endpoint.takes.names_model() {
        let leg = match bound {
            Some((named, key)) => access.bound(key, endpoint.name).map_err(|why| match why {
                Denied::NoRoute(_) => named.unknown(),
                why => denied(why),
            })?,
            None if id.is_some() || named || endpoint.is_anywhere() => {
                access.everywhere(endpoint.name)
            }
            None => access.unnamed(endpoint.name).map_err(|why| match why {
                Denied::NoRoute(_) => Problem::no_key(),
                why => denied(why),
            })?,
        };
        return one_way(access, leg, asking);
    }
    let mut routed = route(access, &fields.model, asking)?;
    if let Some((named, key)) = bound {
        let at = access.bound(key, &fields.model);
        let levels = at.map_or(Vec::new(), |leg| leg.levels);
        let legs = &mut routed.plan.legs;
        legs.retain(|leg| match leg.only {
            Some(only) => only == key,
            None => levels.iter().any(|level| leg.levels.contains(level)),
        });
        for leg in legs.iter_mut() {
            leg.only = Some(key);
            leg.levels.clone_from(&levels);
        }
        if legs.is_empty() {
            return Err(Problem::elsewhere(&fields.model, named.field));
        }
    }
    Ok(routed)
}
