//! A table brought forward against the one made anew, and the rule of resolution
//! against its words.

use foldgate_proto::DefinitionKind;
use proptest::prelude::*;

use super::{access, direct, leads, owner, put, remove, routing, table, world};
use crate::Command;
use crate::decide::tests::given::{Given, OWNER, level, map, set};
use crate::pattern::{Pattern, PatternMap};

/// The rule of resolution, word by word, over all names there are.
fn oracle(given: &Given, asked: &str) -> String {
    let owner = given.owner();
    let models = owner.definitions_of(DefinitionKind::Model);
    let models: Vec<&str> = models.map(|one| one.name.as_str()).collect();
    let rules = owner.config.model_mapper.clone().unwrap_or_default();
    let mapped = if models.contains(&asked) {
        rules.get(asked)
    } else {
        PatternMap::new(&rules).get(asked).map(|(_, to)| *to)
    };
    let model = mapped.map_or(asked, String::as_str);
    if models.contains(&model) {
        return model.to_owned();
    }
    let levels = owner.level_mapper();
    if let Some(level) = levels.get(model) {
        return level.to_string();
    }
    let of_models = models
        .iter()
        .map(|name| (*name, (true, (*name).to_owned())));
    let of_levels = levels
        .iter()
        .map(|(name, level)| (*name, (false, level.to_string())));
    let mut all: Vec<(Pattern, (bool, String))> = of_models
        .chain(of_levels)
        .map(|(text, to)| (Pattern::parse(text).expect("a pattern"), to))
        .filter(|(pattern, _)| pattern.matches(model))
        .collect();
    all.sort_by(|(a, (of_model, _)), (b, (other, _))| (b.rank(), other).cmp(&(a.rank(), of_model)));
    let found = all.into_iter().next();
    found.map_or_else(|| "nowhere".to_owned(), |(_, (_, to))| to)
}

#[derive(Debug, Clone)]
enum Op {
    Direct(u64, &'static str, u64),
    Routing(u64, &'static str, Vec<&'static str>),
    Remove(u64),
    Levels(Vec<(&'static str, u64)>),
    Mapper(Vec<(&'static str, &'static str)>),
}

const NAMES: [&str; 8] = ["a", "ab", "b", "a*", "*b", "*", "c", "A"];

fn op() -> impl Strategy<Value = Op> {
    let name = || proptest::sample::select(&NAMES[..]);
    let few = proptest::collection::vec(name(), 1..4);
    prop_oneof![
        4 => (0..6_u64, name(), 1..4_u64).prop_map(|(n, name, at)| Op::Direct(n, name, at)),
        3 => (0..6_u64, name(), few).prop_map(|(n, name, to)| Op::Routing(n, name, to)),
        2 => (0..6_u64).prop_map(Op::Remove),
        1 => proptest::collection::vec((name(), 1..4_u64), 0..4).prop_map(Op::Levels),
        1 => proptest::collection::vec((name(), name()), 0..3).prop_map(Op::Mapper),
    ]
}

fn command(given: &Given, op: &Op) -> Command {
    let all = given.owner().definitions_of(DefinitionKind::Model);
    let numbers: Vec<u64> = all.map(|one| one.number.0).collect();
    let id = u128::from(given.last()) + 500;
    // Beyond those that there are a new one is made.
    let at = |n: &u64| numbers.get(usize::try_from(*n).expect("small")).copied();
    match op {
        Op::Direct(n, name, level) => put(id, at(n), direct(name, "up", *level)),
        Op::Routing(n, name, targets) => put(id, at(n), routing(name, targets)),
        Op::Remove(n) => remove(at(n).unwrap_or(999)),
        Op::Levels(levels) => set(|patch| {
            patch.set.level_mapper = Some(map(levels.iter().map(|(name, n)| (*name, level(*n)))));
        }),
        Op::Mapper(mapper) => set(|patch| {
            let mapper = mapper
                .iter()
                .map(|(from, to)| (*from, to.replace('*', "x")));
            patch.set.model_mapper = Some(map(mapper));
        }),
    }
}

proptest! {
    #[test]
    fn a_table_brought_forward_is_the_one_made_anew_and_leads_as_the_rule_says(
        ops in proptest::collection::vec(op(), 1..40),
        batch in 1..5_usize,
    ) {
        let mut given = world();
        let mut advanced = table(&given);
        for ops in ops.chunks(batch) {
            let mut records = Vec::new();
            for op in ops {
                let command = command(&given, op);
                let context = given.context();
                let state = given.state.clone();
                if let Ok(decision) = given.tried(&command) {
                    records.push(crate::decide::record(
                        &state, OWNER, &command, &context, decision.events,
                    ));
                }
            }
            advanced = advanced.advance(&given.state, &records);
            let fresh = table(&given);
            for name in ["a", "ab", "b", "aab", "c", "x", "A", "exact", "gpt-1"] {
                let (one, other) = (owner(&advanced).resolve(name), owner(&fresh).resolve(name));
                prop_assert_eq!(&one, &other, "{}", name);
                prop_assert_eq!(leads(&given, name), oracle(&given, name), "{}", name);
                let (one, other) = (access(&advanced, 1), access(&fresh, 1));
                prop_assert_eq!(one.resolve(name), other.resolve(name), "{}", name);
            }
            prop_assert_eq!(access(&advanced, 1).models(), access(&fresh, 1).models());
        }
    }
}
