//! Decisions: a command against today's state gives events or a refusal. Only
//! here may anything be refused; what is decided always folds.

use foldgate_proto::record::SCHEMA;
use foldgate_proto::{AccountNumber, Event, JsonText, OwnerId, Record};

use crate::command::Precondition;
use crate::{Command, Context, OwnerState, Rejection, State};

mod account;
mod admin_key;
mod caller_key;
mod completion;
mod config;
mod definition;
mod key;
mod news;
mod owner;
#[cfg(test)]
pub(crate) mod tests;
mod undo;
mod warning;

pub use account::{
    DEFAULT_CREDIT_DAYS, MAX_ACCOUNT_MODEL_LIMITS, MAX_ACCOUNT_PATTERNS, MAX_ACCOUNTS_PER_OWNER,
    MAX_CREDIT_DAYS,
};
pub use admin_key::{MAX_ADMIN_KEY_NAME_CHARS, MAX_ADMIN_KEYS};
pub use caller_key::{
    DEFAULT_NAME as DEFAULT_CALLER_KEY_NAME, MAX_CALLER_KEY_NAME_CHARS, MAX_CALLER_KEYS_PER_OWNER,
    MAX_KEYS_PER_ACCOUNT, MAX_OVERLAP,
};
pub use config::{MAX_LEVEL_SWITCHES, MAX_TEXT_CHARS, is_email};
pub use definition::MAX_DEFINITIONS;
pub use key::{MAX_KEY_NAME_CHARS, MAX_KEYS_PER_OWNER};
pub use news::{
    DEFAULT_DAYS_ALL, DEFAULT_DAYS_TARGETED, MAX_CONTENT_CHARS, MAX_DAYS, MAX_NEWS, MAX_TITLE_CHARS,
};
pub use owner::MAX_OWNERS;
pub use warning::Warning;

/// The most retry keys remembered at once, over all owners: at about 200 bytes
/// each they stay within 20 MB.
pub const MAX_IDEMPOTENCY_KEYS: usize = 100_000;

/// The most that is kept of one key for the admin API, in bytes of JSON.
pub const MAX_MORE_BYTES: usize = 16 * 1024;

/// What a command came to. No events: what was asked for is so already, and
/// nothing needs to be written.
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
    check_idempotency(state, context)?;
    if let Command::ClaimOwner(claim) = command {
        let events = owner::claim(state, owner, claim)?;
        return Ok(Decision {
            events,
            warnings: Vec::new(),
        });
    }
    let before = state.owner(owner).ok_or(Rejection::NoSuchOwner)?;
    if let Some(precondition) = &context.precondition {
        check_precondition(before, precondition)?;
    }
    let now = context.now;
    let mut events = match command {
        Command::ClaimOwner(_) => Vec::new(),
        Command::AddKey(add) => key::add(before, add)?,
        Command::AddNamedKey(add) => key::add_named(before, add)?,
        Command::PatchKey(patch) => key::patch(before, patch)?,
        Command::RemoveKey(number) => key::remove(before, *number)?,
        Command::DisableKey(disable) => key::disable(before, disable),
        Command::PatchConfig(patch) => config::patch(before, patch)?,
        Command::ResetConfig(keys) => config::reset(before, keys)?,
        Command::PublishNews(publish) => news::publish(before, publish, now)?,
        Command::RetractNews(number) => news::retract(before, *number)?,
        Command::RotateOwnerKey(rotate) => admin_key::rotate_owner(state, before, rotate)?,
        Command::IssueAdminKey(issue) => admin_key::issue(before, issue, now)?,
        Command::RevokeAdminKey(number) => admin_key::revoke(before, *number)?,
        Command::AddAccount(add) => account::add(state, before, add, now)?,
        Command::PatchAccount(patch) => account::patch(before, patch, now)?,
        Command::RemoveAccount(remove) => account::remove(before, *remove)?,
        Command::IssueCallerKey(issue) => caller_key::issue(state, before, issue, now)?,
        Command::PatchCallerKey(patch) => caller_key::patch(state, before, patch, now)?,
        Command::RotateCallerKey(rotate) => caller_key::rotate(before, rotate, now)?,
        Command::RevokeCallerKey(key) => caller_key::revoke(before, *key)?,
        Command::Undo(undo) => undo::undo(before, undo)?,
        Command::Restore(restore) => undo::restore(before, restore)?,
        Command::PutDefinition(put) => definition::put(before, put)?,
        Command::RemoveDefinition(remove) => definition::remove(before, *remove)?,
    };
    if !leads_requests(command) {
        let warnings = warning::of(before, before, command);
        return Ok(Decision { events, warnings });
    }
    let mut after = folded(state, owner, command, context, &events);
    if let Some(now) = after.owner(owner) {
        let more = completion::follow(before, now, &events);
        if !more.is_empty() {
            events.extend(more);
            after = folded(state, owner, command, context, &events);
        }
    }
    let warnings = match after.owner(owner) {
        Some(now) => warning::of(before, now, command),
        None => Vec::new(),
    };
    Ok(Decision { events, warnings })
}

