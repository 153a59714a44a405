//! Which other nodes there are, and who speaks for a region: of those that are heard
//! the one whose name comes first.

use std::collections::BTreeMap;

use foldgate_proto::Counts;

use super::pace::{Pace, SILENCE, STRANGERS};
use super::sources::From;

/// The most nodes, and regions, that are known by name. More share what is left.
const MOST: usize = 4096;

/// This node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Its name.
    pub node: String,
    /// Its region.
    pub region: String,
    /// When this run of it began, in milliseconds since 1970.
    pub life: u64,
}

#[derive(Debug)]
struct Peer {
    life: u64,
    heard: u64,
}

#[derive(Debug)]
struct Region {
    speaker: (String, u64),
    /// Raised when another speaks for it.
    term: u64,
    heard: u64,
    nodes: u32,
}

/// Everybody who is heard.
#[derive(Debug)]
pub(super) struct Peers {
    pub(super) me: Me,
    near: BTreeMap<String, Peer>,
    far: BTreeMap<String, Region>,
    /// When this node first heard itself since it was cut off, and last.
    echo: Option<(u64, u64)>,
    /// The numbers of its last message and of the last that it heard itself.
    said: u64,
    echoed: u64,
    place: (u64, u64),
}

/// What a message is taken for.
pub(super) enum Heard {
    /// Nothing of interest: its own, or of others' business.
    Nothing,
    /// It was cut off until now.
    Back,
    /// The word of another; whether it does not know what this node counts.
    Word(From, bool),
}

impl Peers {
    pub(super) fn new(me: Me) -> Self {
        Self {
            place: (name_hash(&me.node), name_hash(&me.region)),
            me,
            near: BTreeMap::new(),
            far: BTreeMap::new(),
            echo: None,
            said: 0,
            echoed: 0,
        }
    }

    /// The number of its next message.
    pub(super) fn next_seq(&mut self) -> u64 {
        self.said += 1;
        self.said
    }

    pub(super) fn hear(&mut self, counts: &Counts, now: u64, pace: &Pace) -> Heard {
        if counts.node == self.me.node && counts.region == self.me.region {
            return self.hear_self(counts, now, pace);
        }
        match (counts.region == self.me.region, counts.nodes) {
            (true, None) => self.hear_near(counts, now),
            (false, Some(nodes)) => self.hear_far((counts, nodes), now, pace),
            // A summary of the own region, or a node of another: no news.
            _ => Heard::Nothing,
        }
    }

    fn hear_self(&mut self, counts: &Counts, now: u64, pace: &Pace) -> Heard {
        if counts.life != self.me.life || counts.seq > self.said {
            return Heard::Nothing;
        }
        let cut_off = !self.is_heard(now, pace);
        let first = match self.echo {
            Some((first, _)) if !cut_off => first,
            _ => now,
        };
        if cut_off {
            // Nobody is taken for dead for what was not heard meanwhile.
            for peer in self.near.values_mut() {
                peer.heard = now;
            }
            for region in self.far.values_mut() {
                region.heard = now;
            }
        }
        self.echo = Some((first, now));
        self.echoed = self.echoed.max(counts.seq);
        if cut_off { Heard::Back } else { Heard::Nothing }
    }

    fn hear_near(&mut self, counts: &Counts, now: u64) -> Heard {
        let full = self.near.len() >= MOST;
        let peer = self.near.get_mut(&counts.node);
        let stranger = peer.as_ref().is_none_or(|peer| peer.life < counts.life);
        match peer {
            Some(peer) if peer.life > counts.life => return Heard::Nothing,
            Some(peer) => {
                peer.life = counts.life;
                peer.heard = now;
            }
            None if !full => {
                let life = counts.life;
                let peer = Peer { life, heard: now };
                self.near.insert(counts.node.clone(), peer);
            }
            None => {}
        }
        let from = From {
            who: name_hash(&counts.node),
            far: false,
            life: counts.life,
            seq: counts.seq,
            nodes: 1,
        };
        Heard::Word(from, stranger || counts.hello)
    }

