//! Models: named virtual models, direct ones and those that route to others.

use std::collections::BTreeSet;

use foldgate_proto::{Definition, DefinitionKind, KeyId, Level, ResourceId};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::grammar::{ADDRESS, MODEL_NAME};
use super::{Defined, Fault, RateLimit, text};
use crate::OwnerState;
use crate::acl::{Address, Item};
use crate::pattern::Pattern;

mod forms;
mod routing;

pub use routing::{HashOn, HashSource, Routing, Strategy, Target, WhenAllUnavailable};

/// A named model. It is direct (`model_name` with `provider_key_id` or `level`), or
/// it routes (`routing`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend("anyOf" = forms::forms()))]
pub struct Model {
    /// What callers name: a model's exact name, or a pattern with `*`.
    #[garde(length(chars, min = 1, max = 255))]
    #[schemars(regex(pattern = MODEL_NAME))]
    pub display_name: String,
    /// What the provider is called in metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 64), pattern("^[a-z0-9][a-z0-9._-]*$"))]
    pub provider: Option<String>,
    /// The model's name upstream. Each `*` in it takes what the `*` of the same place
    /// in `display_name` stood for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 255))]
    #[schemars(regex(pattern = text::LINE))]
    pub model_name: Option<String>,
    /// The provider key that calls go out with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_key_id: Option<Uuid>,
    /// The pool of provider keys that calls go out with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(max = 9999))]
    pub level: Option<u16>,
    /// Which of other models to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub routing: Option<Routing>,
    /// Further tries with this model after a failure that another try may mend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(max = 100))]
    pub retries: Option<u32>,
    /// The most milliseconds until the whole answer is here, of calls that do not
    /// stream; 0 takes the gateway's own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(max = 86_400_000))]
    pub timeout: Option<u64>,
    /// The most milliseconds of silence in a stream; 0 takes the gateway's own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(max = 86_400_000))]
    pub stream_timeout: Option<u64>,
    /// When the model is left alone for a while after failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub cooldown: Option<Cooldown>,
    /// Prices, for `least_cost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub cost: Option<Cost>,
    /// Limits on this model's use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub rate_limit: Option<RateLimit>,
    /// The addresses (or ranges of them) that may call it; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 1000), inner(length(chars, min = 1, max = 64)))]
    #[schemars(inner(length(min = 1, max = 64), regex(pattern = ADDRESS)))]
    pub allowed_cidrs: Vec<String>,
    /// Calls that find out whether the model works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub background_model_check: Option<BackgroundCheck>,
    /// Marks what prompts have in common, so that the provider keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_prompt_caching: Option<AutoPromptCaching>,
    /// What an embedding model's vectors are like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub embedding: Option<Embedding>,
}

/// [`Cooldown::max_seconds`] unless set.
pub(crate) const COOLDOWN_MAX_SECONDS: u64 = 600;

/// See [`Model::cooldown`]. Off unless `enabled`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Cooldown {
    /// Whether it is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Seconds, where the provider does not say; 30 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(range(max = 86_400))]
    pub default_seconds: Option<u64>,
    /// The most seconds, whatever the provider says; 600 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 1, max = 86_400))]
    pub max_seconds: Option<u64>,
    /// Whether the provider's `Retry-After` counts; it does unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honor_retry_after: Option<bool>,
    /// Whether time-outs count; they do unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_on_timeout: Option<bool>,
    /// Whether broken connections count; they do unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_on_transport: Option<bool>,
    /// The statuses that count; 401, 408, 429, 500, 502, 503, 504 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 500), custom(routing::failures))]
    #[schemars(inner(range(min = 400, max = 599)))]
    pub trigger_statuses: Option<Vec<u16>>,
}

/// See [`Model::cost`]: US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// For 1,000 tokens that go in.
    #[garde(range(min = 0.0, max = 1_000_000.0))]
    pub input_per_1k: f64,
    /// For 1,000 tokens that come out.
    #[garde(range(min = 0.0, max = 1_000_000.0))]
    pub output_per_1k: f64,
}

