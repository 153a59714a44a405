//! Tags: which targets a request may go to.

/// The tag of the targets that take what no other tag leads elsewhere.
pub const DEFAULT_TAG: &str = "default";

/// The most tags of a request that count; a target has no more either.
pub const MAX_TAGS: usize = 32;

/// The tags of comma lists, without empty ones: a header may come in several lines.
pub fn read_tags<'t>(lists: impl IntoIterator<Item = &'t str>) -> Vec<&'t str> {
    let tags = lists.into_iter().flat_map(|list| list.split(','));
    let tags = tags.map(str::trim);
    tags.filter(|tag| !tag.is_empty()).take(MAX_TAGS).collect()
}

/// The targets, by their places, that a request with the tags `asked` may go to;
/// none if it asks for what no target has and none is there for the rest.
///
/// | rule, in this order | targets |
/// |---|---|
/// | no target has tags | all |
/// | some have a tag that is asked for | those |
/// | some are tagged [`DEFAULT_TAG`] | those |
/// | else | those without tags |
pub fn eligible(asked: &[&str], targets: &[&[String]]) -> Vec<usize> {
    let places = |keep: &dyn Fn(&[String]) -> bool| -> Vec<usize> {
        let all = targets.iter().enumerate();
        all.filter(|(_, tags)| keep(tags))
            .map(|(place, _)| place)
            .collect()
    };
    if targets.iter().all(|tags| tags.is_empty()) {
        return (0..targets.len()).collect();
    }
    let asked_for = places(&|tags| tags.iter().any(|tag| asked.contains(&tag.as_str())));
    if !asked_for.is_empty() {
        return asked_for;
    }
    let default = places(&|tags| tags.iter().any(|tag| tag == DEFAULT_TAG));
    if !default.is_empty() {
        return default;
    }
    places(&<[String]>::is_empty)
}
