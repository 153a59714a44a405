//! Many ledgers in virtual time, with a network between them that delays and loses:
//! how exactly a limit holds, and what that costs. The same seed gives the same run.

use std::collections::{BTreeMap, VecDeque};

use foldgate_proto::{Counts, Timestamp, counts};

use super::window::{MOST_SLOTS, Window};
use super::{Ask, Kind, Ledger, Me, Now, Pace, Period, Unit, Verdict, id_of};
use crate::zone::Day;

/// How often a node ticks, in milliseconds.
const TICK: u64 = 10;

/// How often a held call asks again, in milliseconds.
const ASK_AGAIN: u64 = 10;

const EPOCH: i64 = 1_735_689_600_000;
const DAY: i64 = 86_400_000;

/// A fleet, and what lies between its nodes.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// How many nodes.
    pub nodes: usize,
    /// Over how many regions they are spread.
    pub regions: usize,
    /// How many of a thousand messages are lost on the way to each of their hearers.
    pub loss: u64,
    /// For how long a held call asks again, in milliseconds.
    pub patience: u64,
    /// What is random.
    pub seed: u64,
}

/// What happens.
pub struct Story<'s> {
    /// The most calls in the period.
    pub limit: u64,
    /// Which period; [`Period::AtOnce`] limits calls under way.
    pub period: Period,
    /// For how long a call is under way at most, in milliseconds; chance says for how
    /// long. Counts only where calls under way are limited.
    pub stays: u64,
    /// How long it lasts, in milliseconds.
    pub lasts: u64,
    /// How many calls come to a node in a millisecond.
    pub load: &'s dyn Fn(u64, usize) -> u64,
    /// Whether a node has no link to the others at a time.
    pub cut: &'s dyn Fn(u64, usize) -> bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// The most that was let through in any period, over all nodes, to what may be.
    pub worst: f64,
    /// What was let through in all, to what could have been: a period's worth in each
    /// that began; of calls under way, how many were on average. Says something where
    /// more was wanted.
    pub used: f64,
    /// Calls that came.
    pub wanted: u64,
    /// Calls let through.
    pub taken: u64,
    /// Calls that were held before they were.
    pub held: u64,
    /// Messages sent, per second, by all nodes.
    pub messages: f64,
    /// Bytes sent, per second, by all nodes.
    pub bytes: f64,
    /// Bytes that arrived, per second, at the node that heard most.
    pub heard: f64,
}

/// A draw that is the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }
}

struct Node {
    region: usize,
    ledger: Ledger,
    /// Calls that are held, by when they came.
    held: VecDeque<u64>,
    heard: u64,
}

struct Run<'s> {
    world: World,
    story: Story<'s>,
    chance: Chance,
    nodes: Vec<Node>,
    /// Messages on their way, by when they arrive.
    under_way: BTreeMap<u64, Vec<(usize, Counts, u64)>>,
    all: Window,
    /// Calls under way: when they end, at which node, and since when they are.
    calls: BTreeMap<u64, Vec<(usize, u64)>>,
    running: u64,
    /// Milliseconds of all calls.
    spent: u64,
    outcome: Outcome,
    sent: (u64, u64),
}

/// Plays a story.
pub fn run(world: World, story: Story<'_>) -> Outcome {
    let nodes = (0..world.nodes).map(|at| {
        let region = at % world.regions;
        let me = Me {
            node: format!("node-{at:03}"),
            region: format!("region-{region}"),
            life: 1,
        };
        Node {
            region,
            ledger: match world.nodes {
                1 => Ledger::alone(),
                _ => Ledger::shared(Pace::default(), me),
            },
            held: VecDeque::new(),
            heard: 0,
        }
    });
    let run = Run {
        world,
        chance: Chance(world.seed.max(1)),
        nodes: nodes.collect(),
        under_way: BTreeMap::new(),
        calls: BTreeMap::new(),
        running: 0,
        spent: 0,
        all: Window::new(story.period, MOST_SLOTS * 64),
        outcome: Outcome {
            worst: 0.0,
            used: 0.0,
            wanted: 0,
            taken: 0,
            held: 0,
            messages: 0.0,
            bytes: 0.0,
            heard: 0.0,
        },
        sent: (0, 0),
        story,
    };
    run.play()
}

