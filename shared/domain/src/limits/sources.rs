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
    /// The demand of all of them, and of the greatest.
    wants: (u64, u32),
}

impl Sources {
    /// By how much the count of others grows with this word; `None` if it is old news.
    /// Says too whether somebody came to want something, or ceased to.
    pub(super) fn hear(&mut self, from: From, count: &Count, now: u64) -> Option<(i64, bool)> {
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
        let same = (known.from.life, known.born) == (from.life, count.born);
        let grown = match same {
            // More than counts now cannot have come since.
            true => count.total.saturating_sub(known.total).min(whole),
            // A node that began anew counts anew, beside what it counted before.
            false if !from.far => whole,
            // Another speaks for a region that was known already.
            false => {
                let before = i64::try_from(known.window).unwrap_or(i64::MAX);
                whole.saturating_sub(before).max(0)
            }
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
        let each = self.all.iter().map(|one| one.wants);
        let greatest = each.clone().max().unwrap_or(0);
        self.wants = (each.map(u64::from).sum(), greatest);
    }

    /// The demand of all, and of the one with the greatest.
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
