//! How models fare: `GET /admin/v1/models/status` and `GET /admin/v1/health`. What
//! is known of a model is what the fleet knows of its provider keys: which of them
//! may be used, and which sleep.

use std::collections::{HashMap, HashSet};

use axum::extract::State;
use axum::response::Response;
use foldgate_domain::OwnerState;
use foldgate_domain::definition::model::Place;
use foldgate_domain::definition::{Model, stored};
use foldgate_domain::pattern::Pattern;
use foldgate_domain::table::skipped;
use foldgate_proto::{
    Definition, DefinitionKind, KeyId, Level, ProviderKey, SleepReport, Timestamp,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::auth::Authenticated;
use crate::clock;
use crate::reply;

/// How one model fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ModelStatus {
    /// Its id.
    id: String,
    /// Its name.
    display_name: String,
    /// `direct` or `routing`.
    kind: Kind,
    /// Whether it can be called.
    status: Status,
    /// Until when all its keys sleep.
    cooldown_until: Option<Moment>,
    /// When the last failure was seen that one of its keys sleeps for.
    last_checked_at: Option<Moment>,
    /// What the provider answered then.
    last_check_status: Option<u16>,
    /// Why it is not healthy, in words for an operator.
    status_reason: Option<String>,
    #[serde(skip)]
    left: Left,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ModelStatusKind")]
enum Kind {
    Direct,
    Routing,
}

/// See [`ModelStatus::status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ModelStatusWord")]
enum Status {
    /// A key of it may be used now.
    Healthy,
    /// No key of it may be used, whatever time passes.
    Unhealthy,
    /// All its keys sleep for now.
    Cooldown,
    /// It routes to others, which fare each for itself.
    NotApplicable,
}

/// A point in time as the contract writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ModelStatusTime")]
struct Moment {
    secs_since_epoch: i64,
    nanos_since_epoch: u32,
}

/// How much of a model is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    All = 0,
    /// Some of its keys sleep.
    Some = 1,
    /// None of its keys can be used now.
    None = 2,
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        let millis = u32::try_from(at.0.rem_euclid(1000)).unwrap_or(0);
        Self {
            secs_since_epoch: at.0.div_euclid(1000),
            nanos_since_epoch: millis * 1_000_000,
        }
    }
}

/// `GET /admin/v1/models/status`
pub(crate) async fn list(State(app): State<App>, caller: Authenticated) -> Response {
    reply::read(&caller, &of_owner(&app, &caller))
}

/// `GET /admin/v1/health`
pub(crate) async fn health(State(app): State<App>, caller: Authenticated) -> Response {
    let models = of_owner(&app, &caller);
    let replica = app.replica.status();
    let worst = models.iter().map(|model| model.left).max();
    let whole = replica.held.is_none() && replica.caught_up && app.status.is_as_it_should_be();
    let all_down = !models.is_empty()
        && models
            .iter()
            .filter(|model| model.kind == Kind::Direct)
            .all(|model| model.left == Left::None);
    let status = if all_down {
        "unhealthy"
    } else if !whole || worst > Some(Left::All) {
        "degraded"
    } else {
        "ok"
    };
    let body = Health {
        status,
        models: models.into_iter().map(Line::from).collect(),
        config: Config {
            snapshot_revision: replica.revision.0,
            snapshot_age_seconds: age(caller.table().state.at),
        },
    };
    reply::read(&caller, &body)
}

