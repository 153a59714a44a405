//! `GET /admin/v1/explain`: how a request for a model would travel, and why. It
//! asks the same table that routes requests, and names beside each answer the
//! patterns that lost.
//!
//! What is looked at is typed all the way; the answer is written at its end.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_domain::pattern;
use foldgate_domain::{Access, Caller, Denied, OwnerState, OwnerTable};
use foldgate_proto::{AccountNumber, CallerKey, Level, SleepReport, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::params::{Params, digits};
use crate::app::App;
use crate::auth::Authenticated;
use crate::clock;
use crate::error::Error;
use crate::reply;
use crate::request::quote::reference;

mod caller;
mod keys;
mod limits;
mod models;
mod policies;
mod price;
mod steps;
mod terms;

use caller::ApiKeyView;
use keys::LevelView;
use models::{Explained, LegView, NotEnforced};
use policies::Applicable;
use price::Price;
use steps::Step;
use terms::Terms;

/// `GET /admin/v1/explain`
pub(crate) async fn get(
    State(app): State<App>,
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let params = Params::new(query);
    let model = params.text("model")?;
    let model = model.ok_or_else(|| Error::field("model", "is required: the model to ask for"))?;
    if model.chars().count() > pattern::MAX_CHARS {
        let problem = format!("is longer than {} characters", pattern::MAX_CHARS);
        return Err(Error::field("model", problem));
    }
    let named = params.text("account")?;
    let named = named.map(|text| account(&caller, text)).transpose()?;
    let key = params.text("api_key")?;
    let key = key
        .map(|text| caller::find(&app, &caller, named, text))
        .transpose()?;
    let of_key = key.as_ref().map(|key| key.account);
    let account = named.or(of_key).unwrap_or(caller.owner().account);
    let model = model.to_owned();
    // Reading all policies of a large owner takes a while.
    let answered = tokio::task::spawn_blocking(move || {
        let table = caller.table().owner(caller.owner_id());
        let now = clock::now();
        let asked = Asked {
            table: table.ok_or(Error::Internal)?,
            model: &model,
            account,
            key,
            sleeping: app.sleeps.of_owner(caller.owner_id(), now),
            now,
        };
        Ok(reply::read(&caller, &asked.answer()))
    });
    answered.await.map_err(|_| Error::Internal)?
}

/// The account that a number, a name, an e-mail address or a DNA path means.
fn account(caller: &Authenticated, text: &str) -> Result<AccountNumber, Error> {
    let owner = caller.owner();
    let found = match text {
        _ if text.starts_with('.') => owner.account_at(text),
        _ if text.contains('@') => owner.account_mailed(text).map(|account| account.number),
        _ => match digits(text).map(AccountNumber) {
            Some(number) if owner.is_root(number) => Some(number),
            Some(number) => owner.accounts.get(&number).map(|account| account.number),
            None if text == owner.name => Some(owner.account),
            None => owner.account_named(text).map(|account| account.number),
        },
    };
    found.ok_or_else(|| {
        let message = format!(
            "{} is no account of yours: send its id, name, e-mail address or DNA path, or \
             leave it out for your own",
            reference(text)
        );
        Error::NotTheirs("account", "account_not_found", message)
    })
}

/// One question.
struct Asked<'a> {
    table: &'a OwnerTable,
    model: &'a str,
    account: AccountNumber,
    /// The caller key it comes with; `None` is the owner's own, or any that bounds
    /// nothing.
    key: Option<Arc<CallerKey>>,
    /// The keys that sleep now.
    sleeping: Vec<SleepReport>,
    now: Timestamp,
}

/// What is told.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    success: bool,
    model: &'a str,
    account: AccountView<'a>,
    api_key: Option<ApiKeyView<'a>>,
    routed: bool,
    refused: Option<Refused>,
    kind: Option<&'static str>,
    winner: Option<Terms<'a>>,
    legs: Vec<LegView<'a>>,
    not_enforced: Vec<NotEnforced<'a>>,
    policies: Applicable<'a>,
    models_not_understood: Vec<&'a str>,
    steps: (Step<&'a String>, Step<&'a String>, Step<Level>),
    upstream_model: Option<String>,
    level: Option<Level>,
    switch_over: Vec<Level>,
    levels: Vec<LevelView<'a>>,
    allow_models: Vec<Allowed<'a>>,
    limits: Value,
    /// `None` of a Model that routes: each leg has its own.
    price: Option<Price>,
}

#[derive(Debug, Serialize)]
struct AccountView<'a> {
    id: u64,
    name: &'a str,
    dna: String,
}

/// Whether a model may be named.
#[derive(Debug, Serialize)]
struct Allowed<'a> {
    model: &'a str,
    allowed: bool,
}