impl Run<'_> {
    fn play(mut self) -> Outcome {
        for at in 0..self.story.lasts {
            self.deliver(at);
            self.end_calls(at);
            self.spent += self.running;
            for node in 0..self.nodes.len() {
                if (at + node as u64 * 3).is_multiple_of(TICK) {
                    self.speak(at, node);
                }
                self.calls(at, node);
            }
        }
        let seconds = ratio(self.story.lasts, 1000);
        let heard = self.nodes.iter().map(|node| node.heard).max().unwrap_or(0);
        let periods = self.story.lasts.div_ceil(self.story.period.length());
        Outcome {
            used: match self.story.period {
                Period::AtOnce => ratio(self.spent, self.story.limit * self.story.lasts),
                _ => ratio(self.outcome.taken, self.story.limit * periods),
            },
            messages: ratio(self.sent.0, 1) / seconds,
            bytes: ratio(self.sent.1, 1) / seconds,
            heard: ratio(heard, 1) / seconds,
            ..self.outcome
        }
    }

    fn deliver(&mut self, at: u64) {
        for (to, message, bytes) in self.under_way.remove(&at).unwrap_or_default() {
            if !(self.story.cut)(at, to) {
                self.nodes[to].heard += bytes;
                self.nodes[to].ledger.hear(now(at), &message);
            }
        }
    }

    fn speak(&mut self, at: u64, from: usize) {
        let messages = self.nodes[from].ledger.tick(now(at));
        if (self.story.cut)(at, from) {
            return;
        }
        for message in messages {
            let bytes = counts::encode(&message).map_or(0, |bytes| bytes.len() as u64);
            self.sent.0 += 1;
            self.sent.1 += bytes;
            for to in 0..self.nodes.len() {
                let near = self.nodes[to].region == self.nodes[from].region;
                let lost = self.chance.next() % 1000 < self.world.loss;
                if lost || !(near || message.nodes.is_some()) {
                    continue;
                }
                let (least, most) = if near { (1, 5) } else { (80, 250) };
                let delay = self.chance.between(least, most);
                let arrivals = self.under_way.entry(at + delay).or_default();
                arrivals.push((to, message.clone(), bytes));
            }
        }
    }

    fn end_calls(&mut self, at: u64) {
        for (node, since) in self.calls.remove(&at).unwrap_or_default() {
            self.running -= 1;
            let times = (now(since), now(at));
            let ask = self.asked();
            self.nodes[node].ledger.settle(&ask, 0, times);
        }
    }

    fn calls(&mut self, at: u64, node: usize) {
        if at.is_multiple_of(ASK_AGAIN) {
            for _ in 0..self.nodes[node].held.len() {
                let Some(since) = self.nodes[node].held.pop_front() else {
                    break;
                };
                if self.ask(at, node, false) && at - since < self.world.patience {
                    self.nodes[node].held.push_back(since);
                }
            }
        }
        for _ in 0..(self.story.load)(at, node) {
            self.outcome.wanted += 1;
            if self.ask(at, node, true) && self.world.patience > 0 {
                self.outcome.held += 1;
                self.nodes[node].held.push_back(at);
            }
        }
    }

    /// Whether the call is held.
    fn ask(&mut self, at: u64, node: usize, first: bool) -> bool {
        let ask = self.asked();
        match self.nodes[node].ledger.admit(now(at), &[ask], first) {
            Verdict::Held => return true,
            Verdict::Refused(_) => return false,
            Verdict::Taken(_) => {}
        }
        self.outcome.taken += 1;
        if self.story.period == Period::AtOnce {
            self.running += 1;
            let worst = ratio(self.running, self.story.limit);
            self.outcome.worst = self.outcome.worst.max(worst);
            let ends = at + self.chance.between(1, self.story.stays);
            self.calls.entry(ends).or_default().push((node, at));
            return false;
        }
        self.all.add(now(at), 1);
        let worst = ratio(self.all.last_sum(), self.story.limit);
        self.outcome.worst = self.outcome.worst.max(worst);
        false
    }
}

impl Run<'_> {
    fn asked(&self) -> Ask {
        let kind = match self.story.period {
            Period::AtOnce => Kind::AT_ONCE,
            period => Kind {
                unit: Unit::Requests,
                period,
            },
        };
        Ask {
            id: id_of(&[b"simulated"]),
            kind,
            limit: self.story.limit,
            cost: 1,
        }
    }
}

fn now(at: u64) -> Now {
    let wall = EPOCH.saturating_add_unsigned(at);
    let number = wall / DAY;
    Now {
        tick: at,
        wall: Timestamp(wall),
        day: Day {
            number: u32::try_from(number).unwrap_or(0),
            begins: Timestamp(number * DAY),
            ends: Timestamp((number + 1) * DAY),
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures to look at")]
fn ratio(some: u64, of: u64) -> f64 {
    some as f64 / of as f64
}
