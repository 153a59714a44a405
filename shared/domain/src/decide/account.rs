//! Accounts. What an account may do lies within what all above it may: checked
//! here when it is written, and enforced along the whole way up when it calls,
//! so that narrowing a parent narrows its children at once.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_proto::event::{AccountAdded, AccountPatched, AccountRemoved};
use foldgate_proto::{
    Account, AccountNumber, Event, List, ModelLimit, Profile, Rates, ResourceId, Timestamp,
};

use super::definition::check_unreferred;
use super::{caller_key, check_line, is_email, next_account};
use crate::acl::{Address, Item, ListEdit, Model, Path};
use crate::command::{AddAccount, LimitPatch, PatchAccount, ProfileEdit, RemoveAccount};
use crate::state::MAX_DEPTH;
use crate::state::people::folded;
use crate::{OwnerState, Rejection, State, config_text};

pub(super) mod bounds;
mod credit;

pub use credit::{DEFAULT_CREDIT_DAYS, MAX_CREDIT_DAYS};

/// The most accounts one owner may hold.
pub const MAX_ACCOUNTS_PER_OWNER: usize = 200_000;
/// The shortest and longest name, in characters (owner API).
const NAME_CHARS: std::ops::RangeInclusive<usize> = 4..=63;
/// The longest alias, in characters.
const MAX_ALIAS_CHARS: usize = 128;
/// The longest e-mail address, in characters (RFC 5321: 64 + 1 + 255).
const MAX_EMAIL_CHARS: usize = 320;
/// The most models with limits of their own, per account: each has counters.
pub const MAX_ACCOUNT_MODEL_LIMITS: usize = 128;
/// The most entries of an account's ModelMapper.
pub const MAX_ACCOUNT_PATTERNS: usize = 1_000;
/// The greatest multiplier.
pub(super) const MAX_RATES: Rates = Rates(1_000_000_000);

pub(super) fn add(
    state: &State,
    owner: &OwnerState,
    add: &AddAccount,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    if owner.accounts.len() >= MAX_ACCOUNTS_PER_OWNER {
        return Err(Rejection::TooMany {
            what: "accounts",
            limit: MAX_ACCOUNTS_PER_OWNER,
        });
    }
    check_parent(owner, add.parent)?;
    let empty = Profile {
        // A child is never cheaper than its parent; unless told, it is as dear.
        rates: owner
            .accounts
            .get(&add.parent)
            .map_or(Rates::ONE, |parent| parent.profile.rates),
        ..Profile::default()
    };
    let profile = edited(owner, &empty, add.parent, &add.profile)?;
    check(owner, None, add.parent, &profile)?;
    let number = next_account(state);
    let mut events = vec![Event::AccountAdded(AccountAdded {
        id: add.id,
        number,
        parent: add.parent,
        profile: profile.clone(),
    })];
    if let Some(grant) = add.credit {
        credit::check_grants(owner, add.parent)?;
        events.push(credit::granted(number, grant, &[], now)?);
    }
    let lineage = owner.lineage(add.parent).map(|account| &account.profile);
    let above: Vec<&Profile> = std::iter::once(&profile).chain(lineage).collect();
    let key = caller_key::issued(owner, number, &above, &add.key, now)?;
    events.push(Event::CallerKeyIssued(key));
    Ok(events)
}

fn check_parent(owner: &OwnerState, parent: AccountNumber) -> Result<(), Rejection> {
    if !owner.is_root(parent) && !owner.accounts.contains_key(&parent) {
        return Err(Rejection::NoSuchAccount(parent));
    }
    if owner.depth(parent) >= MAX_DEPTH {
        let problem = format!("accounts may be nested {MAX_DEPTH} deep at the most");
        return Err(Rejection::field("Parent", problem));
    }
    Ok(())
}

/// The account, if it is a child of the one that asks.
pub(super) fn child(
    owner: &OwnerState,
    number: AccountNumber,
    parent: AccountNumber,
) -> Result<&Account, Rejection> {
    let account = owner.accounts.get(&number);
    let child = account.filter(|account| account.parent == parent);
    child
        .map(AsRef::as_ref)
        .ok_or(Rejection::NoSuchAccount(number))
}

pub(super) fn patch(
    owner: &OwnerState,
    patch: &PatchAccount,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    let account = child(owner, patch.number, patch.parent)?;
    if patch.profile == ProfileEdit::default() && patch.credit.is_none() {
        return Err(Rejection::NothingToChange);
    }
    let profile = edited(owner, &account.profile, account.parent, &patch.profile)?;
    check(owner, Some(account), account.parent, &profile)?;
    let mut events = Vec::new();
    if profile != account.profile {
        events.push(Event::AccountPatched(AccountPatched {
            number: patch.number,
            profile,
        }));
    }
    if let Some(grant) = patch.credit {
        credit::check_grants(owner, account.parent)?;
        events.push(credit::granted(patch.number, grant, &account.credits, now)?);
    }
    Ok(events)
}

