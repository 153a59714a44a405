//! Models that route to others.

use foldgate_proto::{Definition, DefinitionId, DefinitionKind};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::OwnerState;
use crate::definition::{Fault, schema, text};

/// Which of other models serves a request, and which comes next when it fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend("anyOf" = [
    schema::is("strategy", &["consistent_hash"]),
    schema::absent(&["hash_on"]),
]))]
pub struct Routing {
    /// How targets of the same priority are put in order.
    #[serde(default)]
    pub strategy: Strategy,
    /// The models, each of them once.
    #[garde(length(min = 1, max = 100), dive)]
    pub targets: Vec<Target>,
    /// What `consistent_hash` hashes: the first of these that a request has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(min = 1, max = 16), dive)]
    pub hash_on: Option<Vec<HashSource>>,
    /// The most targets tried after the first; all unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(max = 100))]
    pub max_fallbacks: Option<u32>,
    /// Further tries with a target that does not say itself; none unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(max = 100))]
    pub retries: Option<u32>,
    /// Whether a target that answers 429 is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_on_429: Option<bool>,
    /// Statuses after which the next target is tried, beside those where that is done
    /// anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(max = 500), custom(failures))]
    #[schemars(inner(range(min = 400, max = 599)))]
    pub fallback_on_statuses: Option<Vec<u16>>,
    /// What happens while no target is available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_all_unavailable: Option<WhenAllUnavailable>,
}

/// How targets of the same priority are put in order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// In turn, each as often as its weight says, evenly spread.
    RoundRobin,
    /// By a hash of the request, so that what belongs together goes together.
    ConsistentHash,
    /// As they are listed.
    #[default]
    Failover,
    /// The cheapest first.
    LeastCost,
    /// The quickest to answer first.
    LeastLatency,
    /// The one with the fewest calls under way, by its weight, first.
    LeastBusy,
}

/// One of the models that a routing model leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend("anyOf" = [schema::given(&["model"]), schema::given(&["model_id"])]))]
pub struct Target {
    /// The model, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 255))]
    pub model: Option<String>,
    /// The model, by its id. With `model`, both are of one model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<Uuid>,
    /// Targets of a greater priority are tried first; 0 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(min = i32::MIN, max = i32::MAX))]
    pub priority: Option<i32>,
    /// Its share; 1 unless set. A target with 0 is used only after all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(max = 1_000_000))]
    pub weight: Option<u32>,
    /// Requests that name tags go only to targets with one of them, else to those
    /// tagged `default`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 32), inner(length(chars, min = 1, max = 64)))]
    #[schemars(inner(length(min = 1, max = 64), regex(pattern = text::TAG)))]
    pub tags: Vec<String>,
}

/// Something of a request that is hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(extend("anyOf" = [
    schema::all([schema::is("type", &["header", "cookie"]), schema::given(&["name"])]),
    schema::all([schema::is("type", &["api_key", "client_ip"]), schema::absent(&["name"])]),
]))]
pub struct HashSource {
    /// What.
    #[serde(rename = "type")]
    pub on: HashOn,
    /// The header's or cookie's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(
        length(chars, min = 1, max = 128),
        pattern("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
    )]
    pub name: Option<String>,
}

/// See [`HashSource::on`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HashOn {
    /// A header.
    Header,
    /// A cookie.
    Cookie,
    /// The caller's key.
    ApiKey,
    /// The caller's address.
    ClientIp,
}

/// See [`Routing::when_all_unavailable`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenAllUnavailable {
    /// The caller is told when to come back.
    #[default]
    Fail,
    /// All are tried nevertheless, as they are listed.
    TryAnyway,
}

/// Only what says that something failed.
#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "what the derived code calls it with"
)]
pub(super) fn failures(statuses: &Option<Vec<u16>>, _: &()) -> garde::Result {
    let mut all = statuses.iter().flatten();
    match all.find(|status| !(400..=599).contains(*status)) {
        None => Ok(()),
        Some(status) => Err(garde::Error::new(format!(
            "{status} is no status from 400 to 599"
        ))),
    }
}

impl Target {
    /// The field that speaks of its Model, and the Model; an id goes before a name, which
    /// must be the same Model's.
    ///
    /// # Errors
    /// The field that speaks of none, or of another one, and what is wrong with it.
    pub(super) fn found<'o>(
        &self,
        owner: &'o OwnerState,
    ) -> Result<(&'static str, &'o Definition), (&'static str, String)> {
        const KIND: DefinitionKind = DefinitionKind::Model;
        let named = |name: &str| {
            let found = owner.definition_named(KIND, name);
            found.ok_or_else(|| ("model", format!("there is no model {name:?}")))
        };
        let Some(id) = self.model_id else {
            let name = self.model.as_deref();
            let name = name.ok_or(("model", "a target needs model or model_id".to_owned()))?;
            return Ok(("model", named(name)?));
        };
        let found = owner.definition(KIND, DefinitionId(id));
        let found = found.ok_or_else(|| ("model_id", format!("no model has the id {id}")))?;
        match &self.model {
            Some(name) if named(name)?.id != found.id => {
                let problem = format!("{name:?} is not the model of model_id, {:?}", found.name);
                Err(("model", problem))
            }
            _ => Ok(("model_id", found)),
        }
    }
}

impl Routing {
    /// The names by which it speaks of its targets, also beside their ids.
    pub(super) fn names(&self) -> Vec<&str> {
        let targets = self.targets.iter();
        targets.filter_map(|one| one.model.as_deref()).collect()
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        let hashes = self.strategy == Strategy::ConsistentHash;
        if !hashes && self.hash_on.is_some() {
            let problem = "goes with the strategy consistent_hash alone";
            return Err(Fault::at("routing.hash_on", problem));
        }
        for (index, target) in self.targets.iter().enumerate() {
            // As the header has them: split at commas, white space around them gone.
            let odd = |tag: &String| tag.contains(',') || text::seemly(tag).is_err();
            if let Some(at) = target.tags.iter().position(odd) {
                let path = format!("routing.targets[{index}].tags[{at}]");
                let problem = "must stand on one line, without commas and white space around it";
                return Err(Fault::at(path, problem));
            }
        }
        for (index, source) in self.hash_on.iter().flatten().enumerate() {
            let path = format!("routing.hash_on[{index}].name");
            let named = matches!(source.on, HashOn::Header | HashOn::Cookie);
            if named && source.name.is_none() {
                return Err(Fault::at(path, "a header or cookie needs its name"));
            }
            if !named && source.name.is_some() {
                return Err(Fault::at(path, "goes with header and cookie alone"));
            }
        }
        Ok(())
    }
}
