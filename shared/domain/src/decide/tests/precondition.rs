use foldgate_proto::{AccountNumber, AdminKeyNumber, KeyNumber, ResourceId, Revision};

use super::given::{Given, add, given, map, number, set};
use super::people::{add_account, patch_account, rotate_owner};
use crate::command::{PatchKey, Precondition, Seen};
use crate::decide::check_precondition;
use crate::{Command, Kind, Rejection, decide};

fn seen(revisions: Option<&[u64]>) -> Seen {
    match revisions {
        None => Seen::Any,
        Some(all) => Seen::At(all.iter().copied().map(Revision).collect()),
    }
}

fn saw(resource: ResourceId, revisions: Option<&[u64]>) -> Precondition {
    Precondition {
        resource,
        one_of: Some(seen(revisions)),
        none_of: None,
    }
}

fn check(given: &Given, resource: ResourceId, revisions: Option<&[u64]>) -> Result<(), Rejection> {
    check_precondition(given.owner(), &saw(resource, revisions))
}

#[test]
fn a_resource_has_the_revision_that_last_changed_it() {
    let mut given = given();
    given.done(&add(1, "https://llm.example.com", 1));
    given.done(&add_account("team", 1, 9));
    let (key, team) = (
        ResourceId::Key(KeyNumber(1)),
        ResourceId::Account(AccountNumber(2)),
    );
    assert_eq!(check(&given, key, Some(&[2])), Ok(()));
    assert_eq!(check(&given, team, Some(&[9, 3])), Ok(()), "any of them");
    assert_eq!(check(&given, team, None), Ok(()), "any at all");
    given.done(&patch_account(2, 1, |p| p.suspended = Some(true)));
    let stale = Rejection::Stale {
        resource: team,
        now: Revision(4),
    };
    assert_eq!(check(&given, team, Some(&[3])), Err(stale.clone()));
    assert_eq!(stale.kind(), Kind::Stale);
    assert_eq!(
        check(&given, key, Some(&[2])),
        Ok(()),
        "others are as they were"
    );
    let missing = ResourceId::AdminKey(AdminKeyNumber(1));
    for revisions in [None, Some([1].as_slice())] {
        let refused = check(&given, missing, revisions);
        assert_eq!(refused, Err(Rejection::StaleMissing(missing)));
    }
    assert!(
        check(&given, team, Some(&[])).is_err(),
        "an ETag of nobody's"
    );
}

#[test]
fn what_it_may_not_be_is_refused_where_it_is() {
    let given = given().and(&add(1, "https://llm.example.com", 1));
    let (key, missing) = (
        ResourceId::Key(KeyNumber(1)),
        ResourceId::AdminKey(AdminKeyNumber(1)),
    );
    let check = |resource, one_of, none_of: Option<&[u64]>| {
        let precondition = Precondition {
            resource,
            one_of,
            none_of: Some(seen(none_of)),
        };
        check_precondition(given.owner(), &precondition)
    };
    let is = Rejection::Seen {
        resource: key,
        now: Revision(2),
    };
    assert_eq!(is.kind(), Kind::Stale);
    for none_of in [None, Some([1, 2].as_slice())] {
        assert_eq!(check(key, None, none_of), Err(is.clone()));
        assert_eq!(check(key, Some(Seen::Any), none_of), Err(is.clone()));
        assert_eq!(check(missing, None, none_of), Ok(()));
    }
    assert_eq!(check(key, None, Some(&[1])), Ok(()));
}

#[test]
fn the_configuration_changes_with_its_completed_layer_and_apart_from_the_owner() {
    let mut given = given();
    given.done(&set(|patch| {
        patch.set.model_mapper = Some(map([("a", "b".to_owned())]));
    }));
    assert_eq!(check(&given, ResourceId::Config, Some(&[2])), Ok(()));
    given.done(&rotate_owner(7));
    assert_eq!(check(&given, ResourceId::Config, Some(&[2])), Ok(()));
    assert_eq!(check(&given, ResourceId::Owner, Some(&[3])), Ok(()));
    given.done(&add(1, "https://api.openai.com", 1));
    assert_eq!(
        check(&given, ResourceId::Config, Some(&[4])),
        Ok(()),
        "LEVEL_MAPPER reads otherwise now"
    );
    given.done(&add_account("team", 1, 9));
    assert_eq!(check(&given, ResourceId::Config, Some(&[4])), Ok(()));
}

#[test]
fn a_stale_command_is_refused_before_all_else() {
    let mut given = given();
    given.done(&add(1, "https://llm.example.com", 1));
    let mut context = given.context();
    context.precondition = Some(saw(ResourceId::Key(number(1)), Some(&[1])));
    let patch = Command::PatchKey(PatchKey {
        number: number(1),
        enabled: Some(false),
        ..PatchKey::default()
    });
    let refused = decide(&given.state, super::given::OWNER, &patch, &context);
    assert!(matches!(refused, Err(Rejection::Stale { .. })));
    context.precondition = Some(saw(ResourceId::Key(number(1)), Some(&[2])));
    assert!(decide(&given.state, super::given::OWNER, &patch, &context).is_ok());
}
