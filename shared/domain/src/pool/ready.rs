//! The keys that would take a request, filed so that the least loaded is found
//! at once: per family a lane, per load in a lane a list in the order in which
//! keys were picked or freed. Filing and taking out cost O(log of the number of
//! different loads); the number of keys does not matter.

use std::collections::BTreeMap;

use crate::provider::{Family, FamilySet};

/// No slot.
const NONE: u32 = u32::MAX;

/// All lanes. The lists run through `links`, which has one link per slot.
#[derive(Debug, Default)]
pub(super) struct Ready {
    links: Vec<Link>,
    lanes: Vec<Lane>,
    /// Counts filings; the smaller stamp waited longer.
    stamp: u64,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    before: u32,
    behind: u32,
    load: u32,
    lane: u32,
    stamp: u64,
}

#[derive(Debug)]
struct Lane {
    family: Family,
    lists: BTreeMap<u32, Ends>,
}

#[derive(Debug, Clone, Copy)]
struct Ends {
    first: u32,
    last: u32,
}

const UNLINKED: Link = Link {
    before: NONE,
    behind: NONE,
    load: 0,
    lane: NONE,
    stamp: 0,
};

impl Ready {
    /// Files a slot that is not filed, behind all others of its load.
    pub(super) fn insert(&mut self, at: u32, family: Family, load: u32) {
        let index = at as usize;
        if index >= self.links.len() {
            self.links.resize(index + 1, UNLINKED);
        }
        let lane = self.lane(family);
        let lists = &mut self.lanes[lane as usize].lists;
        let ends = lists.entry(load).or_insert(Ends {
            first: at,
            last: NONE,
        });
        let before = std::mem::replace(&mut ends.last, at);
        self.stamp += 1;
        self.links[index] = Link {
            before,
            behind: NONE,
            load,
            lane,
            stamp: self.stamp,
        };
        if before != NONE {
            self.links[before as usize].behind = at;
        }
    }

    /// Takes a slot out. Whether it was filed.
    pub(super) fn remove(&mut self, at: u32) -> bool {
        let Some(link) = self.links.get_mut(at as usize) else {
            return false;
        };
        let link = std::mem::replace(link, UNLINKED);
        let Some(lane) = self.lanes.get_mut(link.lane as usize) else {
            return false;
        };
        if link.before != NONE {
            self.links[link.before as usize].behind = link.behind;
        }
        if link.behind != NONE {
            self.links[link.behind as usize].before = link.before;
        }
        if let Some(ends) = lane.lists.get_mut(&link.load) {
            match (link.before == NONE, link.behind == NONE) {
                (true, true) => {
                    lane.lists.remove(&link.load);
                }
                (true, false) => ends.first = link.behind,
                (false, true) => ends.last = link.before,
                (false, false) => {}
            }
        }
        true
    }

    /// Whether a slot is filed.
    pub(super) fn holds(&self, at: u32) -> bool {
        let link = self.links.get(at as usize);
        link.is_some_and(|link| link.lane != NONE)
    }

    /// All filed slots, from the one that waited longest.
    pub(super) fn in_order(&self) -> Vec<u32> {
        let filed = (0..).zip(&self.links).filter(|(_, link)| link.lane != NONE);
        let mut filed: Vec<(u64, u32)> = filed.map(|(at, link)| (link.stamp, at)).collect();
        filed.sort_unstable();
        filed.into_iter().map(|(_, at)| at).collect()
    }

    /// The best slot of the lanes that are (or are not) in the set, among those
    /// that pass: least loaded, then waiting longest.
    pub(super) fn best(
        &self,
        families: FamilySet,
        within: bool,
        mut passes: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        let mut best: Option<(u32, u64, u32)> = None;
        for lane in &self.lanes {
            if families.contains(lane.family) != within {
                continue;
            }
            for (load, ends) in &lane.lists {
                if best.is_some_and(|(least, ..)| least < *load) {
                    break;
                }
                if let Some(at) = self.first(*ends, &mut passes) {
                    let found = (*load, self.links[at as usize].stamp, at);
                    best = Some(best.map_or(found, |best| best.min(found)));
                    break;
                }
            }
        }
        best.map(|(.., at)| at)
    }

    fn first(&self, ends: Ends, passes: &mut impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = ends.first;
        while at != NONE {
            if passes(at) {
                return Some(at);
            }
            at = self.links[at as usize].behind;
        }
        None
    }

    fn lane(&mut self, family: Family) -> u32 {
        let lane = self.lanes.iter().position(|lane| lane.family == family);
        let lane = lane.unwrap_or_else(|| {
            self.lanes.push(Lane {
                family,
                lists: BTreeMap::new(),
            });
            self.lanes.len() - 1
        });
        u32::try_from(lane).expect("there are few families")
    }
}

#[cfg(test)]
impl Ready {
    /// Everything filed, after checking that links and ends agree.
    pub(super) fn filed(&self) -> Vec<(u32, Family, u32)> {
        let mut filed = Vec::new();
        for lane in &self.lanes {
            for (load, ends) in &lane.lists {
                let (mut before, mut at, mut stamp) = (NONE, ends.first, 0);
                while at != NONE {
                    let link = self.links[at as usize];
                    assert_eq!((link.before, link.load), (before, *load));
                    assert!(link.stamp > stamp, "in the order of filing");
                    filed.push((at, lane.family, *load));
                    (before, at, stamp) = (at, link.behind, link.stamp);
                }
                assert_eq!(ends.last, before);
            }
        }
        filed
    }
}