pub(super) fn remove(owner: &OwnerState, remove: RemoveAccount) -> Result<Vec<Event>, Rejection> {
    let account = child(owner, remove.number, remove.parent)?;
    if owner.has_children(account.number) {
        return Err(Rejection::HasChildren(account.number));
    }
    let number = account.number;
    check_unreferred(owner, ResourceId::Account(number))?;
    for key in owner.caller_keys_of(number) {
        check_unreferred(owner, ResourceId::CallerKey(key.number))?;
    }
    Ok(vec![Event::AccountRemoved(AccountRemoved { number })])
}

/// A profile after an edit. What is taken from a list that does not restrict is
/// taken from the list that bounds it.
fn edited(
    owner: &OwnerState,
    base: &Profile,
    parent: AccountNumber,
    edit: &ProfileEdit,
) -> Result<Profile, Rejection> {
    let mut profile = base.clone();
    let texts = [
        (&mut profile.name, &edit.name),
        (&mut profile.email, &edit.email),
        (&mut profile.alias, &edit.alias),
        (&mut profile.billing_email, &edit.billing_email),
    ];
    for (text, new) in texts {
        if let Some(new) = new {
            text.clone_from(new);
        }
    }
    profile.suspended = edit.suspended.unwrap_or(profile.suspended);
    profile.rates = edit.rates.unwrap_or(profile.rates);
    profile.hard_limit = edit.hard_limit.over(profile.hard_limit);
    profile.soft_limit = edit.soft_limit.over(profile.soft_limit);
    profile.limits = limited(profile.limits, &edit.limits);
    if let Some(mapper) = &edit.model_mapper {
        profile.model_mapper = mapper.clone().into();
    }
    limit_models(&mut profile.model_limits, &edit.model_limits);
    let nearest = |list: fn(&Profile) -> bool| {
        let lineage = owner.lineage(parent);
        lineage.map(|account| &account.profile).find(|p| list(p))
    };
    let ips = |p: &Profile| Address::list(p.allow_ips.as_deref());
    let (now, above) = (
        ips(&profile),
        nearest(|p| p.allow_ips.is_some()).and_then(ips),
    );
    let edited = list("AllowIPs", edit.allow_ips.as_ref(), now, above.as_ref())?;
    profile.allow_ips = Address::texts(edited);
    profile.allow_models = models(
        edit.allow_models.as_ref(),
        profile.allow_models.as_deref(),
        nearest(|p| p.allow_models.is_some()).and_then(|p| p.allow_models.as_deref()),
    )?;
    let above = nearest(|p| p.allow_levels.is_some()).and_then(|p| p.allow_levels.as_deref());
    let now = profile.allow_levels.as_deref().cloned();
    let edited = list("AllowLevels", edit.allow_levels.as_ref(), now, above)?;
    profile.allow_levels = edited.map(List::from);
    let paths = |p: &Profile| Path::list(p.resources.as_deref());
    let (now, above) = (
        paths(&profile),
        nearest(|p| p.resources.is_some()).and_then(paths),
    );
    let edited = list("Resources", edit.resources.as_ref(), now, above.as_ref())?;
    profile.resources = Path::texts(edited);
    Ok(profile)
}

/// AllowModels after an edit, of an account or of a key.
pub(super) fn models(
    edit: Option<&ListEdit<Model>>,
    now: Option<&BTreeSet<String>>,
    above: Option<&BTreeSet<String>>,
) -> Result<Option<List<String>>, Rejection> {
    let above = Model::list(above);
    let list = list("AllowModels", edit, Model::list(now), above.as_ref())?;
    Ok(Model::texts(list))
}

fn list<T: Item>(
    field: &'static str,
    edit: Option<&ListEdit<T>>,
    now: Option<BTreeSet<T>>,
    above: Option<&BTreeSet<T>>,
) -> Result<Option<BTreeSet<T>>, Rejection> {
    match edit {
        None => Ok(now),
        Some(edit) => edit
            .apply(now.as_ref(), above)
            .map_err(|error| Rejection::field(field, error.to_string())),
    }
}

/// Limits after an edit; none at all is `None`.
pub(super) fn limited(base: Option<Box<ModelLimit>>, edit: &LimitPatch) -> Option<Box<ModelLimit>> {
    let limits = edit.over(base.map(|limits| *limits).unwrap_or_default());
    (limits != ModelLimit::default()).then(|| Box::new(limits))
}

fn limit_models(
    limits: &mut BTreeMap<String, ModelLimit>,
    edit: &BTreeMap<String, Option<LimitPatch>>,
) {
    for (model, edit) in edit {
        let base = limits.remove(model).unwrap_or_default();
        let limit = edit.map(|edit| edit.over(base)).unwrap_or_default();
        if limit != ModelLimit::default() {
            limits.insert(model.clone(), limit);
        }
    }
}

