//! What a legal change will hurt, in words for whoever made it.

use std::fmt;

use foldgate_proto::{Config, Event, KeyNumber, Level, NewsTarget, OwnerId, RecordHash};

use crate::table::resources::Resources;
use crate::table::skipped;
use crate::{Command, Context, OwnerState, State};

/// The path whose loss nearly every caller would notice.
const CHAT: &str = "/v1/chat/completions";

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// No pattern and no switch-over leads to this key's Level.
    Unreached(Level),
    /// A key is stored but no request will use it, and why.
    KeySkipped(KeyNumber, &'static str),
    /// RESOURCES does not allow chat.
    ChatBlocked,
    /// A switch-over leads to a Level without keys.
    EmptyBackup(Level, Level),
    /// A pattern leads to a Level without keys.
    EmptyLevel(String, Level),
    /// More such patterns than are worth listing.
    MoreEmptyLevels(usize),
    /// The configuration is stored but nothing acts on it yet.
    NotEnforced(&'static str),
    /// No account is meant by this target today.
    NoSuchAccount(String),
}

/// The most patterns one answer lists.
const MAX_LISTED: usize = 10;

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreached(level) => write!(
                f,
                "no LEVEL_MAPPER pattern leads to Level {level}, so no request will use this key"
            ),
            Self::KeySkipped(number, why) => write!(f, "key {number} is not used: {why}"),
            Self::ChatBlocked => write!(f, "RESOURCES does not allow {CHAT}"),
            Self::EmptyBackup(from, to) => {
                write!(f, "SWITCH_OVER {from}={to} leads to a Level without keys")
            }
            Self::EmptyLevel(pattern, level) => {
                write!(
                    f,
                    "LEVEL_MAPPER {pattern}={level} leads to a Level without keys"
                )
            }
            Self::MoreEmptyLevels(count) => {
                write!(
                    f,
                    "{count} more LEVEL_MAPPER patterns lead to Levels without keys"
                )
            }
            Self::NotEnforced(what) => write!(f, "{what} is stored but not yet acted upon"),
            Self::NoSuchAccount(target) => write!(f, "no account matches {target} today"),
        }
    }
}

pub(super) fn of(
    state: &State,
    id: OwnerId,
    command: &Command,
    events: &[Event],
    context: &Context,
) -> Vec<Warning> {
    let after = after(state, id, command, events, context);
    let Some(owner) = after.owner(id) else {
        return Vec::new();
    };
    match command {
        Command::AddKey(_) => of_key(owner, owner.last_key),
        Command::PatchKey(patch) => of_key(owner, patch.number),
        Command::PatchConfig(patch) => {
            let mut warnings = of_config(owner, &patch.set);
            if patch.set.model_limits.is_some() || patch.merge_limits.is_some() {
                warnings.push(Warning::NotEnforced("MODEL_LIMITS"));
            }
            warnings
        }
        Command::PublishNews(news) => news
            .target
            .iter()
            .filter(|target| !reaches_somebody(owner, target))
            .map(|target| Warning::NoSuchAccount(target.to_string()))
            .collect(),
        _ => Vec::new(),
    }
}

/// The state as it will be. Cheap: only what the events touch is copied.
fn after(
    state: &State,
    id: OwnerId,
    command: &Command,
    events: &[Event],
    context: &Context,
) -> State {
    let mut after = state.clone();
    let record = super::record(state, id, command, context, events.to_vec());
    after.apply(
        state.revision.next(),
        RecordHash::genesis(state.log),
        &record,
    );
    after
}

fn of_key(owner: &OwnerState, number: KeyNumber) -> Vec<Warning> {
    let Some(key) = owner.keys.get(&number) else {
        return Vec::new();
    };
    let mut warnings = Vec::new();
    if let Some(why) = skipped(key)
        && key.disabled.is_none()
    {
        warnings.push(Warning::KeySkipped(number, why));
    }
    if !is_reached(owner, key.level) {
        warnings.push(Warning::Unreached(key.level));
    }
    warnings
}

fn is_reached(owner: &OwnerState, level: Level) -> bool {
    let set = owner.config.level_mapper.as_ref();
    let by_owner = set.is_some_and(|mapper| mapper.values().any(|to| *to == level));
    let by_completion = owner.completed.iter().any(|(pattern, to)| {
        *to == level && !set.is_some_and(|mapper| mapper.contains_key(pattern))
    });
    let switches = owner.config.switch_over.as_ref();
    by_owner || by_completion || switches.is_some_and(|all| all.values().any(|to| *to == level))
}

fn of_config(owner: &OwnerState, set: &Config) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(resources) = &set.resources
        && !Resources::new(resources).allows(CHAT)
    {
        warnings.push(Warning::ChatBlocked);
    }
    for (from, to) in set.switch_over.iter().flatten() {
        if owner.level_size(*to) == 0 {
            warnings.push(Warning::EmptyBackup(*from, *to));
        }
    }
    let mut empty = set
        .level_mapper
        .iter()
        .flatten()
        .filter(|(_, level)| owner.level_size(**level) == 0);
    let listed = empty.by_ref().take(MAX_LISTED);
    warnings.extend(listed.map(|(pattern, level)| Warning::EmptyLevel(pattern.clone(), *level)));
    match empty.count() {
        0 => {}
        more => warnings.push(Warning::MoreEmptyLevels(more)),
    }
    if set.pricing.is_some() {
        warnings.push(Warning::NotEnforced("PRICING"));
    }
    let mail = [
        set.xai_mail.is_some(),
        set.email_smtp.is_some(),
        set.email_port.is_some(),
        set.email_auth.is_some(),
        set.email_pass.is_some(),
        set.email_tls.is_some(),
    ];
    if mail.contains(&true) {
        warnings.push(Warning::NotEnforced("mail"));
    }
    warnings
}

fn reaches_somebody(owner: &OwnerState, target: &NewsTarget) -> bool {
    match target {
        NewsTarget::Account(number) => *number == owner.account,
        NewsTarget::Name(name) => name.to_lowercase() == owner.name.to_lowercase(),
        NewsTarget::Email(_) => false,
        NewsTarget::Dna(path) => format!(".{}.", owner.account).starts_with(path),
    }
}
