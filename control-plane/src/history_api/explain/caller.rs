//! The caller key that a request comes with, and whether its own terms let it pass.

use std::sync::Arc;

use foldgate_domain::pattern::PatternMap;
use foldgate_proto::{
    AccountNumber, CallerKey, CallerKeyId, CallerKeyNumber, ModelLimit, Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Allowed, Asked, Names};
use crate::app::App;
use crate::auth::Authenticated;
use crate::error::Error;
use crate::history_api::params::digits;
use crate::request::quote::reference;

/// What is kept of a key that says who somebody is, and by itself acts upon nothing.
const WHO: [&str; 2] = ["user_id", "user_name"];

/// A caller key's own terms.
#[derive(Debug, Serialize)]
pub(super) struct ApiKeyView<'a> {
    id: String,
    number: u64,
    name: &'a str,
    masked_key: &'a str,
    /// The account whose key it is.
    account: u64,
    /// Whether its terms let the request pass: what `refused_by` names does not. Limits
    /// are counted while calls run, so they are not judged.
    passes: bool,
    refused_by: Vec<&'static str>,
    disabled: bool,
    expires_at: Option<String>,
    /// `["*"]` is all models.
    allowed_models: Vec<&'a str>,
    models: Vec<Allowed<'a>>,
    rate_limit: KeyLimits,
    /// Fields that are stored but not acted upon.
    not_enforced: Vec<String>,
}

#[derive(Debug, Serialize)]
struct KeyLimits {
    #[serde(skip_serializing_if = "Option::is_none")]
    rps: Option<u64>,
    #[serde(flatten)]
    over_time: ModelLimit,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
}

/// The key that an id, a number or a name means: the name is one of the account's that
/// is asked for, or else of the owner's own.
///
/// # Errors
/// There is none, there are several, or it is another account's.
pub(super) fn find(
    app: &App,
    caller: &Authenticated,
    account: Option<AccountNumber>,
    text: &str,
) -> Result<Arc<CallerKey>, Error> {
    let owner = caller.owner();
    let by_id = || {
        let id = Uuid::parse_str(text).ok()?;
        app.ids.caller_key(caller, CallerKeyId(id))
    };
    let by_number = || {
        let number = CallerKeyNumber(digits(text)?);
        owner.caller_keys.get(&number).map(Arc::clone)
    };
    if let Some(key) = by_id().or_else(by_number) {
        return match account {
            Some(account) if account != key.account => Err(Error::field(
                "api_key",
                format!(
                    "is a key of account {}, not of account {account}",
                    key.account
                ),
            )),
            _ => Ok(key),
        };
    }
    let of = account.unwrap_or(owner.account);
    let mut named = owner.caller_keys_named(of, text);
    match (named.next(), named.next()) {
        (Some(key), None) => Ok(Arc::clone(key)),
        (Some(_), Some(_)) => {
            let problem = "is the name of several keys of this account; send the id of one";
            Err(Error::field("api_key", problem))
        }
        (None, _) => {
            let message = format!(
                "{} is no caller key: send its id or number, or with its account (account=) \
                 its name",
                reference(text)
            );
            let code = "caller_key_not_found";
            Err(Error::NotTheirs("api_key", code, message))
        }
    }
}

impl<'a> Asked<'a> {
    /// The key that was named, if one was.
    pub(super) fn about_key(&'a self, names: Names<'a>) -> Option<ApiKeyView<'a>> {
        let key = self.key.as_deref()?;
        let terms = &key.terms;
        let patterns = terms.allow_models.as_deref();
        let list = patterns
            .map(|patterns| PatternMap::new(patterns.iter().map(|pattern| (pattern.as_str(), ()))));
        let allows = |model: &'a str| Allowed {
            model,
            allowed: list.as_ref().is_none_or(|list| list.get(model).is_some()),
        };
        let mut models = vec![allows(names.asked)];
        if names.named != names.asked {
            models.push(allows(names.named));
        }
        let expired = terms.expires_at.is_some_and(|at| at <= self.now);
        let barred = models.iter().any(|model| !model.allowed);
        let refused_by = [
            ("disabled", terms.disabled),
            ("expires_at", expired),
            ("allowed_models", barred),
        ];
        let refused_by = refused_by.into_iter().filter(|(_, refuses)| *refuses);
        let refused_by: Vec<&str> = refused_by.map(|(field, _)| field).collect();
        Some(ApiKeyView {
            id: key.id.to_string(),
            number: key.number.0,
            name: &key.name,
            masked_key: &key.mask,
            account: key.account.0,
            passes: refused_by.is_empty(),
            refused_by,
            disabled: terms.disabled,
            expires_at: terms.expires_at.map(Timestamp::to_rfc3339),
            allowed_models: patterns.map_or_else(
                || vec!["*"],
                |patterns| patterns.iter().map(String::as_str).collect(),
            ),
            models,
            rate_limit: KeyLimits {
                rps: terms.rps,
                over_time: terms.limits.as_deref().copied().unwrap_or_default(),
                concurrency: terms.concurrency,
            },
            not_enforced: not_enforced(key),
        })
    }
}

/// The fields of a key that nothing acts upon yet.
fn not_enforced(key: &CallerKey) -> Vec<String> {
    let more = key.terms.more.as_ref();
    let more = more.and_then(|more| serde_json::from_str::<Map<String, Value>>(&more.0).ok());
    let kept = more.into_iter().flatten().map(|(field, _)| field);
    kept.filter(|field| !WHO.contains(&field.as_str()))
        .collect()
}