/// The answer of `health`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FleetHealth")]
pub(crate) struct Health {
    status: &'static str,
    models: Vec<Line>,
    config: Config,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FleetHealthModel")]
struct Line {
    id: String,
    name: String,
    health: u8,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FleetHealthConfig")]
struct Config {
    /// The last record that this process has folded.
    snapshot_revision: u64,
    /// How long ago that was written; null before the first one.
    snapshot_age_seconds: Option<u64>,
}

impl From<ModelStatus> for Line {
    fn from(model: ModelStatus) -> Self {
        Self {
            id: model.id,
            name: model.display_name,
            health: model.left as u8,
        }
    }
}

/// Seconds since a time of the log.
fn age(at: Timestamp) -> Option<u64> {
    (at != Timestamp::default()).then(|| clock::now().since(at).as_secs())
}

fn of_owner(app: &App, caller: &Authenticated) -> Vec<ModelStatus> {
    let owner = caller.owner();
    let now = clock::now();
    let sleeping = app.sleeps.of_owner(owner.id, now);
    statuses(owner, &sleeping)
}

/// Every model's status, in the order in which they were made.
fn statuses(owner: &OwnerState, sleeping: &[SleepReport]) -> Vec<ModelStatus> {
    let definitions = owner.definitions_of(DefinitionKind::Model);
    let models: Vec<(&Definition, Model)> = definitions
        .filter_map(|definition| Some((definition.as_ref(), stored(&definition.value)?)))
        .collect();
    let keys = Keys::of(owner, models.iter().map(|(_, model)| model), sleeping);
    models
        .into_iter()
        .map(|(definition, model)| {
            let seen = match (&model.routing, model.place()) {
                (None, Some(place)) => keys.see(owner, &model, place),
                _ => Seen::routing(),
            };
            ModelStatus {
                id: definition.id.to_string(),
                display_name: model.display_name,
                kind: seen.kind,
                status: seen.status,
                cooldown_until: seen.until.map(Moment::from),
                last_checked_at: seen.last.map(|report| report.at.into()),
                last_check_status: seen.last.and_then(|report| report.status),
                status_reason: seen.reason,
                left: seen.left,
            }
        })
        .collect()
}

/// What was seen of one model.
struct Seen<'s> {
    kind: Kind,
    status: Status,
    until: Option<Timestamp>,
    last: Option<&'s SleepReport>,
    reason: Option<String>,
    left: Left,
}

impl Seen<'_> {
    const fn routing() -> Self {
        Self {
            kind: Kind::Routing,
            status: Status::NotApplicable,
            until: None,
            last: None,
            reason: None,
            left: Left::All,
        }
    }
}

/// The owner's keys, found by pool, and what sleeps.
struct Keys<'s> {
    pools: HashMap<Level, Vec<&'s ProviderKey>>,
    asleep: HashMap<KeyId, Vec<&'s SleepReport>>,
}

