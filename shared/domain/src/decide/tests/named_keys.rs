//! Keys as the admin API writes them: under names of their own, with hashes that
//! somebody brought, and more terms.

use std::collections::BTreeMap;

use foldgate_proto::event::{CallerKeyPatched, CallerKeyRotated};
use foldgate_proto::{
    AccountNumber, CallerKeyNumber, Event, JsonText, KeyHash, MaskedSecret, OwnerId, RecordHash,
    ResourceId, Sealed, Secrets,
};
use uuid::Uuid;

use super::given::{Given, OWNER, add, claim, given, key, level, map, number, set};
use super::people::{add_account, field, hash, issue, key_of, patch_key_of, rotate};
use crate::command::{
    AddKey, AddNamedKey, Change, IssueCallerKey, PatchCallerKey, PatchKey, SecretEdit,
};
use crate::decide::{MAX_MORE_BYTES, decide};
use crate::{Command, Rejection, State, Table};

/// A key with a name that is to be its alone.
fn named(account: u64, n: u8, name: &str) -> Command {
    match issue(account, n, |key| name.clone_into(&mut key.name)) {
        Command::IssueCallerKey(issue) => Command::IssueCallerKey(IssueCallerKey {
            own_name: true,
            ..issue
        }),
        other => other,
    }
}

fn renamed(number: u64, name: &str) -> Command {
    patch_key_of(key_of(1, number), |patch| {
        patch.name = Some(name.to_owned());
        patch.own_name = true;
    })
}

fn taken(name: &str) -> Rejection {
    Rejection::Taken {
        field: "Name",
        value: name.to_owned(),
    }
}

#[test]
fn a_chosen_name_is_one_keys_among_those_of_its_account() {
    let given = given()
        .and(&add_account("team", 1, 9))
        .and(&named(1, 10, "Stra\u{df}e"))
        .and(&issue(1, 11, |key| "other".clone_into(&mut key.name)));
    for name in ["Stra\u{df}e", "STRASSE", "strasse"] {
        assert_eq!(given.refused(&named(1, 20, name)), taken(name), "{name}");
        assert_eq!(given.refused(&renamed(3, name)), taken(name), "{name}");
    }
    assert_eq!(given.refused(&named(1, 20, "OTHER")), taken("OTHER"));
    assert!(
        given.when(&named(2, 20, "strasse")).is_ok(),
        "another account's"
    );
    assert!(given.when(&renamed(2, "STRASSE")).is_ok(), "its own, anew");
    // Whoever does not ask for a name of its own shares it.
    assert!(
        given
            .when(&issue(1, 20, |key| "other".clone_into(&mut key.name)))
            .is_ok()
    );
}

#[test]
fn a_name_is_free_again_and_default_is_nobodys() {
    let mut given = given().and(&named(1, 10, "one"));
    given.done(&renamed(1, "two"));
    given.done(&named(1, 11, "one"));
    assert_eq!(given.refused(&named(1, 12, "Two")), taken("Two"));
    given.done(&Command::RevokeCallerKey(key_of(1, 1)));
    given.done(&named(1, 12, "Two"));
    for n in [20, 21] {
        given.done(&named(1, n, "default"));
        given.done(&named(1, n + 10, ""));
    }
}

/// The index of names is not written out, and is the same when it is read back.
#[test]
fn names_are_found_in_a_state_that_was_read_back() {
    let given = given()
        .and(&named(1, 10, "one"))
        .and(&add(1, "https://a.example.com", 1));
    let read = State::from_bytes(&given.state.to_bytes().expect("bytes")).expect("a state");
    assert_eq!(read, given.state);
    let owner = read.owner(OWNER).expect("claimed");
    assert_eq!(owner.keys_named("KEY 1").count(), 1);
    assert_eq!(owner.caller_keys_named(AccountNumber(1), "ONE").count(), 1);
    assert_eq!(owner.caller_keys_named(AccountNumber(2), "one").count(), 0);
}

