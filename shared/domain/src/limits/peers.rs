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

/// How many messages in a row are missed before it counts as a gap: of two in a row one
/// may be lost.
const GAP: u64 = 2;

#[derive(Debug)]
struct Peer {
    life: u64,
    /// Until when it is sure to live.
    heard: u64,
    line: Line,
}

/// What came from another of late.
#[derive(Debug)]
struct Line {
    /// When it spoke last.
    spoke: u64,
    /// The number of its last message.
    seq: u64,
}

impl Line {
    /// Another message came. Whether so much was missed that this node and the other
    /// were not both there all the time.
    fn hear(&mut self, seq: u64, now: u64, pace: &Pace) -> bool {
        let missed = seq.saturating_sub(self.seq) > GAP;
        let back = missed || self.is_silent(now, pace);
        self.seq = self.seq.max(seq);
        self.spoke = now;
        back
    }

    const fn is_silent(&self, now: u64, pace: &Pace) -> bool {
        now.saturating_sub(self.spoke) > pace.silent()
    }
}

#[derive(Debug)]
struct Region {
    speaker: (String, u64),
    /// Raised when another speaks for it.
    term: u64,
    heard: u64,
    nodes: u32,
    line: Line,
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
    /// The number of its last message for the region.
    said_across: u64,
    /// What was said before this time may have missed somebody.
    since: u64,
    /// When the one spoke that has been silent for the longest, if somebody is.
    missing: Option<u64>,
    place: (u64, u64),
}