impl<'s> Keys<'s> {
    fn of<'m>(
        owner: &'s OwnerState,
        models: impl Iterator<Item = &'m Model>,
        sleeping: &'s [SleepReport],
    ) -> Self {
        let wanted: HashSet<Level> = models
            .filter_map(|model| match model.place()? {
                Place::Level(level) => Some(level),
                Place::Key(_) => None,
            })
            .flat_map(|level| owner.chain(level))
            .collect();
        let mut pools: HashMap<Level, Vec<&ProviderKey>> = HashMap::new();
        // Keys are looked at once, however many models their pools serve.
        if !wanted.is_empty() {
            for key in owner.keys.values().filter(|k| wanted.contains(&k.level)) {
                pools.entry(key.level).or_default().push(key);
            }
        }
        let mut asleep: HashMap<KeyId, Vec<&SleepReport>> = HashMap::new();
        for report in sleeping {
            asleep.entry(report.key).or_default().push(report);
        }
        Self { pools, asleep }
    }

    fn see(&'s self, owner: &'s OwnerState, model: &Model, place: Place) -> Seen<'s> {
        let keys: Vec<&ProviderKey> = match place {
            Place::Key(id) => owner.key(id).map(AsRef::as_ref).into_iter().collect(),
            Place::Level(level) => {
                let pools = owner
                    .chain(level)
                    .filter_map(|level| self.pools.get(&level));
                pools.flatten().copied().collect()
            }
        };
        let upstream = model.model_name.as_deref();
        let serves =
            |key: &&ProviderKey| upstream.is_none_or(|model| skipped(key, model).is_none());
        let usable: Vec<&ProviderKey> = keys
            .iter()
            .copied()
            .filter(|key| key.disabled.is_none() && serves(key))
            .collect();
        let sleeps_of = Upstream::of(model);
        let sleeps: Vec<(&SleepReport, Kept)> = usable
            .iter()
            .filter_map(|key| self.sleep(key.id, &sleeps_of))
            .collect();
        let last = sleeps.iter().map(|(report, _)| *report);
        let last = last.max_by_key(|report| report.at);
        let whole = sleeps.iter().filter(|(_, kept)| *kept == Kept::All).count();
        let (status, left, reason) = if usable.is_empty() {
            let why = unusable(&keys, upstream);
            (Status::Unhealthy, Left::None, Some(why))
        } else if whole == usable.len() {
            let why = last.map(|report| told(report, "all its keys sleep"));
            (Status::Cooldown, Left::None, why)
        } else if sleeps.is_empty() {
            (Status::Healthy, Left::All, None)
        } else {
            let some = if whole < sleeps.len() {
                let (some, all) = (sleeps.len(), usable.len());
                format!("{some} of {all} keys sleep, some for some of its names")
            } else {
                format!("{whole} of {} keys sleep", usable.len())
            };
            let why = last.map(|report| told(report, &some));
            (Status::Healthy, Left::Some, why)
        };
        let wakes = sleeps.iter().map(|(report, _)| report.until).min();
        Seen {
            kind: Kind::Direct,
            status,
            until: wakes.filter(|_| status == Status::Cooldown),
            last,
            reason,
            left,
        }
    }

    /// The longest sleep that keeps a key from a model; one that keeps it from all of
    /// its names goes before others.
    fn sleep(&self, key: KeyId, upstream: &Upstream) -> Option<(&'s SleepReport, Kept)> {
        let reports = self.asleep.get(&key)?.iter().copied();
        reports
            .filter_map(|report| Some((report, upstream.kept_by(report)?)))
            .max_by_key(|(report, kept)| (*kept, report.until))
    }
}

/// How much of a model a sleep keeps a key from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    /// Some of the names that a wildcard stands for.
    Some,
    All,
}

/// What a model is called upstream.
enum Upstream {
    Name(Option<String>),
    /// Many names.
    Pattern(Pattern),
}

impl Upstream {
    fn of(model: &Model) -> Self {
        let name = model.model_name.clone();
        let wild = name.as_deref().filter(|name| name.contains('*'));
        match wild.and_then(|name| Pattern::parse(name).ok()) {
            Some(pattern) => Self::Pattern(pattern),
            None => Self::Name(name),
        }
    }

    fn kept_by(&self, report: &SleepReport) -> Option<Kept> {
        let Some(asleep) = report.model.as_deref() else {
            return Some(Kept::All);
        };
        match self {
            Self::Name(name) => (name.as_deref() == Some(asleep)).then_some(Kept::All),
            Self::Pattern(pattern) => pattern.matches(asleep).then_some(Kept::Some),
        }
    }
}

fn unusable(keys: &[&ProviderKey], model: Option<&str>) -> String {
    let Some(key) = keys.first() else {
        return "no provider key stands there".to_owned();
    };
    match (&key.disabled, model.and_then(|model| skipped(key, model))) {
        (Some(disabled), _) => format!("its keys are switched off: {}", disabled.reason),
        (None, Some(why)) => why.to_owned(),
        (None, None) => String::new(),
    }
}

fn told(report: &SleepReport, how_many: &str) -> String {
    let cause = serde_json::to_value(report.cause).unwrap_or_default();
    let cause = cause.as_str().unwrap_or("unknown").replace('_', " ");
    if report.detail.is_empty() {
        format!("{how_many}: {cause}")
    } else {
        format!("{how_many}: {cause}: {}", report.detail)
    }
}
