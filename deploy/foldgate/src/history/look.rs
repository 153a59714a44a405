//! Looking at states that were: a control plane is asked for its answer, of a log
//! the states are folded here and an answer is made of them.

use foldgate_domain::State;
use foldgate_runtime::Settings;
use serde_json::Value;

use super::fold;
use super::point::Point;
use super::source::Source;
use crate::exit::Failure;

/// What is looked at.
pub(super) struct Look<'a, const N: usize> {
    /// The route of a control plane that answers the same.
    pub(super) path: &'static str,
    /// Where, each under the name that the route has for it.
    pub(super) points: [(&'static str, Point); N],
    /// Whose; everybody's if not given.
    pub(super) owner: Option<&'a str>,
}

impl<const N: usize> Look<'_, N> {
    /// The answer.
    ///
    /// # Errors
    /// There is none at these points, or nobody to give it.
    pub(super) async fn answer(
        self,
        settings: &Settings,
        of_states: impl FnOnce(&[State; N]) -> Result<Value, Failure>,
    ) -> Result<Value, Failure> {
        match Source::open(settings).await? {
            Source::Remote(_) if self.owner.is_some() => Err(Failure::usage(
                "a control plane shows the owner whose key asks; --owner is for a log itself",
            )),
            Source::Remote(remote) => remote.json(&self.route()).await,
            local => {
                let points = self.points.map(|(_, point)| point);
                let states = fold::states(&local, &points).await?;
                match <&[State; N]>::try_from(states.as_slice()) {
                    Ok(states) => of_states(states),
                    Err(_) => Err(Failure::internal("no states")),
                }
            }
        }
    }

    fn route(&self) -> String {
        let named = self.points.iter();
        let given = named.filter_map(|(name, at)| Some(format!("{name}={}", at.parameter()?)));
        let mut route = self.path.to_owned();
        for (number, parameter) in given.enumerate() {
            route.push(if number == 0 { '?' } else { '&' });
            route.push_str(&parameter);
        }
        route
    }
}