/// Checks a whole profile as it will stand below `parent`; `account` is who has
/// it already. Of the bounds that accounts above set only what changes is
/// checked: who was narrowed from above can still be suspended, and what stands
/// beyond is bounded when it calls.
fn check(
    owner: &OwnerState,
    account: Option<&Account>,
    parent: AccountNumber,
    profile: &Profile,
) -> Result<(), Rejection> {
    check_own(profile)?;
    check_unique(owner, account, profile)?;
    let was = account.map(|account| &account.profile);
    for above in owner.lineage(parent) {
        bounds::check(profile, was, &above.profile)?;
    }
    Ok(())
}

/// Checks what a profile says by itself.
pub(super) fn check_own(profile: &Profile) -> Result<(), Rejection> {
    check_identity(profile)?;
    if profile.model_limits.len() > MAX_ACCOUNT_MODEL_LIMITS {
        let problem = format!("holds more than {MAX_ACCOUNT_MODEL_LIMITS} models");
        return Err(Rejection::field("ModelLimits", problem));
    }
    for pattern in profile.model_limits.keys() {
        config_text::check_model_pattern(pattern)
            .map_err(|error| Rejection::field("ModelLimits", error.to_string()))?;
    }
    if profile.model_mapper.len() > MAX_ACCOUNT_PATTERNS {
        let problem = format!("holds more than {MAX_ACCOUNT_PATTERNS} patterns");
        return Err(Rejection::field("ModelMapper", problem));
    }
    for (source, target) in &profile.model_mapper {
        config_text::check_model_pattern(source)
            .and_then(|()| config_text::check_target_model(target))
            .map_err(|error| Rejection::field("ModelMapper", error.to_string()))?;
    }
    check_money(profile)
}

fn check_identity(profile: &Profile) -> Result<(), Rejection> {
    let name = &profile.name;
    check_line("Name", name, *NAME_CHARS.end())?;
    if name.chars().count() < *NAME_CHARS.start() || !name.chars().any(char::is_alphabetic) {
        let problem = "must have 4 to 63 characters, a letter among them";
        return Err(Rejection::field("Name", problem));
    }
    if name.trim() != name || name.contains(['@', '/']) || name.starts_with('.') {
        let problem = "may not begin or end with white space, begin with a dot, or hold @ or /: \
                       it stands in paths";
        return Err(Rejection::field("Name", problem));
    }
    let number = name.strip_prefix(['L', 'l']).unwrap_or_default();
    if !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()) {
        let problem = "may not be an L and a number, which in paths is a Level";
        return Err(Rejection::field("Name", problem));
    }
    check_line("Alias", &profile.alias, MAX_ALIAS_CHARS)?;
    check_line("Email", &profile.email, MAX_EMAIL_CHARS)?;
    if !is_email(&profile.email) {
        return Err(Rejection::field("Email", "is no e-mail address"));
    }
    check_line("BillingEmail", &profile.billing_email, MAX_EMAIL_CHARS)?;
    if !profile.billing_email.is_empty() && !is_email(&profile.billing_email) {
        return Err(Rejection::field("BillingEmail", "is no e-mail address"));
    }
    Ok(())
}

fn check_unique(
    owner: &OwnerState,
    account: Option<&Account>,
    profile: &Profile,
) -> Result<(), Rejection> {
    let name = &profile.name;
    let mine = account.map(|account| account.number);
    let other = |found: Option<&std::sync::Arc<Account>>| {
        found.is_some_and(|found| Some(found.number) != mine)
    };
    if folded(&owner.name) == folded(name) || other(owner.account_named(name)) {
        return Err(Rejection::Taken {
            field: "Name",
            value: name.clone(),
        });
    }
    if other(owner.account_mailed(&profile.email)) {
        return Err(Rejection::Taken {
            field: "Email",
            value: profile.email.clone(),
        });
    }
    Ok(())
}

fn check_money(profile: &Profile) -> Result<(), Rejection> {
    if profile.rates == Rates(0) || profile.rates > MAX_RATES {
        let problem = format!("must be above 0 and at most {MAX_RATES}");
        return Err(Rejection::field("Rates", problem));
    }
    for (field, limit) in [
        ("HardLimit", profile.hard_limit),
        ("SoftLimit", profile.soft_limit),
    ] {
        if limit.is_some_and(|limit| limit.0 < 0) {
            return Err(Rejection::field(field, "must not be negative"));
        }
    }
    if let (Some(soft), Some(hard)) = (profile.soft_limit, profile.hard_limit)
        && soft > hard
    {
        let problem = format!("must not be above HardLimit ({hard})");
        return Err(Rejection::field("SoftLimit", problem));
    }
    Ok(())
}