#[test]
fn a_hash_that_was_brought_is_no_other_tenants() {
    let mut given = given();
    let other = OwnerId(Uuid::from_u128(77));
    let commands = [claim("second", 50), issue_to_root(2, 60)];
    for command in &commands {
        let context = given.context();
        let decision = decide(&given.state, other, command, &context).expect("legal");
        let record = crate::decide::record(&given.state, other, command, &context, decision.events);
        let next = given.state.revision.next();
        given.state.apply(next, RecordHash::of(b"x"), &record);
    }
    let brought = |n| issue(1, n, |key| key.mask.clear());
    for theirs in [50, 60] {
        assert_eq!(given.refused(&brought(theirs)), Rejection::KeyTaken);
    }
    given.done(&brought(61));
    let swapped = |n| patch_key_of(key_of(1, 1), |patch| patch.hash = Some(hash(n)));
    for taken in [1, 50, 60] {
        assert_eq!(given.refused(&swapped(taken)), Rejection::KeyTaken);
    }
    assert!(given.when(&swapped(62)).is_ok());
}

fn issue_to_root(account: u64, n: u8) -> Command {
    issue(account, n, |_| {})
}

#[test]
fn another_hash_takes_the_keys_place_at_once() {
    let mut given = given().and(&issue(1, 10, |_| {}));
    given.done(&rotate(key_of(1, 1), 11, 60));
    let change = |patch: &mut PatchCallerKey| {
        patch.hash = Some(hash(12));
        patch.terms.disabled = Some(true);
    };
    let events = given.done(&patch_key_of(key_of(1, 1), change));
    let number = CallerKeyNumber(1);
    assert!(
        matches!(&events[..], [
            Event::CallerKeyRotated(CallerKeyRotated { number: one, hash: KeyHash(to), mask, previous_until: None }),
            Event::CallerKeyPatched(CallerKeyPatched { number: other, terms, .. }),
        ] if (*one, *other) == (number, number) && to[0] == 12 && mask.is_empty() && terms.disabled),
        "{events:?}"
    );
    for (n, known) in [(10, false), (11, false), (12, true)] {
        let found = given.owner().caller_key_presented(hash(n)).is_some();
        assert_eq!(found, known, "{n}");
    }
    let same = patch_key_of(key_of(1, 1), |patch| patch.hash = Some(hash(12)));
    assert_eq!(given.when(&same).map(|d| d.events), Ok(Vec::new()));
}

#[test]
fn terms_are_set_kept_and_cleared() {
    let more = |text: &str| Change::Set(JsonText(text.to_owned()));
    let mut given = given().and(&issue(1, 10, |key| {
        key.terms.disabled = Some(true);
        key.terms.rps = Change::Set(5);
        key.terms.concurrency = Change::Set(2);
        key.terms.more = more("{\"a\":1}");
    }));
    let terms = |given: &Given| given.owner().caller_keys[&CallerKeyNumber(1)].terms.clone();
    given.done(&patch_key_of(key_of(1, 1), |p| {
        p.terms.rps = Change::Set(6);
    }));
    let kept = terms(&given);
    assert!(kept.disabled);
    assert_eq!((kept.rps, kept.concurrency), (Some(6), Some(2)));
    assert_eq!(kept.more, Some(JsonText("{\"a\":1}".to_owned())));
    given.done(&patch_key_of(key_of(1, 1), |p| {
        p.terms.disabled = Some(false);
        p.terms.rps = Change::Clear;
        p.terms.concurrency = Change::Clear;
        p.terms.more = Change::Clear;
    }));
    assert!(terms(&given).is_blank());
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_MORE_BYTES));
    let refused = given.refused(&patch_key_of(key_of(1, 1), |p| p.terms.more = more(&long)));
    assert_eq!(field(refused).0, "more");
}

