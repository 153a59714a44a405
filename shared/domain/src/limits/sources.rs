//! What others have said of one limit. Their totals are cumulative: what is taken of
//! one is how far it has grown, whatever was lost, came twice or came late.

use foldgate_proto::Count;

use super::pace::Pace;

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct From {
    /// The node, or the region for which one speaks.
    pub(super) who: u64,
    /// Whether it is a region.
    pub(super) far: bool,
    /// Which run of the node, or which of the region's speakers; a later one is greater.
    pub(super) life: u64,
    /// The number of the message.
    pub(super) seq: u64,
    /// How many nodes it speaks for.
    pub(super) nodes: u32,
}

#[derive(Debug, Clone, Copy)]
struct Source {
    from: From,
    born: u64,
    total: i64,
    window: u64,
    wants: u32,
    heard: u64,
}

/// Those who said something.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    all: Vec<Source>,
    /// When they were last looked through.
    looked: u64,
    /// The demand of all of them, and of the node with the greatest.
    wants: (u64, u32),
}

impl Sources {
    /// By how much the count of others grows with this word; `None` if it is old news.
    /// Says too whether somebody came to want something, or ceased to. Of a gauge what
    /// counts now is all that counts.
    pub(super) fn hear(
        &mut self,
        (from, gauge): (From, bool),
        count: &Count,
        now: u64,
    ) -> Option<(i64, bool)> {
        let said = Source {
            from,
            born: count.born,
            total: count.total,
            window: count.window,
            wants: count.wants,
            heard: now,
        };
        let whole = i64::try_from(count.window).unwrap_or(i64::MAX);
        let known = self.all.iter_mut().find(|known| known.from.who == from.who);
        let Some(known) = known else {
            self.all.push(said);
            return Some((whole, count.wants > 0));
        };
        let rank = |one: &Source| (one.from.life, one.born, one.from.seq);
        if rank(&said) <= rank(known) {
            return None;
        }
        let before = i64::try_from(known.window).unwrap_or(i64::MAX);
        let same = (known.from.life, known.born) == (from.life, count.born);
        let grown = match same {
            _ if gauge => whole.saturating_sub(before),
            // More than counts now cannot have come since.
            true => count.total.saturating_sub(known.total).min(whole),
            // A node that began anew counts anew, beside what it counted before.
            false if !from.far => whole,
            // Another speaks for a region that was known already.
            false => whole.saturating_sub(before).max(0),
        };
        let flipped = (known.wants > 0) != (count.wants > 0);
        *known = said;
        Some((grown, flipped))
    }

    /// Looks through them again: of what is not repeated the demand is over, and who
    /// has been silent for longer than anything counts is forgotten.
    pub(super) fn look(&mut self, now: u64, (pace, length): (&Pace, u64)) {
        self.looked = now;
        let forget = length.max(2 * pace.stale());
        self.all
            .retain(|one| now.saturating_sub(one.heard) <= forget);
        for one in &mut self.all {
            if now.saturating_sub(one.heard) > pace.stale() {
                one.wants = 0;
            }
        }
        // Of a region it is known what all of its nodes want: each takes its part of it.
        let of_a_node = |one: &Source| one.wants / one.from.nodes.max(1);
        let greatest = self.all.iter().map(of_a_node).max().unwrap_or(0);
        let each = self.all.iter().map(|one| u64::from(one.wants));
        self.wants = (each.sum(), greatest);
    }

    /// Of a gauge: what those count who were not heard for so long is over. How much that
    /// is, at nodes of the region and in others.
    pub(super) fn expire(&mut self, now: u64, after: u64) -> (u64, u64) {
        let (mut near, mut far) = (0_u64, 0_u64);
        for one in &mut self.all {
            if now.saturating_sub(one.heard) > after {
                let part = if one.from.far { &mut far } else { &mut near };
                *part = part.saturating_add(std::mem::take(&mut one.window));
            }
        }
        (near, far)
    }

    /// The demand of all, and of the node with the greatest.
    pub(super) fn wants(&mut self, now: u64, terms: (&Pace, u64)) -> (u64, u32) {
        if now.saturating_sub(self.looked) >= terms.0.alive {
            self.look(now, terms);
        }
        self.wants
    }

    /// The demand of the own region's other nodes.
    pub(super) fn near_wants(&self) -> u64 {
        let near = self.all.iter().filter(|one| !one.from.far);
        near.map(|one| u64::from(one.wants)).sum()
    }

    /// Those who want something: regions, or nodes of the own one.
    pub(super) fn wanting(&self, far: bool) -> impl Iterator<Item = u64> {
        let wanting = self.all.iter();
        let wanting = wanting.filter(move |one| one.from.far == far && one.wants > 0);
        wanting.map(|one| one.from.who)
    }

    /// Whether another wants something.
    pub(super) fn is_wanted(&self) -> bool {
        self.all.iter().any(|one| one.wants > 0)
    }
}
