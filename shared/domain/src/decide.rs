//! Decisions: a command against today's state gives events or a refusal. Only
//! here may anything be refused; what is decided always folds.

use foldgate_proto::record::SCHEMA;
use foldgate_proto::{AccountNumber, Event, OwnerId, Record};

use crate::{Command, Context, Rejection, State};

mod config;
mod key;
mod news;
mod owner;
#[cfg(test)]
mod tests;
mod warning;

pub use config::{MAX_LEVEL_SWITCHES, MAX_TEXT_CHARS};
pub use key::{MAX_KEY_NAME_CHARS, MAX_KEYS_PER_OWNER};
pub use news::{
    DEFAULT_DAYS_ALL, DEFAULT_DAYS_TARGETED, MAX_CONTENT_CHARS, MAX_DAYS, MAX_NEWS, MAX_TITLE_CHARS,
};
pub use warning::Warning;

/// The most retry keys remembered at once, over all owners: at about 200 bytes
/// each they stay within 20 MB.
pub const MAX_IDEMPOTENCY_KEYS: usize = 100_000;

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What happened, to be folded as one.
    pub events: Vec<Event>,
    /// What the change will hurt, though it is legal.
    pub warnings: Vec<Warning>,
}

/// Decides a command.
///
/// # Errors
/// Everything in [`Rejection`].
pub fn decide(
    state: &State,
    owner: OwnerId,
    command: &Command,
    context: &Context,
) -> Result<Decision, Rejection> {
    if context.idempotency.is_some() && state.idempotency.len() >= MAX_IDEMPOTENCY_KEYS {
        return Err(Rejection::TooMany {
            what: "idempotency keys",
            limit: MAX_IDEMPOTENCY_KEYS,
        });
    }
    if let Command::ClaimOwner(claim) = command {
        let events = owner::claim(state, owner, claim)?;
        return Ok(Decision {
            events,
            warnings: Vec::new(),
        });
    }
    let before = state.owner(owner).ok_or(Rejection::NoSuchOwner)?;
    let events = match command {
        Command::ClaimOwner(_) => Vec::new(),
        Command::AddKey(add) => key::add(before, add)?,
        Command::PatchKey(patch) => key::patch(before, patch)?,
        Command::RemoveKey(number) => key::remove(before, *number)?,
        Command::DisableKey(disable) => key::disable(before, disable),
        Command::PatchConfig(patch) => config::patch(before, patch)?,
        Command::ResetConfig(keys) => config::reset(keys)?,
        Command::PublishNews(publish) => news::publish(before, publish, context.now)?,
        Command::RetractNews(number) => news::retract(before, *number)?,
    };
    let warnings = warning::of(state, owner, command, &events, context);
    Ok(Decision { events, warnings })
}

/// The record a decision becomes, behind the last one of `state`.
pub fn record(
    state: &State,
    owner: OwnerId,
    command: &Command,
    context: &Context,
    events: Vec<Event>,
) -> Record {
    Record {
        id: context.record,
        schema: SCHEMA,
        writer_version: context.writer_version.clone(),
        at: context.now.max(state.at),
        owner,
        actor: context.actor.clone(),
        address: context.address.clone(),
        request_id: context.request_id.clone(),
        reason: context.reason.clone(),
        idempotency: context.idempotency.clone(),
        command: command.name().to_owned(),
        prev: state.chain,
        events,
    }
}

/// The next account's number: global, never used before.
const fn next_account(state: &State) -> AccountNumber {
    state.last_account.next()
}

/// Refuses text that is longer than `limit` characters or holds control characters.
fn check_text(field: &'static str, text: &str, limit: usize) -> Result<(), Rejection> {
    let chars = text.chars().count();
    if chars > limit {
        let problem = format!("{chars} characters are more than {limit}");
        return Err(Rejection::field(field, problem));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
    {
        return Err(Rejection::field(field, "holds control characters"));
    }
    Ok(())
}
