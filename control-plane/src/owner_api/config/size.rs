//! Which key of a change is the one that does not fit into a record.

use std::collections::BTreeMap;

use foldgate_domain::Rejection;
use foldgate_domain::command::PatchConfig;
use foldgate_proto::ConfigKey;

use crate::error::Error;

/// What a number takes, about, beside the name it belongs to.
const NUMBER_BYTES: usize = 8;

/// What the limits of one model take, about.
const LIMIT_BYTES: usize = 40;

/// The key that takes the most room, if any can take too much.
pub(super) fn largest(patch: &PatchConfig) -> Option<ConfigKey> {
    let set = &patch.set;
    let models = set.model_mapper.iter().flatten();
    let limits = names(set.model_limits.as_ref(), LIMIT_BYTES)
        + names(patch.merge_limits.as_ref(), LIMIT_BYTES);
    let sizes = [
        (
            models.map(|(from, to)| from.len() + to.len()).sum(),
            ConfigKey::ModelMapper,
        ),
        (
            names(set.level_mapper.as_ref(), NUMBER_BYTES),
            ConfigKey::LevelMapper,
        ),
        (limits, ConfigKey::ModelLimits),
    ];
    let sizes = sizes.into_iter().filter(|(size, _): &(usize, _)| *size > 0);
    sizes.max_by_key(|(size, _)| *size).map(|(_, key)| key)
}

/// The refusal of a change that is too large, under the name of its largest key.
pub(super) fn named(error: Error, largest: Option<ConfigKey>) -> Error {
    match (error, largest) {
        (Error::TooLargeToWrite(_), Some(key)) => {
            Rejection::config(key, "is too large for one record").into()
        }
        (error, _) => error,
    }
}

fn names<V>(map: Option<&BTreeMap<String, V>>, each: usize) -> usize {
    let map = map.into_iter().flatten();
    map.map(|(name, _)| name.len() + each).sum()
}