    fn hear_far(&mut self, (counts, nodes): (&Counts, u32), now: u64, pace: &Pace) -> Heard {
        let speaker = (counts.node.clone(), counts.life);
        let stranger = !self.far.contains_key(&counts.region);
        if stranger && self.far.len() >= MOST {
            return Heard::Nothing;
        }
        let region = self
            .far
            .entry(counts.region.clone())
            .or_insert_with(|| Region {
                speaker: speaker.clone(),
                term: 1,
                heard: now,
                nodes,
            });
        let other = region.speaker != speaker;
        if other {
            let same_node = region.speaker.0 == speaker.0;
            let silent = now.saturating_sub(region.heard) >= pace.relay_silence();
            // Until its speaker is silent, others only believe that they speak.
            if !silent && (!same_node || region.speaker.1 > speaker.1) {
                return Heard::Nothing;
            }
            region.speaker = speaker;
            region.term += 1;
        }
        region.heard = now;
        region.nodes = nodes.max(1);
        let from = From {
            who: name_hash(&counts.region),
            far: true,
            life: region.term,
            seq: counts.seq,
            nodes: region.nodes,
        };
        Heard::Word(from, stranger || other || counts.hello)
    }

    /// Whether what this node says arrives.
    pub(super) fn is_heard(&self, now: u64, pace: &Pace) -> bool {
        self.echo
            .is_some_and(|(_, last)| now.saturating_sub(last) < pace.relay_silence())
    }

    /// The time before which everything that was said has arrived everywhere. While it
    /// does not hear itself, that stands still.
    pub(super) fn arrived(&self, now: u64, pace: &Pace) -> u64 {
        let slack = self.slack(pace);
        let last = self.echo.map_or(0, |(_, last)| last);
        if self.echoed == self.said {
            return now.saturating_sub(slack).min(last);
        }
        last.saturating_sub(slack)
    }

    /// How long what is said may be on its way to all others.
    pub(super) fn slack(&self, pace: &Pace) -> u64 {
        if self.has_far() {
            pace.slack_across
        } else {
            pace.slack
        }
    }

    /// Whether it has heard itself just now, as it does at least that often.
    pub(super) fn is_heard_just_now(&self, now: u64, pace: &Pace) -> bool {
        let often = pace.alive + pace.slack;
        self.echo
            .is_some_and(|(_, last)| now.saturating_sub(last) <= often)
    }

    /// How many other nodes may let something through.
    pub(super) fn others(&self, now: u64, pace: &Pace) -> u64 {
        let near = self.near.len() as u64;
        let far: u64 = self.far.values().map(|one| u64::from(one.nodes)).sum();
        let settled = self.echo.is_some_and(|(first, last)| {
            last.saturating_sub(first) >= pace.settling() && last <= now
        });
        let known = near + far;
        if settled { known } else { known.max(STRANGERS) }
    }

    /// Forgets those who have been silent, as long as this node hears itself.
    pub(super) fn age(&mut self, now: u64, pace: &Pace) {
        if !self.is_heard(now, pace) {
            return;
        }
        let alive = |heard: u64| now.saturating_sub(heard) <= SILENCE;
        self.near.retain(|_, peer| alive(peer.heard));
        self.far.retain(|_, region| alive(region.heard));
    }

    pub(super) fn has_far(&self) -> bool {
        !self.far.is_empty()
    }

    /// Whether this node speaks for its region.
    pub(super) fn speaks(&self, now: u64, pace: &Pace) -> bool {
        let mut before = self.near.range(..self.me.node.clone());
        let heard = |heard: u64| now.saturating_sub(heard) < pace.relay_silence();
        self.is_heard(now, pace) && !before.any(|(_, peer)| heard(peer.heard))
    }

    /// By what this node and its region are told apart from others.
    pub(super) const fn place(&self) -> (u64, u64) {
        self.place
    }

    /// How many nodes the region has.
    pub(super) fn size(&self) -> u32 {
        u32::try_from(self.near.len() + 1).unwrap_or(u32::MAX)
    }

    /// How many other nodes of the region, and other regions, are known.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.near.len(), self.far.len())
    }
}

/// A name, short.
pub(super) fn name_hash(name: &str) -> u64 {
    let hash = blake3::hash(name.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}
