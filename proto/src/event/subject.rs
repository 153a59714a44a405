//! What a decision was about.

use super::Event;

impl Event {
    /// The number of the resource that a decision made or changed, by its events:
    /// of the first that is about one. News that only made room for other news
    /// does not count.
    pub fn subject_of(events: &[Self]) -> Option<u64> {
        let made = events
            .iter()
            .filter(|event| !matches!(event, Self::NewsRetracted(_)));
        let mut made = made.filter_map(Self::subject);
        made.next()
            .or_else(|| events.iter().find_map(Self::subject))
    }
}
