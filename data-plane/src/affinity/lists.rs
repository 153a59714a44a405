//! Lists of what has ids: the upstream's is of all its account's callers; each sees its
//! own.

use std::collections::HashSet;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Affinity, Whose};
use crate::json::{members, range_in};
use crate::splice::{Edit, Segments};

/// One list of several keys' lists, in the words of the first. What several keys list,
/// of one upstream account, is listed once.
pub(crate) fn joined(lists: &[Bytes]) -> Option<Bytes> {
    let first = lists.first()?;
    let text = std::str::from_utf8(first).ok()?;
    let [data] = members(text, &["data"]).ok()?.values;
    let mut all: Vec<&str> = Vec::new();
    let mut seen: HashSet<String> = HashSet::new();
    for list in lists {
        let found = members(std::str::from_utf8(list).ok()?, &["data"]).ok()?;
        let [data] = found.values;
        let items: Vec<&RawValue> = serde_json::from_str(data?).ok()?;
        let new = items.iter().map(|item| item.get()).filter(|item| {
            let id = serde_json::from_str::<Item>(item);
            id.map_or(true, |item| seen.insert(item.id))
        });
        all.extend(new);
    }
    let edit = Edit::replace(range_in(text, data?), format!("[{}]", all.join(",")));
    Some(Segments::splice(first, vec![edit]).join())
}

#[derive(Deserialize)]
struct Item {
    id: String,
}

impl Affinity {
    /// The list without what is not known to be the account's own; what stays, stays as
    /// it is. `None` when it is no list.
    pub(crate) fn own_of(&self, whose: Whose, list: &Bytes) -> Option<Bytes> {
        let text = std::str::from_utf8(list).ok()?;
        let [data] = members(text, &["data"]).ok()?.values;
        let data = data?;
        let items: Vec<&RawValue> = serde_json::from_str(data).ok()?;
        let own = items.iter().map(|item| item.get()).filter(|item| {
            let id = serde_json::from_str::<Item>(item);
            id.is_ok_and(|item| self.knows(whose, &item.id))
        });
        let kept = own.collect::<Vec<_>>().join(",");
        let edit = Edit::replace(range_in(text, data), format!("[{kept}]"));
        Some(Segments::splice(list, vec![edit]).join())
    }
}
