//! `GET /admin/v1/explain`: how a request for a model would travel, and why. It
//! asks the same table that routes requests, and names beside each answer the
//! patterns that lost.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_domain::pattern::{self, PatternMap};
use foldgate_domain::{Access, Caller, Denied, OwnerState, OwnerTable};
use foldgate_proto::{AccountNumber, Level};
use serde::Serialize;
use serde_json::{Value, json};

use super::params::{Params, digits};
use crate::app::App;
use crate::auth::Authenticated;
use crate::clock;
use crate::error::Error;
use crate::reply;
use crate::request::quote::quoted;

mod keys;
mod limits;
mod models;

/// The most losing patterns that one step names.
pub(crate) const MAX_LOSING: usize = 100;

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
    let account = match params.text("account")? {
        None => caller.owner().account,
        Some(text) => account(&caller, text)?,
    };
    let table = caller.table().owner(caller.owner_id());
    let table = table.ok_or(Error::Internal)?;
    let asked = Asked {
        app: &app,
        table,
        model,
        account,
    };
    Ok(reply::read(&caller, &asked.answer()))
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
        Error::NoAccount(format!(
            "{:?} is no account of yours: send its id, name, e-mail address or DNA path, or \
             leave it out for your own",
            quoted(text)
        ))
    })
}

/// One question.
struct Asked<'a> {
    app: &'a App,
    table: &'a OwnerTable,
    model: &'a str,
    account: AccountNumber,
}

/// One mapping on the way.
#[derive(Debug, Serialize)]
struct Step<T: Serialize> {
    #[serde(rename = "step")]
    name: &'static str,
    /// The model before it.
    from: String,
    /// What it becomes: a model, or a Level.
    to: Option<T>,
    /// The pattern that decided, if one matched.
    pattern: Option<String>,
    /// In which layer of LEVEL_MAPPER it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'static str>,
    /// Patterns that matched too, and lost.
    losing: Vec<Losing<T>>,
}

#[derive(Debug, Serialize)]
struct Losing<T: Serialize> {
    pattern: String,
    to: T,
}