/// What a message is taken for.
pub(super) enum Heard {
    /// Nothing of interest: its own, or of others' business.
    Nothing,
    /// It was cut off until now.
    Back,
    /// The word of another; whether it does not know what this node counts, and whether
    /// this node does not know what it counts.
    Word(From, bool, bool),
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
            said_across: 0,
            since: 0,
            missing: None,
        }
    }

    /// The number of its next message: of those to its region, or of those across.
    pub(super) const fn next_seq(&mut self, across: bool) -> u64 {
        let said = if across {
            &mut self.said_across
        } else {
            &mut self.said
        };
        *said += 1;
        *said
    }

    pub(super) fn hear(&mut self, counts: &Counts, now: u64, pace: &Pace) -> Heard {
        if counts.node == self.me.node && counts.region == self.me.region {
            return self.hear_self(counts, now, pace);
        }
        match (counts.region == self.me.region, counts.nodes) {
            (true, None) => self.hear_near(counts, now, pace),
            (false, Some(nodes)) => self.hear_far((counts, nodes), now, pace),
            // A summary of the own region, or a node of another: no news.
            _ => Heard::Nothing,
        }
    }

    fn hear_self(&mut self, counts: &Counts, now: u64, pace: &Pace) -> Heard {
        let own = counts.life == self.me.life && counts.nodes.is_none();
        if !own || counts.seq > self.said {
            return Heard::Nothing;
        }
        let missed = counts.seq.saturating_sub(self.echoed) > GAP;
        let cut_off = missed || !self.is_heard(now, pace);
        let first = match self.echo {
            Some((first, _)) if !cut_off => first,
            _ => now,
        };
        if cut_off {
            // Nobody is taken for dead for what was not heard meanwhile, and each comes
            // back in its own time.
            for peer in self.near.values_mut() {
                peer.heard = now + SILENCE;
            }
            for region in self.far.values_mut() {
                region.heard = now + SILENCE;
            }
            self.since = now;
        }
        self.echo = Some((first, now));
        self.echoed = self.echoed.max(counts.seq);
        if cut_off { Heard::Back } else { Heard::Nothing }
    }

    fn hear_near(&mut self, counts: &Counts, now: u64, pace: &Pace) -> Heard {
        let full = self.near.len() >= MOST;
        let peer = self.near.get_mut(&counts.node);
        let stranger = peer.as_ref().is_none_or(|peer| peer.life < counts.life);
        let line = Line {
            spoke: now,
            seq: counts.seq,
        };
        let mut back = false;
        match peer {
            Some(peer) if peer.life > counts.life => return Heard::Nothing,
            Some(peer) => {
                if stranger {
                    (peer.life, peer.line) = (counts.life, line);
                } else {
                    back = peer.line.hear(counts.seq, now, pace);
                }
                peer.heard = peer.heard.max(now);
            }
            None if !full => {
                let peer = Peer {
                    life: counts.life,
                    heard: now,
                    line,
                };
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
        self.word(from, stranger || counts.hello, back, now)
    }

    /// What was said to somebody who comes, or comes back, may have missed it.
    const fn word(&mut self, from: From, unaware: bool, back: bool, now: u64) -> Heard {
        if unaware || back {
            self.since = now;
        }
        Heard::Word(from, unaware || back, back)
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
                line: Line {
                    spoke: now,
                    seq: counts.seq,
                },
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
            region.line.seq = counts.seq;
        }
        let back = region.line.hear(counts.seq, now, pace);
        region.heard = region.heard.max(now);
        region.nodes = nodes.max(1);
        let from = From {
            who: name_hash(&counts.region),
            far: true,
            life: region.term,
            seq: counts.seq,
            nodes: region.nodes,
        };
        self.word(from, stranger || other || counts.hello, back, now)
    }

    /// Whether what this node says arrives.
    pub(super) fn is_heard(&self, now: u64, pace: &Pace) -> bool {
        self.echo
            .is_some_and(|(_, last)| now.saturating_sub(last) < pace.relay_silence())
    }

    /// The time before which everything that was said, since [`Peers::since`], has
    /// arrived everywhere. While it does not hear itself, or one of the others, that
    /// stands still.
    pub(super) fn arrived(&self, now: u64, pace: &Pace) -> u64 {
        let slack = self.round(pace);
        let last = self.echo.map_or(0, |(_, last)| last);
        let arrived = if self.echoed == self.said {
            now.saturating_sub(slack).min(last)
        } else {
            last.saturating_sub(slack)
        };
        arrived.min(self.missing.unwrap_or(u64::MAX))
    }

    /// What was said before this time is known to all only if it was before: somebody
    /// was away.
    pub(super) const fn since(&self) -> u64 {
        self.since
    }

    /// How long what is said may be on its way to all others.
    pub(super) fn slack(&self, pace: &Pace) -> u64 {
        if self.has_far() {
            pace.slack_across
        } else {
            pace.slack
        }
    }

    /// How long it takes until others have heard what is said, and it is heard what they
    /// did until then: of what they say in answer one message may be lost.
    fn round(&self, pace: &Pace) -> u64 {
        let wait = if self.has_far() { 0 } else { 2 * pace.near };
        2 * self.slack(pace) + wait
    }

    /// Whether it has heard itself and all others just now, as it does at least that
    /// often.
    pub(super) fn is_heard_just_now(&self, now: u64, pace: &Pace) -> bool {
        let often = pace.alive + pace.slack;
        let heard = |(_, last): (u64, u64)| now.saturating_sub(last) <= often;
        self.missing.is_none() && self.echo.is_some_and(heard)
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

    /// Forgets those who have been silent for long, as long as this node hears itself,
    /// and sees who is missing.
    pub(super) fn age(&mut self, now: u64, pace: &Pace) {
        if self.is_heard(now, pace) {
            let alive = |heard: u64| now.saturating_sub(heard) <= SILENCE;
            self.near.retain(|_, peer| alive(peer.heard));
            self.far.retain(|_, region| alive(region.heard));
        }
        let near = self.near.values().map(|peer| &peer.line);
        let lines = near.chain(self.far.values().map(|region| &region.line));
        let silent = lines.filter(|line| line.is_silent(now, pace));
        self.missing = silent.map(|line| line.spoke).min();
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

    /// Of a node that was cut off for so long that others take its calls to be over: how
    /// many nodes stand before it by name, its region before its own name, and how many
    /// there are with it.
    pub(super) fn apart(&self, now: u64, pace: &Pace) -> Option<(u64, u64)> {
        let last = self.echo.map_or(0, |(_, last)| last);
        if now.saturating_sub(last) <= pace.gone() {
            return None;
        }
        let near = self.near.range(..self.me.node.clone()).count() as u64;
        let far = self.far.range(..self.me.region.clone());
        let far: u64 = far.map(|(_, region)| u64::from(region.nodes)).sum();
        Some((near.saturating_add(far), self.others(now, pace) + 1))
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
