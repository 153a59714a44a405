use proptest::prelude::*;

use super::{Error, MAX_CHARS, Pattern, PatternMap};

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

/// The plainest matcher there is: by characters, by definition.
fn oracle_matches(pattern: &[char], model: &[char]) -> bool {
    match (pattern.split_first(), model.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => (0..=model.len()).any(|n| oracle_matches(rest, &model[n..])),
        (Some((p, rest)), Some((m, model))) => p == m && oracle_matches(rest, model),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Whether `a` beats `b`, word by word from the table.
fn oracle_beats(a: &str, b: &str) -> bool {
    let exact = |p: &str| !p.contains('*');
    let literals = |p: &str| p.chars().filter(|c| *c != '*').count();
    let prefix = |p: &str| p.chars().take_while(|c| *c != '*').count();
    if exact(a) != exact(b) {
        return exact(a);
    }
    if literals(a) != literals(b) {
        return literals(a) > literals(b);
    }
    if prefix(a) != prefix(b) {
        return prefix(a) > prefix(b);
    }
    a < b
}

/// All that match, the winner first, by trying each against each.
fn oracle_all<'a>(patterns: &'a [String], model: &str) -> Vec<&'a str> {
    let model: Vec<char> = model.chars().collect();
    let mut left: Vec<&str> = Vec::new();
    for p in patterns {
        let chars: Vec<char> = p.chars().collect();
        if oracle_matches(&chars, &model) && !left.contains(&p.as_str()) {
            left.push(p);
        }
    }
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let best = (0..left.len())
            .find(|i| (0..left.len()).all(|j| *i == j || oracle_beats(left[*i], left[j])))
            .expect("the rule is a total order");
        ordered.push(left.remove(best));
    }
    ordered
}