impl Asked<'_> {
    fn owner(&self) -> &OwnerState {
        &self.table.state
    }

    fn answer(&self) -> Value {
        let now = clock::now();
        let caller = Caller {
            owner: self.owner().id,
            account: self.account,
            key: None,
            expires_at: None,
        };
        let access = self.table.access(&caller, now);
        let own = self.owner().accounts.get(&self.account);
        let by_account = own.map(|account| &account.profile.model_mapper);
        let first = step(
            "account_mapper",
            self.model,
            by_account.into_iter().flatten(),
        );
        let named = first.to.clone().unwrap_or_else(|| self.model.to_owned());
        let second = self.mapper_step(&named);
        let mapped = second.to.clone().unwrap_or_else(|| named.clone());
        let third = self.level_step(&mapped);
        let explained = self.explained(&named, access.as_ref(), now);
        let (kind, winner) = match &explained {
            Some(explained) => (Some(explained.kind), explained.winner.as_ref()),
            None => (None, None),
        };
        // A Model's own Levels stand in its legs.
        let by_level = third.to.filter(|_| kind == Some("level"));
        let chain: Vec<Level> = match by_level {
            Some(level) => std::iter::once(level)
                .chain(self.table.switch_over(level))
                .collect(),
            None => Vec::new(),
        };
        let allowed = |level: Level| access.as_ref().is_ok_and(|a| a.allows_level(level));
        let levels: Vec<Value> = chain
            .iter()
            .map(|level| self.level(*level, &mapped, (allowed(*level), now)))
            .collect();
        let upstream = upstream(&mapped, explained.as_ref());
        let verdict = |model: &str| {
            let allowed = access.as_ref().is_ok_and(|a| a.allows_model(model));
            json!({"model": model, "allowed": allowed})
        };
        let mut models = vec![verdict(self.model)];
        if named != self.model {
            models.push(verdict(&named));
        }
        let refused = self.refused(access.as_ref());
        json!({
            "success": true,
            "model": self.model,
            "account": self.about_account(),
            "routed": refused.is_none(),
            "refused": refused,
            "kind": kind,
            "winner": winner,
            "legs": explained.as_ref().map_or(&[][..], |explained| &explained.legs),
            "not_enforced": explained.as_ref().map_or(&[][..], |explained| &explained.not_enforced),
            "models_not_understood": self.not_understood(),
            "steps": [json!(first), json!(second), json!(third)],
            "upstream_model": upstream,
            "level": by_level,
            "switch_over": chain.get(1..).unwrap_or_default(),
            "levels": levels,
            "allow_models": models,
            "limits": limits::in_force(self.owner(), self.account, (self.model, &mapped)),
            "price": {"priced": false, "note": "not yet priced: PRICING is stored, calls are not charged yet"},
        })
    }

    /// Why such a request is refused, if it is, in the proxy's own words.
    fn refused(&self, access: Result<&Access<'_>, &Denied>) -> Option<Value> {
        let denied = match access {
            Err(denied) => denied.clone(),
            Ok(access) => access.resolve(self.model).err()?,
        };
        let code = match denied {
            Denied::Expired | Denied::Disabled | Denied::Gone => "gone",
            Denied::Suspended => "suspended",
            Denied::Address => "address",
            Denied::Path => "path",
            Denied::Model(_) => "allow_models",
            Denied::Level(_) => "allow_levels",
            Denied::ModelAddress(_) => "allowed_cidrs",
            Denied::NoRoute(_) => "model_not_found",
        };
        Some(json!({"code": code, "message": denied.to_string()}))
    }

    /// MODEL_MAPPER; what is a Model's exact name is exempt from its wildcards.
    fn mapper_step(&self, model: &str) -> Step<String> {
        let mapper = self.owner().config.model_mapper.iter().flatten();
        let exempt = self.table.is_model(model);
        let counts = |(from, _): &(&String, &String)| !exempt || !from.contains('*');
        step("model_mapper", model, mapper.filter(counts))
    }

    /// LEVEL_MAPPER: the owner's layer over the completed one.
    fn level_step(&self, model: &str) -> Step<Level> {
        let patterns = PatternMap::new(self.owner().level_mapper());
        let mut matching = patterns.all(model).into_iter();
        let winner = matching.next();
        let layer = winner.map(|(pattern, _)| {
            let own = self.owner().config.level_mapper.as_ref();
            if own.is_some_and(|own| own.contains_key(pattern.as_str())) {
                "owner"
            } else {
                "completed"
            }
        });
        Step {
            name: "level_mapper",
            from: model.to_owned(),
            to: winner.map(|(_, level)| *level),
            pattern: winner.map(|(pattern, _)| pattern.to_string()),
            layer,
            losing: matching
                .take(MAX_LOSING)
                .map(|(pattern, level)| Losing {
                    pattern: pattern.to_string(),
                    to: *level,
                })
                .collect(),
        }
    }

    fn about_account(&self) -> Value {
        let owner = self.owner();
        let account = owner.accounts.get(&self.account);
        let name = account.map_or(&owner.name, |account| &account.profile.name);
        json!({
            "id": self.account.0,
            "name": name,
            "dna": owner.dna(self.account),
        })
    }
}

/// What upstreams are asked for; of a Model that routes, each leg says.
fn upstream(mapped: &str, explained: Option<&models::Explained>) -> Value {
    match explained {
        Some(explained) if explained.kind == "direct" => {
            let leg = explained.legs.first();
            leg.map_or(Value::Null, |leg| leg["upstream_model"].clone())
        }
        Some(explained) if explained.kind == "routing" => Value::Null,
        _ => json!(mapped),
    }
}

/// A mapping of one model name to another.
fn step<'m>(
    name: &'static str,
    model: &str,
    mapper: impl Iterator<Item = (&'m String, &'m String)>,
) -> Step<String> {
    let patterns = PatternMap::new(mapper);
    let mut matching = patterns.all(model).into_iter();
    let winner = matching.next();
    Step {
        name,
        from: model.to_owned(),
        to: winner.map(|(_, to)| (*to).clone()),
        pattern: winner.map(|(pattern, _)| pattern.to_string()),
        layer: None,
        losing: matching
            .take(MAX_LOSING)
            .map(|(pattern, to)| Losing {
                pattern: pattern.to_string(),
                to: (*to).clone(),
            })
            .collect(),
    }
}
