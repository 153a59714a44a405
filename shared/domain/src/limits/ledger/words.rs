//! What a ledger says to other nodes, and hears from them.

use foldgate_proto::counts::MAX_COUNTS;
use foldgate_proto::{Count, Counts};

use super::shard::Shard;
use super::{Key, Ledger, shard_of, view};
use crate::limits::peers::{Heard, Peers};
use crate::limits::{Kind, Now};

/// The most messages that one tick makes; what is left over waits for the next.
const MAX_MESSAGES: usize = 4;

/// How often a node asks for all that others count, lest a message is lost.
pub(super) const TIMES: u8 = 2;

impl Ledger {
    /// Takes up what another node said.
    pub fn hear(&mut self, now: Now, counts: &Counts) {
        let Some(peers) = &mut self.peers else {
            return;
        };
        let (from, unaware, missed) = match peers.hear(counts, now.tick, &self.pace) {
            Heard::Nothing => return,
            Heard::Back => {
                // Others may have missed something, and so may it.
                self.hello = TIMES;
                self.announce(now);
                return;
            }
            Heard::Word(from, unaware, missed) => (from, unaware, missed),
        };
        if missed {
            self.hello = TIMES;
        }
        if unaware {
            self.announce(now);
        }
        let view = view(&self.pace, self.peers.as_ref(), now);
        for count in counts.counts.iter().take(MAX_COUNTS) {
            let Some(kind) = Kind::of_code(count.kind) else {
                continue;
            };
            let key = (count.id, kind);
            let nothing = count.window == 0 && count.wants == 0;
            let known = self.shards[shard_of(count.id)].get(key).is_some();
            if nothing && !known {
                continue;
            }
            if let Some(meter) = self.shards[shard_of(count.id)].get_or_add(key) {
                let told = meter.across > 0;
                meter.hear(from, count, &view);
                if !told && meter.across > 0 {
                    self.across.push_back(key);
                }
            }
        }
    }

    /// What is to be said now: a node's own words, and those for its region. To be
    /// called more often than [`Pace::near`](super::super::Pace::near). Sweeps too.
    pub fn tick(&mut self, now: Now) -> Vec<Counts> {
        self.sweep(now);
        let Some(peers) = &mut self.peers else {
            return Vec::new();
        };
        peers.age(now.tick, &self.pace);
        let (heard, speaks) = (
            peers.is_heard(now.tick, &self.pace),
            peers.speaks(now.tick, &self.pace),
        );
        let silent = |spoke: Option<u64>, most: u64| {
            spoke.is_none_or(|at| now.tick.saturating_sub(at) >= most)
        };
        let mut messages = Vec::new();
        if silent(self.spoke, self.pace.near) {
            // It may be heard before it hears itself.
            let own = self.own_words(now);
            let alive = own.is_empty() && silent(self.spoke, self.pace.alive);
            if alive || !own.is_empty() {
                self.spoke = Some(now.tick);
                self.wrap(&own, None, &mut messages);
                if heard {
                    self.hello = self.hello.saturating_sub(1);
                }
            }
        }
        if speaks && silent(self.spoke_across, self.pace.across) {
            let words = self.words_across(now);
            let alive = words.is_empty() && silent(self.spoke_across, self.pace.alive);
            if alive || !words.is_empty() {
                self.spoke_across = Some(now.tick);
                let nodes = self.peers.as_ref().map(Peers::size);
                self.wrap(&words, nodes, &mut messages);
            }
        } else if !speaks {
            self.forget_across();
        }
        messages
    }

    fn wrap(&mut self, counts: &[Count], nodes: Option<u32>, messages: &mut Vec<Counts>) {
        let hello = self.hello > 0;
        let Some(peers) = &mut self.peers else {
            return;
        };
        let chunks = counts.chunks(MAX_COUNTS);
        let none: &[Count] = &[];
        let empty = counts.is_empty().then_some(none);
        for chunk in chunks.chain(empty) {
            messages.push(Counts {
                node: peers.me.node.clone(),
                region: peers.me.region.clone(),
                life: peers.me.life,
                seq: peers.next_seq(nodes.is_some()),
                nodes,
                hello,
                counts: chunk.to_vec(),
            });
        }
    }

    fn own_words(&mut self, now: Now) -> Vec<Count> {
        let view = view(&self.pace, self.peers.as_ref(), now);
        let mut words = Vec::new();
        for _ in 0..self.queue.len() {
            if words.len() >= MAX_MESSAGES * MAX_COUNTS {
                break;
            }
            let Some(key) = self.queue.pop_front() else {
                break;
            };
            let Some(meter) = self.shards[shard_of(key.0)].get(key) else {
                continue;
            };
            words.extend(meter.say(key.0, &view));
            if meter.across > 0 {
                self.across.push_back(key);
            }
            if meter.is_restless(now.tick) {
                self.queue.push_back(key);
            } else {
                meter.queued = false;
            }
        }
        words
    }

    fn words_across(&mut self, now: Now) -> Vec<Count> {
        let view = view(&self.pace, self.peers.as_ref(), now);
        let mut line: Vec<Key> = self.across.drain(..).collect();
        line.sort_unstable_by_key(|key| (key.0, key.1));
        line.dedup();
        let mut words = Vec::new();
        for key in line {
            let Some(meter) = self.shards[shard_of(key.0)].get(key) else {
                continue;
            };
            if meter.across == 0 {
                continue;
            }
            if words.len() < MAX_MESSAGES * MAX_COUNTS {
                words.push(meter.say_across(key.0, &view));
            }
            if meter.across > 0 {
                self.across.push_back(key);
            }
        }
        words
    }

    /// Another speaks for the region.
    fn forget_across(&mut self) {
        for key in self.across.drain(..) {
            if let Some(meter) = self.shards[shard_of(key.0)].get(key) {
                meter.across = 0;
            }
        }
    }

    /// All that is counted is to be said: somebody does not know it.
    fn announce(&mut self, now: Now) {
        for (id, meter) in self.shards.iter_mut().flat_map(Shard::iter_mut) {
            let key = (id, meter.kind);
            meter.announce(now);
            if !meter.queued {
                meter.queued = true;
                self.queue.push_back(key);
            }
            if meter.across > 0 {
                self.across.push_back(key);
            }
        }
    }
}
