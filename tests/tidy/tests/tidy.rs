//! Every rule of the style guide, on this repository.

use foldgate_tidy::{
    Fault, Tree, arrows, dependencies, docs, golden, layout, length, nats, purity, wire, words,
};

fn must_be_tidy(rule: fn(&Tree) -> Vec<Fault>) {
    let tree = Tree::workspace().expect("the workspace can be read");
    assert!(tree.holds("Cargo.toml"), "this is not the workspace");
    let faults = rule(&tree);
    let list: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(
        list.is_empty(),
        "{} faults:\n{}",
        list.len(),
        list.join("\n")
    );
}

#[test]
fn arrows_between_crates_point_down() {
    must_be_tidy(arrows::check);
}

#[test]
fn proto_and_domain_are_pure() {
    must_be_tidy(purity::check);
}

#[test]
fn files_and_functions_are_short() {
    let tree = Tree::workspace().expect("the workspace can be read");
    println!("{}", length::figures(&tree));
    must_be_tidy(length::check);
}

#[test]
fn files_are_placed_named_and_explained() {
    must_be_tidy(layout::check);
}

#[test]
fn no_forbidden_words() {
    must_be_tidy(words::check);
}

#[test]
fn golden_fixtures_are_unchanged() {
    must_be_tidy(golden::check);
}

#[test]
fn one_place_knows_the_nats_client() {
    must_be_tidy(nats::check);
}

#[test]
fn dependencies_are_used() {
    must_be_tidy(dependencies::check);
}

#[test]
fn every_fact_of_the_wire_has_its_test() {
    must_be_tidy(wire::check);
}

#[test]
fn documents_are_true() {
    must_be_tidy(docs::check);
}