#[test]
fn a_disabled_key_may_not_call_until_it_is_back() {
    let mut given = given().and(&issue(1, 10, |key| {
        key.terms.concurrency = Change::Set(3);
    }));
    let access = |given: &Given| {
        let table = Table::new(&given.state);
        let caller = *table.caller(&[10; 32]).expect("known");
        let owner = table.owner(OWNER).expect("claimed");
        owner.access(&caller, given.now).map(|a| a.concurrency())
    };
    assert_eq!(access(&given), Ok(Some(3)));
    for (disabled, expected) in [(true, Err(crate::Denied::Disabled)), (false, Ok(Some(3)))] {
        let change = |p: &mut PatchCallerKey| p.terms.disabled = Some(disabled);
        given.done(&patch_key_of(key_of(1, 1), change));
        assert_eq!(access(&given), expected);
    }
}

fn provider_key(n: u128, provider: &str, name: &str) -> Command {
    Command::AddNamedKey(Box::new(AddNamedKey {
        key: AddKey {
            name: name.to_owned(),
            ..key(n, provider, 1)
        },
        any_level: true,
        more: Some(JsonText("{\"provider\":\"x\"}".to_owned())),
        more_secrets: BTreeMap::new(),
    }))
}

#[test]
fn a_provider_keys_name_is_its_alone() {
    let mut given =
        given()
            .and(&add(1, "https://a.example.com", 1))
            .and(&add(2, "https://a.example.com", 1));
    let same = provider_key(3, "https://a.example.com", "KEY 1");
    assert_eq!(given.refused(&same), taken("KEY 1"));
    let rename = |to: &str, own_name| {
        Command::PatchKey(PatchKey {
            number: number(2),
            name: Some(to.to_owned()),
            own_name,
            ..PatchKey::default()
        })
    };
    assert_eq!(given.refused(&rename("Key 1", true)), taken("Key 1"));
    assert!(given.when(&rename("KEY 2", true)).is_ok(), "its own");
    given.done(&rename("key 1", false));
    given.done(&Command::RemoveKey(number(1)));
    assert_eq!(given.refused(&same), taken("KEY 1"), "key 2 has it too");
    given.done(&Command::RemoveKey(number(2)));
    given.done(&same);
}

/// Where a new key stands of which nobody said it.
fn chosen(given: &mut Given, n: u128, provider: &str) -> u64 {
    let added = provider_key(n, provider, &format!("chosen {n}"));
    given.done(&added);
    let owner = given.owner();
    u64::from(owner.keys[&owner.last_key].level)
}

#[test]
fn a_key_goes_where_its_upstreams_keys_stand_or_where_nobody_does() {
    let mut given = given()
        .and(&add(1, "https://api.openai.com", 2))
        .and(&set(|patch| {
            patch.set.level_mapper = Some(map([("llama*", level(3))]));
            patch.set.switch_over = Some([(level(2), level(4))].into());
        }));
    for (provider, expected) in [
        // The same house, however it is written.
        ("https://api.openai.com/v1", 2),
        ("http://10.0.0.1:8000", 1),
        ("http://10.0.0.2:8000", 5),
        ("http://10.0.0.1:8000", 1),
        ("https://api.anthropic.com", 6),
    ] {
        let n = u128::from(given.last()) + 100;
        assert_eq!(chosen(&mut given, n, provider), expected, "{provider}");
    }
}

#[test]
fn what_is_kept_for_the_admin_api_is_replaced_whole_and_goes_when_empty() {
    let mut given = given().and(&provider_key(1, "https://a.example.com", "one"));
    let keep = |text: &str| {
        Command::PatchKey(PatchKey {
            number: number(1),
            more: Some(JsonText(text.to_owned())),
            ..PatchKey::default()
        })
    };
    let more = |given: &Given| given.owner().keys[&number(1)].more.clone();
    assert!(more(&given).is_some());
    assert_eq!(given.done(&keep("{\"provider\":\"x\"}")), []);
    given.done(&keep("{\"adapter\":\"openai\"}"));
    given.done(&keep("{}"));
    assert_eq!(more(&given), None);
    assert_eq!(given.done(&keep("{}")), []);
}

const HEADER: &str = "/request/default_headers/x-team";