/// See [`Model::background_model_check`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct BackgroundCheck {
    /// Whether it is on.
    pub enabled: bool,
    /// Seconds between two calls.
    #[garde(range(min = 5, max = 86_400))]
    pub interval_seconds: u64,
    /// The most tokens a call may cost.
    #[garde(range(min = 1, max = 100_000))]
    pub max_tokens: u32,
    /// What is asked.
    #[garde(length(chars, min = 1, max = 4096))]
    pub prompt: String,
    /// Seconds after which a result no longer counts.
    #[garde(range(min = 1, max = 604_800))]
    pub stale_after_seconds: u64,
    /// The most seconds a call may take.
    #[garde(range(min = 1, max = 3600))]
    pub timeout_seconds: u64,
    /// Statuses that say nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 500), inner(range(min = 100, max = 599)))]
    pub ignore_statuses: Vec<u16>,
}

/// See [`Model::auto_prompt_caching`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoPromptCaching {
    /// Whether it is on.
    pub enabled: bool,
    /// How long the provider keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<CacheTtl>,
}

/// See [`AutoPromptCaching::ttl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CacheTtl {
    /// Five minutes.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// One hour.
    #[serde(rename = "1h")]
    OneHour,
}

/// See [`Model::embedding`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Embedding {
    /// How long a vector is.
    #[garde(range(min = 1, max = 1_000_000))]
    pub dimensions: u32,
    /// Whether vectors have length 1 already.
    #[serde(default = "yes")]
    pub normalize: bool,
}

const fn yes() -> bool {
    true
}

/// Where a direct model's calls go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// To one provider key.
    Key(KeyId),
    /// To a pool.
    Level(Level),
}

impl Model {
    /// Where its calls go, if it is direct.
    pub fn place(&self) -> Option<Place> {
        let level = self.level.and_then(|level| Level::new(u64::from(level)));
        self.provider_key_id
            .map(|id| Place::Key(KeyId(id)))
            .or(level.map(Place::Level))
    }

    /// How much of its name upstream is to be filled.
    fn stars(&self) -> usize {
        self.model_name.as_deref().map_or(0, stars)
    }

    /// The fields that only a direct model may have, as far as they are set.
    fn direct_fields(&self) -> impl Iterator<Item = &'static str> + use<> {
        let set = [
            self.provider.is_some(),
            self.model_name.is_some(),
            self.provider_key_id.is_some(),
            self.level.is_some(),
            self.retries.is_some(),
            self.cooldown.is_some(),
            self.cost.is_some(),
            self.background_model_check.is_some(),
            self.auto_prompt_caching.is_some(),
            self.embedding.is_some(),
        ];
        let fields = forms::DIRECT_ONLY.into_iter().zip(set);
        fields.filter_map(|(field, set)| set.then_some(field))
    }

    fn check_direct(&self) -> Result<(), Fault> {
        let Some(upstream) = &self.model_name else {
            let problem = "a model needs model_name (with provider_key_id or level), or routing";
            return Err(Fault::at("model_name", problem));
        };
        match (self.provider_key_id, self.level) {
            (Some(_), Some(_)) => {
                let problem = "give provider_key_id or level, not both";
                return Err(Fault::at("level", problem));
            }
            (None, None) => {
                let problem = "a model needs provider_key_id or level beside model_name";
                return Err(Fault::at("provider_key_id", problem));
            }
            _ => {}
        }
        if let Some(cooldown) = &self.cooldown {
            let most = cooldown.max_seconds.unwrap_or(COOLDOWN_MAX_SECONDS);
            if cooldown
                .default_seconds
                .is_some_and(|default| default > most)
            {
                let problem = format!("is more than max_seconds, which is {most}");
                return Err(Fault::at("cooldown.default_seconds", problem));
            }
        }
        text::seemly(upstream).map_err(|problem| Fault::at("model_name", problem))?;
        if self.stars() > stars(&self.display_name) {
            let problem = "has more * than display_name, which has nothing to fill them with";
            return Err(Fault::at("model_name", problem));
        }
        Ok(())
    }
}

