//! Commands about people in few words.

use std::time::Duration;

use foldgate_proto::{
    AccountId, AccountNumber, AdminKeyId, AdminRole, CallerKeyId, CallerKeyNumber, KeyHash,
    NanoDollars,
};
use uuid::Uuid;

use crate::acl::{Item, ListEdit};
use crate::command::{
    AddAccount, Grant, IssueAdminKey, IssueCallerKey, KeyOf, NewKey, PatchAccount, PatchCallerKey,
    ProfileEdit, RemoveAccount, RotateCallerKey, RotateOwnerKey, TermsEdit,
};
use crate::{Command, Rejection};

/// The owner's own account.
pub(crate) const ROOT: AccountNumber = AccountNumber(1);

pub(crate) fn hash(n: u8) -> KeyHash {
    KeyHash([n; 32])
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "every field of an edit is optional"
)]
pub(crate) fn edit<T: Item>(text: &str) -> Option<ListEdit<T>> {
    Some(ListEdit::parse(text).expect("an edit"))
}

pub(crate) fn new_key(n: u8) -> NewKey {
    NewKey {
        id: CallerKeyId(Uuid::from_u128(u128::from(n))),
        name: String::new(),
        hash: hash(n),
        mask: format!("sk-\u{2026}{n}"),
        terms: TermsEdit::default(),
    }
}

/// An account below `parent` whose first key is `key`.
pub(crate) fn account(name: &str, parent: u64, key: u8) -> AddAccount {
    AddAccount {
        id: AccountId(Uuid::from_u128(u128::from(key) + 500)),
        parent: AccountNumber(parent),
        profile: ProfileEdit {
            name: Some(name.to_owned()),
            email: Some(format!("{}@example.com", name.to_lowercase())),
            ..ProfileEdit::default()
        },
        credit: None,
        key: new_key(key),
    }
}

/// As [`account`], with more of its profile.
pub(crate) fn bounded(
    name: &str,
    parent: u64,
    key: u8,
    change: impl FnOnce(&mut ProfileEdit),
) -> Command {
    let mut add = account(name, parent, key);
    change(&mut add.profile);
    Command::AddAccount(Box::new(add))
}

pub(crate) fn add_account(name: &str, parent: u64, key: u8) -> Command {
    Command::AddAccount(Box::new(account(name, parent, key)))
}

pub(crate) fn patch_account(
    number: u64,
    parent: u64,
    change: impl FnOnce(&mut ProfileEdit),
) -> Command {
    let mut profile = ProfileEdit::default();
    change(&mut profile);
    Command::PatchAccount(Box::new(PatchAccount {
        number: AccountNumber(number),
        parent: AccountNumber(parent),
        profile,
        credit: None,
    }))
}

pub(crate) fn grant(number: u64, parent: u64, nanos: i64, days: Option<u32>) -> Command {
    Command::PatchAccount(Box::new(PatchAccount {
        number: AccountNumber(number),
        parent: AccountNumber(parent),
        profile: ProfileEdit::default(),
        credit: Some(Grant {
            amount: NanoDollars(nanos),
            days,
        }),
    }))
}

pub(crate) fn remove_account(number: u64, parent: u64) -> Command {
    Command::RemoveAccount(RemoveAccount {
        number: AccountNumber(number),
        parent: AccountNumber(parent),
    })
}

pub(crate) fn key_of(account: u64, number: u64) -> KeyOf {
    KeyOf {
        account: AccountNumber(account),
        number: CallerKeyNumber(number),
    }
}

pub(crate) fn issue(account: u64, n: u8, change: impl FnOnce(&mut NewKey)) -> Command {
    let mut key = new_key(n);
    change(&mut key);
    Command::IssueCallerKey(IssueCallerKey {
        account: AccountNumber(account),
        key,
        own_name: false,
    })
}

pub(crate) fn patch_key_of(key: KeyOf, change: impl FnOnce(&mut PatchCallerKey)) -> Command {
    let mut patch = PatchCallerKey {
        key,
        name: None,
        terms: TermsEdit::default(),
        hash: None,
        own_name: false,
    };
    change(&mut patch);
    Command::PatchCallerKey(patch)
}

pub(crate) fn rotate(key: KeyOf, n: u8, overlap: u64) -> Command {
    Command::RotateCallerKey(RotateCallerKey {
        key,
        hash: hash(n),
        mask: format!("sk-\u{2026}{n}"),
        overlap: Duration::from_secs(overlap),
    })
}

pub(crate) fn rotate_owner(n: u8) -> Command {
    Command::RotateOwnerKey(RotateOwnerKey {
        hash: hash(n),
        mask: format!("sk-\u{2026}{n}"),
    })
}

pub(crate) fn admin(name: &str, role: AdminRole, n: u8) -> Command {
    Command::IssueAdminKey(IssueAdminKey {
        id: AdminKeyId(Uuid::from_u128(u128::from(n))),
        name: name.to_owned(),
        role,
        hash: hash(n),
        mask: format!("fg-\u{2026}{n}"),
        expires_at: None,
    })
}

/// The field a refusal is about, and what is wrong with it.
pub(crate) fn field(rejection: Rejection) -> (&'static str, String) {
    match rejection {
        Rejection::Field { field, problem } => (field, problem),
        other => panic!("not about a field: {other:?}"),
    }
}
