//! Which accounts a query means, and the page of them that is shown.

use std::collections::HashMap;
use std::sync::Arc;

use axum::response::Response;
use foldgate_domain::{Bounds, OwnerState};
use foldgate_proto::{Account, AccountNumber};
use serde_json::{Value, json};

use super::view;
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::owner_api::page::Paging;
use crate::reply;
use crate::request::query;
use crate::request::quote::quoted;

/// What a listed account must match; every part that is set must hold.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    id: Option<AccountNumber>,
    name: Option<String>,
    email: Option<String>,
    status: Option<bool>,
}

impl Filter {
    /// Reads the query parameters `id`, `name`, `email` and `status`.
    ///
    /// # Errors
    /// A value that cannot be one.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut filter = Self::default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            match name.as_ref() {
                "id" => filter.id = Some(number(value)?),
                "name" => filter.name = Some(value.to_owned()),
                "email" => filter.email = Some(value.to_owned()),
                "status" => filter.status = Some(query::flag(text, "status")?),
                _ => {}
            }
        }
        Ok(filter)
    }

    /// Whether at most one account can match.
    const fn names_one(&self) -> bool {
        self.id.is_some() || self.name.is_some() || self.email.is_some()
    }

    /// The one account that can match, where the filter names one.
    fn one<'o>(&self, owner: &'o OwnerState) -> Option<&'o Arc<Account>> {
        match (&self.id, &self.name, &self.email) {
            (Some(id), _, _) => owner.accounts.get(id),
            (None, Some(name), _) => owner.account_named(name),
            (None, None, Some(email)) => owner.account_mailed(email),
            (None, None, None) => None,
        }
    }

    fn matches(&self, account: &Account) -> bool {
        let same = foldgate_domain::is_same;
        let profile = &account.profile;
        self.id.is_none_or(|id| account.number == id)
            && self
                .name
                .as_ref()
                .is_none_or(|name| same(name, &profile.name))
            && self
                .email
                .as_ref()
                .is_none_or(|email| same(email, &profile.email))
            && self.status.is_none_or(|on| profile.suspended != on)
    }
}

fn number(text: &str) -> Result<AccountNumber, Error> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().map(AccountNumber).ok().filter(|_| digits);
    number.ok_or_else(|| Error::field("id", format!("{:?} is no account id", quoted(text))))
}

/// A page of those of `all` that match; `belongs` says of an account whether it
/// is one of them.
pub(crate) fn show<'o>(
    (app, caller): (&App, &'o Authenticated),
    all: impl Iterator<Item = &'o Arc<Account>>,
    belongs: impl Fn(&Account) -> bool,
    (filter, paging): (&Filter, Paging),
) -> Response {
    let owner = caller.owner();
    let wanted: Box<dyn Iterator<Item = &Arc<Account>>> = if filter.names_one() {
        let one = filter.one(owner).filter(|account| belongs(account));
        Box::new(one.into_iter())
    } else {
        Box::new(all)
    };
    let (skip, take) = paging.window();
    let end = skip.saturating_add(take);
    let mut total = 0;
    let mut page: Vec<Value> = Vec::new();
    // Most of a page stands below one parent.
    let mut parents: HashMap<AccountNumber, Bounds> = HashMap::new();
    for account in wanted.filter(|account| filter.matches(account)) {
        if (skip..end).contains(&total) {
            let parent = parents
                .entry(account.parent)
                .or_insert_with_key(|parent| owner.bounds(*parent));
            let left = app.left(owner.id, account).total;
            page.push(view::row(owner, account, &parent.of_child(account), left));
        }
        total += 1;
    }
    let mut response = reply::read(caller, &json!({"success": true, "users": page}));
    response.headers_mut().extend(paging.headers(total));
    response
}