fn stars(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'*').count()
}

impl Defined for Model {
    const KIND: DefinitionKind = DefinitionKind::Model;
    const EXAMPLE: &'static str =
        r#"{"display_name": "fast", "model_name": "gpt-4o-mini", "level": 1}"#;
    const REFERRED_BY_NAME: bool = true;

    fn name(&self) -> Option<(&'static str, &str)> {
        Some(("display_name", &self.display_name))
    }

    fn check(&self) -> Result<(), Fault> {
        let pattern = Pattern::parse(&self.display_name);
        pattern.map_err(|error| Fault::at("display_name", error.to_string()))?;
        for (index, range) in self.allowed_cidrs.iter().enumerate() {
            Address::read(range)
                .map_err(|error| Fault::at(format!("allowed_cidrs[{index}]"), error.to_string()))?;
        }
        let Some(routing) = &self.routing else {
            return self.check_direct();
        };
        if let Some(field) = self.direct_fields().next() {
            let problem = "a model that routes to others has none of its own";
            return Err(Fault::at(field, problem));
        }
        routing.check()
    }

    fn names(&self) -> Vec<&str> {
        self.routing.as_ref().map_or_else(Vec::new, Routing::names)
    }

    fn refers(&self, owner: &OwnerState) -> Result<BTreeSet<ResourceId>, Fault> {
        let mut refers = BTreeSet::new();
        if let Some(id) = self.provider_key_id {
            let missing = || format!("no provider key has the id {id}");
            let key = owner.key(KeyId(id));
            let key = key.ok_or_else(|| Fault::at("provider_key_id", missing()))?;
            refers.insert(ResourceId::Key(key.number));
        }
        let targets = self.routing.iter().flat_map(|routing| &routing.targets);
        for (index, target) in targets.enumerate() {
            let path = |field| format!("routing.targets[{index}].{field}");
            let (field, found) = target
                .found(owner)
                .map_err(|(field, problem)| Fault::at(path(field), problem))?;
            if let Some(target) = super::stored::<Self>(&found.value) {
                if target.routing.is_some() {
                    let problem = format!("{:?} routes to others itself", found.name);
                    return Err(Fault::at(path("model"), problem));
                }
                if target.stars() > stars(&self.display_name) {
                    let problem = format!(
                        "{:?} has more * in its model_name than this display_name could fill",
                        found.name
                    );
                    return Err(Fault::at(path("model"), problem));
                }
            }
            if !refers.insert(ResourceId::Definition(found.kind, found.number)) {
                let problem = format!("{:?} is a target already", found.name);
                return Err(Fault::at(path(field), problem));
            }
        }
        Ok(refers)
    }

    /// Targets do not route: a call goes on once at most. And whoever routes to one
    /// fills the `*` of its name upstream.
    fn check_referrers(&self, by: &[&Definition]) -> Result<(), Fault> {
        for other in by.iter().filter(|other| other.kind == Self::KIND) {
            if self.routing.is_some() {
                let problem = format!("is for no target, and {:?} routes to it", other.name);
                return Err(Fault::at("routing", problem));
            }
            if self.stars() > stars(&other.name) {
                let problem = format!("has more * than {:?}, which routes to it", other.name);
                return Err(Fault::at("model_name", problem));
            }
        }
        Ok(())
    }

    fn unenforced(&self) -> Vec<&'static str> {
        let fields = [
            (
                "background_model_check",
                self.background_model_check.is_some(),
            ),
            ("auto_prompt_caching", self.auto_prompt_caching.is_some()),
            ("embedding", self.embedding.is_some()),
            ("provider", self.provider.is_some()),
        ];
        let set = fields.into_iter().filter(|(_, set)| *set);
        set.map(|(field, _)| field).collect()
    }
}