#[test]
fn a_secret_in_what_is_kept_stays_where_its_mask_comes_back() {
    let mut given = given().and(&provider_key(1, "https://a.example.com", "one"));
    let sealed = |byte: u8| MaskedSecret {
        sealed: Sealed(vec![byte; 40]),
        mask: "tok...cdef".to_owned(),
    };
    let keep = |mask: &str, edit: Option<SecretEdit>| {
        let more = format!("{{\"request\":{{\"default_headers\":{{\"x-team\":{mask:?}}}}}}}");
        Command::PatchKey(PatchKey {
            number: number(1),
            more: Some(JsonText(more)),
            more_secrets: edit
                .into_iter()
                .map(|edit| (HEADER.to_owned(), edit))
                .collect(),
            ..PatchKey::default()
        })
    };
    let secrets = |given: &Given| (*given.owner().keys[&number(1)].more_secrets).clone();
    // A mask that is no secret's.
    let strange = keep("tok...cdef", Some(SecretEdit::Keep));
    let refused = given.refused(&strange);
    assert_eq!(refused.param(), Some("request.default_headers.x-team"));
    given.done(&keep("tok...cdef", Some(SecretEdit::Set(sealed(1)))));
    let expected: Secrets = [(HEADER.to_owned(), sealed(1))].into();
    assert_eq!(secrets(&given), expected);
    assert_eq!(given.done(&keep("tok...cdef", Some(SecretEdit::Keep))), []);
    let other = keep("tok...fedc", Some(SecretEdit::Keep));
    given.refused(&other);
    // Given anew, with the same mask.
    given.done(&keep("tok...cdef", Some(SecretEdit::Set(sealed(2)))));
    assert_eq!(secrets(&given)[HEADER], sealed(2));
    // Whoever changes something else leaves it.
    given.done(&Command::PatchKey(PatchKey {
        number: number(1),
        enabled: Some(false),
        ..PatchKey::default()
    }));
    assert_eq!(secrets(&given)[HEADER], sealed(2));
    given.done(&Command::PatchKey(PatchKey {
        number: number(1),
        more: Some(JsonText("{}".to_owned())),
        ..PatchKey::default()
    }));
    assert_eq!(secrets(&given), Secrets::new());
}

/// A name that another has taken since does not come back beside it; those that several
/// had at once, as the owner API lets them, do.
#[test]
fn an_undo_and_a_restore_bring_back_no_name_that_was_taken_since() {
    let today = "the name \"ONE\" is another's today";
    let refused = |given: &Given, command: &Command| {
        let refused = given.refused(command).to_string();
        assert!(refused.contains(today), "{refused}");
    };
    let mut given = given().and(&named(1, 10, "ONE"));
    let stood = given.last();
    given.done(&Command::RevokeCallerKey(key_of(1, 1)));
    let gone = given.last();
    given.done(&named(1, 11, "one"));
    refused(&given, &given.undo(gone));
    refused(
        &given,
        &given.restore(stood, Some(ResourceId::CallerKey(CallerKeyNumber(1)))),
    );
    given.done(&renamed(2, "two"));
    given.done(&given.undo(gone));

    given.done(&provider_key(1, "https://one.example.com", "ONE"));
    let stood = given.last();
    given.done(&Command::RemoveKey(number(1)));
    let gone = given.last();
    given.done(&provider_key(2, "https://one.example.com", "One"));
    refused(&given, &given.undo(gone));
    refused(
        &given,
        &given.restore(stood, Some(ResourceId::Key(number(1)))),
    );
    // All of it at once: the other goes.
    assert!(given.when(&given.restore(stood, None)).is_ok());

    let shared = |n| match add(n, "https://two.example.com", 1) {
        Command::AddKey(key) => Command::AddKey(AddKey {
            name: "shared".to_owned(),
            ..key
        }),
        other => other,
    };
    given.done(&shared(3));
    given.done(&shared(4));
    given.done(&Command::RemoveKey(number(3)));
    given.done(&given.undo(given.last()));
    assert_eq!(given.owner().keys_named("shared").count(), 2);
}
