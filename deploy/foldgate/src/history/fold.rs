//! States at places in history, folded anew from the log's first record.

use foldgate_domain::State;
use foldgate_proto::{Revision, Timestamp};

use super::point::Point;
use super::source::Source;
use super::walk::Walk;
use crate::exit::Failure;

/// The states at these points, in their order.
///
/// # Errors
/// When one lies before the first record or behind the last, and when the log
/// cannot be read or does not hold.
pub(super) async fn states(source: &Source, points: &[Point]) -> Result<Vec<State>, Failure> {
    let mut walk = Walk::begin(source, "folding").await?;
    let mut state = State::new(walk.log_id());
    let mut found: Vec<Option<State>> = vec![None; points.len()];
    let mut began = None;
    'all: loop {
        let entries = walk.next().await?;
        if entries.is_empty() {
            break;
        }
        for (stored, record) in entries {
            began.get_or_insert(record.at);
            note(points, &mut found, &state, |point| match point {
                Point::Time(wanted) => record.at > wanted,
                Point::Revision(Revision::ZERO) => true,
                Point::Newest | Point::Revision(_) => false,
            });
            state.apply(stored.revision, stored.hash, &record);
            let at = Point::Revision(stored.revision);
            note(points, &mut found, &state, |point| point == at);
            if found.iter().all(Option::is_some) {
                break 'all;
            }
        }
    }
    let found = points.iter().zip(found);
    found
        .map(|(point, found)| checked(*point, found.unwrap_or_else(|| state.clone()), began))
        .collect()
}

/// Keeps the state for each point that it is the state of.
fn note(
    points: &[Point],
    found: &mut [Option<State>],
    state: &State,
    is_of: impl Fn(Point) -> bool,
) {
    for (point, found) in points.iter().zip(found) {
        if found.is_none() && is_of(*point) {
            *found = Some(state.clone());
        }
    }
}

fn checked(point: Point, state: State, began: Option<Timestamp>) -> Result<State, Failure> {
    if let Point::Revision(wanted) = point
        && wanted > state.revision
    {
        return Err(Failure::usage(format!(
            "there is no revision {wanted}: the log ends at {}",
            state.revision
        )));
    }
    if state.revision > Revision::ZERO {
        return Ok(state);
    }
    Err(Failure::usage(match began {
        None => "the log is empty".to_owned(),
        Some(began) => {
            format!("{point} lies before the first record, revision 1 at {began}")
        }
    }))
}