/// Why such a request is refused, in the proxy's own words.
#[derive(Debug, Serialize)]
struct Refused {
    code: &'static str,
    message: String,
}

/// The model's names on the way.
#[derive(Clone, Copy)]
struct Names<'a> {
    asked: &'a str,
    /// Behind the account's mapper.
    named: &'a str,
    /// Behind MODEL_MAPPER.
    mapped: &'a str,
}

impl<'a> Asked<'a> {
    fn owner(&self) -> &'a OwnerState {
        &self.table.state
    }

    fn answer(&'a self) -> Answer<'a> {
        let access = self.table.access(&self.caller(), self.now);
        let access = access.as_ref();
        let first = self.account_step();
        let named: &str = first.to.map_or(self.model, String::as_str);
        let second = self.mapper_step(named);
        let mapped: &str = second.to.map_or(named, String::as_str);
        let third = self.level_step(mapped);
        let way = Names {
            asked: self.model,
            named,
            mapped,
        };
        let explained = self.explained(named, access);
        let upstream_model = upstream(mapped, explained.as_ref());
        let kind = explained.as_ref().map(|explained| explained.kind);
        // A Model's own Levels stand in its legs.
        let level = third.to.filter(|_| kind == Some("level"));
        let chain = self.chain(level);
        let allowed = |level: Level| access.is_ok_and(|access| access.allows_level(level));
        let levels = chain
            .iter()
            .map(|level| self.level(*level, mapped, allowed(*level)));
        let allows = |model: &'a str| Allowed {
            model,
            allowed: access.is_ok_and(|access| access.allows_model(model)),
        };
        let mut models = vec![allows(self.model)];
        if named != self.model {
            models.push(allows(named));
        }
        let refused = self.refused(access);
        let winner = explained.as_ref().and_then(|explained| explained.winner);
        let (legs, not_enforced) = explained
            .map(|explained| (explained.legs, explained.not_enforced))
            .unwrap_or_default();
        Answer {
            success: true,
            model: self.model,
            account: self.about_account(),
            api_key: self.about_key(way),
            routed: refused.is_none(),
            refused,
            kind,
            winner: winner.map(Terms::of),
            legs,
            not_enforced,
            policies: self.policies(way, winner),
            models_not_understood: self.not_understood(),
            steps: (first, second, third),
            price: upstream_model
                .as_deref()
                .map(|model| Price::of(self.table, self.account, model)),
            upstream_model,
            level,
            switch_over: chain.get(1..).unwrap_or_default().to_vec(),
            levels: levels.collect(),
            allow_models: models,
            limits: limits::in_force(self.owner(), self.account, (self.model, mapped)),
        }
    }

    fn caller(&self) -> Caller {
        let key = self.key.as_ref();
        Caller {
            owner: self.owner().id,
            account: self.account,
            key: key.map(|key| key.number),
            expires_at: key.and_then(|key| key.terms.expires_at),
        }
    }

    /// A Level and those it switches over to.
    fn chain(&self, level: Option<Level>) -> Vec<Level> {
        let chain = level.map(|level| self.owner().chain(level));
        chain.into_iter().flatten().collect()
    }

    fn refused(&'a self, access: Result<&Access<'a>, &Denied>) -> Option<Refused> {
        let denied = match access {
            Err(denied) => denied.clone(),
            Ok(access) => access.resolve(self.model).err()?,
        };
        let code = match denied {
            Denied::Expired => "expired",
            Denied::Disabled => "disabled",
            Denied::Gone => "gone",
            Denied::Suspended => "suspended",
            Denied::Address => "address",
            Denied::Path => "path",
            Denied::Model(_) => "allow_models",
            Denied::Level(_) => "allow_levels",
            Denied::ModelAddress(_) => "allowed_cidrs",
            Denied::NoRoute(_) => "model_not_found",
        };
        let message = denied.to_string();
        Some(Refused { code, message })
    }

    fn about_account(&self) -> AccountView<'a> {
        let owner = self.owner();
        let account = owner.accounts.get(&self.account);
        AccountView {
            id: self.account.0,
            name: account.map_or(&owner.name, |account| &account.profile.name),
            dna: owner.dna(self.account),
        }
    }
}

/// What upstreams are asked for; of a Model that routes, each leg says.
fn upstream(mapped: &str, explained: Option<&Explained<'_>>) -> Option<String> {
    match explained {
        Some(explained) if explained.kind == "direct" => {
            let leg = explained.legs.first();
            leg.and_then(LegView::upstream_model).map(str::to_owned)
        }
        Some(explained) if explained.kind == "routing" => None,
        _ => Some(mapped.to_owned()),
    }
}