/// Whether a command has a say in where requests go. Only then may patterns follow
/// it, or a Level be left without keys; for others nothing is looked up in the state
/// they lead to.
const fn leads_requests(command: &Command) -> bool {
    !matches!(
        command,
        Command::PublishNews(_)
            | Command::RetractNews(_)
            | Command::DisableKey(_)
            | Command::IssueCallerKey(_)
            | Command::PatchCallerKey(_)
            | Command::RotateCallerKey(_)
            | Command::RevokeCallerKey(_)
    )
}

/// The state as these events will leave it. Cheap: only what they touch is copied.
fn folded(
    state: &State,
    owner: OwnerId,
    command: &Command,
    context: &Context,
    events: &[Event],
) -> State {
    let mut after = state.clone();
    let record = record(state, owner, command, context, events.to_vec());
    after.apply(state.revision.next(), state.chain, &record);
    after
}

/// Refuses where a resource is not as its client saw it, or as it may not be.
///
/// # Errors
/// [`Rejection::Stale`], [`Rejection::StaleMissing`], [`Rejection::Seen`].
pub fn check_precondition(
    owner: &OwnerState,
    precondition: &Precondition,
) -> Result<(), Rejection> {
    let Precondition {
        resource,
        one_of,
        none_of,
    } = precondition;
    let resource = *resource;
    let Some(now) = owner.resource_revision(resource) else {
        return match one_of {
            None => Ok(()),
            Some(_) => Err(Rejection::StaleMissing(resource)),
        };
    };
    if one_of.as_ref().is_some_and(|seen| !seen.holds(now)) {
        return Err(Rejection::Stale { resource, now });
    }
    if none_of.as_ref().is_some_and(|seen| seen.holds(now)) {
        return Err(Rejection::Seen { resource, now });
    }
    Ok(())
}

fn check_idempotency(state: &State, context: &Context) -> Result<(), Rejection> {
    let full = state.idempotency.len() >= MAX_IDEMPOTENCY_KEYS;
    if context.idempotency.is_some() && full && !state.forgets_by(context.now) {
        return Err(Rejection::TooManyRetryKeys(MAX_IDEMPOTENCY_KEYS));
    }
    Ok(())
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
        .any(|c| is_unseemly(c) && !matches!(c, '\n' | '\t' | '\r'))
    {
        return Err(Rejection::field(field, "holds control characters"));
    }
    Ok(())
}

/// Refuses to keep more for the admin API than [`MAX_MORE_BYTES`].
fn check_more(more: Option<&JsonText>) -> Result<(), Rejection> {
    match more.map_or(0, |more| more.0.len()) {
        bytes if bytes > MAX_MORE_BYTES => {
            let problem = format!(
                "all that is kept of this key and not acted upon has {bytes} bytes, more than \
                 {MAX_MORE_BYTES}"
            );
            Err(Rejection::field("more", problem))
        }
        _ => Ok(()),
    }
}

/// As [`check_text`], for what stands on one line.
fn check_line(field: &'static str, text: &str, limit: usize) -> Result<(), Rejection> {
    check_text(field, text, limit)?;
    if text.contains(['\n', '\r', '\t']) {
        return Err(Rejection::field(field, "must be a single line"));
    }
    Ok(())
}

/// Control characters, and those that turn the direction of text around.
pub(crate) fn is_unseemly(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let separates = matches!(c, '\u{2028}' | '\u{2029}');
    c.is_control() || turns || separates
}