fn compile(patterns: &[String]) -> PatternMap<usize> {
    PatternMap::new(patterns.iter().enumerate().map(|(value, p)| (p, value)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn matcher_agrees_with_the_oracle(p in "[ab*é]{1,9}", model in "[abé]{0,9}") {
        let p_chars: Vec<char> = p.chars().collect();
        let m_chars: Vec<char> = model.chars().collect();
        prop_assert_eq!(pattern(&p).matches(&model), oracle_matches(&p_chars, &m_chars));
    }

    #[test]
    fn captures_put_back_give_the_model(p in "[ab*é]{1,9}", model in "[abé]{0,9}") {
        let found = pattern(&p).captures(&model);
        prop_assert_eq!(found.is_some(), pattern(&p).matches(&model));
        if let Some(found) = found {
            let mut stars = found.iter();
            let filled: String = p
                .chars()
                .map(|c| if c == '*' { (*stars.next().expect("one per star")).to_owned() } else { c.to_string() })
                .collect();
            prop_assert_eq!(&filled, &model);
            prop_assert_eq!(stars.next(), None);
        }
    }

    #[test]
    fn map_agrees_with_the_oracle(
        patterns in prop::collection::vec("[ab*]{1,6}", 0..60),
        models in prop::collection::vec("[ab]{0,8}", 1..12),
    ) {
        let map = compile(&patterns);
        for model in &models {
            let expected = oracle_all(&patterns, model);
            let found: Vec<&str> = map.all(model).into_iter().map(|(p, _)| p.as_str()).collect();
            prop_assert_eq!(&found, &expected, "all of {}", model);
            let winner = map.get(model).map(|(p, _)| p.as_str());
            prop_assert_eq!(winner, expected.first().copied(), "winner for {}", model);
        }
    }

    #[test]
    fn map_agrees_where_literals_are_long_and_shared(
        patterns in prop::collection::vec("(a|ab|abcabcabcabc|bc|c|é|\\*){1,5}", 0..60),
        model in "(a|ab|abcabcabcabc|bc|c|é){0,6}",
    ) {
        let map = compile(&patterns);
        let expected = oracle_all(&patterns, &model);
        let found: Vec<&str> = map.all(&model).into_iter().map(|(p, _)| p.as_str()).collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(map.get(&model).map(|(p, _)| p.as_str()), expected.first().copied());
    }

    #[test]
    fn rank_is_the_documented_order(a in "[ab*]{1,6}", b in "[ab*]{1,6}") {
        let (pa, pb) = (pattern(&a), pattern(&b));
        prop_assert_eq!(pa.rank() > pb.rank(), a != b && oracle_beats(&a, &b));
    }

    #[test]
    fn the_order_of_writing_plays_no_part(
        patterns in prop::collection::btree_set("[ab*]{1,5}", 0..40),
        model in "[ab]{0,6}",
    ) {
        let forward: PatternMap<()> = PatternMap::new(patterns.iter().map(|p| (p, ())));
        let backward: PatternMap<()> = PatternMap::new(patterns.iter().rev().map(|p| (p, ())));
        prop_assert_eq!(forward.get(&model), backward.get(&model));
    }
}

#[test]
fn documented_examples() {
    for (p, yes, no) in [
        ("gpt-4-*-preview", "gpt-4-0125-preview", "gpt-4-preview"),
        ("gpt-4-*-preview", "gpt-4-x-preview", "gpt-4-x-preview-2"),
        ("*-vision", "gpt-4-vision", "gpt-4-vision-preview"),
        ("o*", "omni-moderation-latest", "gpt-4o"),
        ("o*", "o", "O1"),
        ("gpt-3.5*", "gpt-3.5", "gpt-305-turbo"),
        ("*", "", "never"),
        ("a**b", "ab", "ba"),
        ("ab*ba", "abba", "aba"),
        ("*a*a*", "aa", "a"),
    ] {
        assert!(pattern(p).matches(yes), "{p} {yes}");
        assert!(p == "*" || !pattern(p).matches(no), "{p} {no}");
    }
}

#[test]
fn the_table_of_the_documentation() {
    for (winner, loser) in [
        ("gpt-4-0125-preview", "gpt-4-0125-previe*"),
        ("gpt-4-*-preview", "gpt-4*"),
        ("gpt-4*", "*4-pre*"),
        ("gpt-4*", "gp*iew"),
        ("*-preview", "*-preview*"),
        ("a**b", "a*b"),
        ("é*", "*a"),
    ] {
        assert!(
            pattern(winner).rank() > pattern(loser).rank(),
            "{winner} {loser}"
        );
        let map = PatternMap::new([(loser, 0), (winner, 1)]);
        assert_eq!(map.iter().next().unwrap().1, &1, "{winner} {loser}");
    }
}

#[test]
fn refuses_what_is_no_pattern() {
    let long = "m".repeat(MAX_CHARS);
    assert_eq!(pattern(&long).as_str(), long);
    assert_eq!(
        pattern(&"é".repeat(MAX_CHARS)).rank(),
        pattern(&"é".repeat(MAX_CHARS)).rank()
    );
    let longer = "m".repeat(MAX_CHARS + 1);
    assert_eq!(Pattern::parse(&longer), Err(Error::TooLong(MAX_CHARS + 1)));
    assert_eq!(Pattern::parse(""), Err(Error::Empty));
    for c in [
        ' ', '\t', '\n', '\0', '\u{7f}', '=', ',', '\u{a0}', '\u{2003}',
    ] {
        assert_eq!(Pattern::parse(&format!("a{c}b")), Err(Error::Character(c)));
    }
    assert_eq!(
        Error::Character('=').to_string(),
        "a model pattern may not contain '='"
    );
}

#[test]
fn keeps_the_text_and_knows_its_kind() {
    let p: Pattern = "a**b".parse().unwrap();
    assert_eq!(
        (p.to_string().as_str(), p.is_exact(), p.is_any()),
        ("a**b", false, false)
    );
    assert!(pattern("**").is_any() && pattern("gpt-4o").is_exact());
    assert_eq!(format!("{p:?}"), "Pattern(\"a**b\")");
}

#[test]
fn of_equal_patterns_the_later_counts_and_bad_ones_match_nothing() {
    let map = PatternMap::new([("a*", 1), ("b c", 2), ("a*", 3)]);
    assert_eq!(map.len(), 1);
    assert_eq!(map.get("ab").map(|(_, v)| *v), Some(3));
    assert!(map.get("b c").is_none() && map.exact("a*").is_none());
    let empty = PatternMap::<u8>::default();
    assert!(empty.is_empty() && empty.get("a").is_none() && empty.all("a").is_empty());
}

#[test]
fn hostile_patterns_and_models_end() {
    let p = pattern(&"a*".repeat(MAX_CHARS / 2));
    assert!(!p.matches(&format!("{}b", "b".repeat(100_000))));
    assert!(p.matches(&"a".repeat(100_000)));
    let map = PatternMap::new((0..500).map(|n| (format!("*a*{n}*a*"), n)));
    assert!(map.get(&"a".repeat(2_000)).is_none());
    assert_eq!(map.get("xa17ax").map(|(_, v)| *v), Some(17));
}

#[test]
fn ten_thousand_mixed_patterns() {
    let texts: Vec<String> = (0..2_500)
        .flat_map(|n| {
            [
                format!("model-{n}"),
                format!("model-{n}-*"),
                format!("*-variant-{n}"),
                format!("family-*-{n}-*-preview"),
            ]
        })
        .collect();
    let map = compile(&texts);
    let winner = |model: &str| map.get(model).map(|(p, _)| p.as_str());
    assert_eq!(map.len(), 10_000);
    assert_eq!(winner("model-77"), Some("model-77"));
    assert_eq!(winner("model-77-x"), Some("model-77-*"));
    assert_eq!(winner("model-1-variant-2499"), Some("*-variant-2499"));
    assert_eq!(
        winner("family-a-42-b-preview"),
        Some("family-*-42-*-preview")
    );
    assert_eq!(winner("family-a-42-preview"), None);
    assert_eq!(winner("unheard-of"), None);
}
