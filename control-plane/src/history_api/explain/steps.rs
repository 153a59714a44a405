//! The mappings on the way, each with the pattern that decided and those that lost.

use foldgate_domain::pattern::PatternMap;
use foldgate_proto::Level;
use serde::Serialize;

use super::Asked;

/// The most losing patterns that one step names.
const MAX_LOSING: usize = 100;

/// One mapping on the way.
#[derive(Debug, Serialize)]
pub(super) struct Step<T> {
    #[serde(rename = "step")]
    name: &'static str,
    /// The model before it.
    from: String,
    /// What it becomes: a model, or a Level.
    pub(super) to: Option<T>,
    /// The pattern that decided, if one matched.
    pattern: Option<String>,
    /// In which layer of LEVEL_MAPPER it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'static str>,
    /// Patterns that matched too, and lost.
    losing: Vec<Losing<T>>,
}

#[derive(Debug, Serialize)]
struct Losing<T> {
    pattern: String,
    to: T,
}

impl<'a> Asked<'a> {
    /// The account's own mapper.
    pub(super) fn account_step(&self) -> Step<&'a String> {
        let own = self.owner().accounts.get(&self.account);
        let mapper = own.map(|account| &account.profile.model_mapper);
        step("account_mapper", self.model, mapper.into_iter().flatten())
    }

    /// MODEL_MAPPER; what is a Model's exact name is exempt from its wildcards.
    pub(super) fn mapper_step(&self, model: &str) -> Step<&'a String> {
        let mapper = self.owner().config.model_mapper.iter().flatten();
        let exempt = self.table.is_model(model);
        let counts = |(from, _): &(&String, &String)| !exempt || !from.contains('*');
        step("model_mapper", model, mapper.filter(counts))
    }

    /// LEVEL_MAPPER: the owner's layer over the completed one.
    pub(super) fn level_step(&self, model: &str) -> Step<Level> {
        let mut step = step("level_mapper", model, self.owner().level_mapper());
        step.layer = step.pattern.as_ref().map(|pattern| {
            let own = self.owner().config.level_mapper.as_ref();
            if own.is_some_and(|own| own.contains_key(pattern)) {
                "owner"
            } else {
                "completed"
            }
        });
        step
    }
}

/// A mapping of one model name to something else.
fn step<P: AsRef<str>, T: Clone>(
    name: &'static str,
    model: &str,
    mapper: impl IntoIterator<Item = (P, T)>,
) -> Step<T> {
    let patterns = PatternMap::new(mapper);
    let mut matching = patterns.all(model).into_iter();
    let winner = matching.next();
    let losing = matching.take(MAX_LOSING).map(|(pattern, to)| Losing {
        pattern: pattern.to_string(),
        to: to.clone(),
    });
    Step {
        name,
        from: model.to_owned(),
        to: winner.map(|(_, to)| to.clone()),
        pattern: winner.map(|(pattern, _)| pattern.to_string()),
        layer: None,
        losing: losing.collect(),
    }
}
