//! Mappers that lead nowhere: told of when they are set, and when a Model goes away.

use foldgate_proto::DefinitionKind::Model;
use serde_json::{Value, json};

use super::definition::{model, put, remove, replace};
use super::given::{Given, add, given, map, set};
use super::people::{add_account, patch_account};
use crate::Command;

fn text(text: &str) -> String {
    text.to_owned()
}

fn routing(name: &str, target: &str) -> Value {
    json!({ "display_name": name, "routing": { "targets": [{ "model": target }] } })
}

/// A key that serves `gpt-*`, three Models, and the account 2, `team`.
fn world() -> Given {
    given()
        .and(&add(1, "https://api.openai.com", 1))
        .and(&set(|c| {
            c.set.level_mapper = Some(map([("gpt-*", super::given::level(1))]));
        }))
        .and(&put(Model, 1, &model("direct")))
        .and(&put(Model, 2, &routing("routed", "direct")))
        .and(&put(Model, 3, &model("wild-*")))
        .and(&add_account("team", 1, 9))
}

fn warned(given: &Given, command: &Command) -> Vec<String> {
    let decision = given.when(command).expect("legal");
    decision.warnings.iter().map(ToString::to_string).collect()
}

fn mapper(entries: &[(&'static str, &'static str)]) -> Command {
    let entries = entries.iter().map(|(from, to)| (*from, text(to)));
    set(|c| c.set.model_mapper = Some(map(entries)))
}

fn account_mapper(entries: &[(&'static str, &'static str)]) -> Command {
    let entries = entries.iter().map(|(from, to)| (*from, text(to)));
    patch_account(2, 1, |p| p.model_mapper = Some(map(entries)))
}

#[test]
fn models_serve_what_mappers_lead_to() {
    let given = world();
    let all = [
        ("a", "direct"),
        ("b", "routed"),
        ("c", "wild-7"),
        ("d", "gpt-4o"),
        ("e", "direct2"),
    ];
    assert_eq!(
        warned(&given, &mapper(&all)),
        ["MODEL_MAPPER e=direct2 leads to a model that no Level serves"]
    );
    assert_eq!(
        warned(&given, &account_mapper(&all)),
        ["ModelMapper e=direct2 leads to a model that no Level serves"]
    );
}

#[test]
fn the_owners_mapper_takes_what_an_accounts_leads_to() {
    let given = world().and(&mapper(&[
        ("alias", "direct"),
        ("d*", "lost"),
        ("gpt-4", "lost"),
    ]));
    let mapper = account_mapper(&[
        ("a", "alias"),
        // A Model's own name is exempt from wildcards, a model's at a Level is not.
        ("b", "direct"),
        ("c", "dx"),
        ("d", "gpt-4"),
        ("e", "gpt-4o"),
    ]);
    assert_eq!(
        warned(&given, &mapper),
        [
            "ModelMapper c=dx leads to a model that no Level serves",
            "ModelMapper d=gpt-4 leads to a model that no Level serves",
        ]
    );
}

fn renamed(given: &Given, number: u64, value: &Value) -> Command {
    Command::PutDefinition(Box::new(replace(given, Model, number, value)))
}

#[test]
fn a_model_that_goes_away_leaves_its_mappings_behind() {
    let all = [
        ("a", "direct"),
        ("b", "wild-7"),
        ("c", "gpt-4o"),
        ("x", "lost"),
    ];
    let given = world().and(&mapper(&all)).and(&account_mapper(&[
        ("d", "wild-7"),
        ("e", "a"),
        ("f", "b"),
        ("g", "gpt-4o"),
        ("h", "lost"),
    ]));
    let lost = [
        "MODEL_MAPPER b=wild-7 leads to a model that no Level serves",
        "ModelMapper d=wild-7 of account 2 leads to a model that no Level serves",
        "ModelMapper f=b of account 2 leads to a model that no Level serves",
    ];
    assert_eq!(warned(&given, &remove(Model, 3)), lost);
    assert_eq!(warned(&given, &renamed(&given, 3, &model("tame-*"))), lost);
    let wider = renamed(&given, 3, &model("wil*"));
    assert_eq!(warned(&given, &wider), Vec::<String>::new());
    let mut same = model("wild-*");
    same["retries"] = json!(2);
    assert_eq!(
        warned(&given, &renamed(&given, 3, &same)),
        Vec::<String>::new()
    );
    let mut given = given.and(&put(Model, 5, &model("lost")));
    let undo = given.undo(given.last());
    assert_eq!(
        warned(&given, &undo),
        [
            "MODEL_MAPPER x=lost leads to a model that no Level serves",
            "ModelMapper h=lost of account 2 leads to a model that no Level serves",
        ]
    );
    // A Level may serve the name as well.
    given.done(&put(Model, 6, &model("gpt-4o")));
    let number = given
        .owner()
        .definition_named(Model, "gpt-4o")
        .map(|m| m.number.0);
    let gone = remove(Model, number.expect("it is there"));
    assert_eq!(warned(&given, &gone), Vec::<String>::new());
}

#[test]
fn no_more_of_them_are_listed_than_are_worth_it() {
    const SOURCES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let given = world().and(&account_mapper(&SOURCES.map(|source| (source, "wild-1"))));
    let warned = warned(&given, &remove(Model, 3));
    assert_eq!(warned.len(), 11);
    assert_eq!(
        warned[10],
        "2 more ModelMapper targets are served by no Level"
    );
}
