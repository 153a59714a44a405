//! Whatever happens in whatever order, the pool does what the naive one does.

use super::naive::{Expected, Naive, NaiveLease};
use super::*;
use crate::sleep::Standing;
use foldgate_proto::SleepCause::{Awake, Dead, Exhausted, NotHere, RateLimit, UpstreamError};
use proptest::prelude::*;
use proptest::sample::Index;

const MODELS: [&str; 3] = ["a", "b", "c"];
const FAMILIES: [Family; 3] = [Family::Unknown, Family::OpenAi, Family::Anthropic];
const CAUSES: [SleepCause; 6] = [RateLimit, UpstreamError, Dead, Exhausted, NotHere, Awake];

#[derive(Debug, Clone)]
enum Step {
    Upsert {
        key: u64,
        family: usize,
        secret: u64,
    },
    Remove {
        key: u64,
    },
    Pick {
        model: usize,
        tried: Vec<u64>,
    },
    FirstByte {
        lease: Index,
    },
    Succeed {
        lease: Index,
    },
    Fail {
        lease: Index,
        cause: usize,
        hint: Option<u64>,
    },
    Cool {
        lease: Index,
        secs: u64,
        dead: bool,
    },
    Abandon {
        lease: Index,
    },
    Fold {
        key: u64,
        model: Option<usize>,
        secret: u64,
        wake: u64,
        secs: u64,
        cause: usize,
    },
    FoldOwn {
        report: Index,
    },
    Wake {
        key: u64,
    },
    Pass {
        secs: u64,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    let key = 0u64..6;
    let lease = any::<Index>;
    prop_oneof![
        3 => (key.clone(), 0..3usize, 1u64..4).prop_map(|(key, family, secret)| Step::Upsert { key, family, secret }),
        1 => key.clone().prop_map(|key| Step::Remove { key }),
        10 => (0..3usize, prop::collection::vec(0u64..6, 0..3)).prop_map(|(model, tried)| Step::Pick { model, tried }),
        2 => lease().prop_map(|lease| Step::FirstByte { lease }),
        2 => lease().prop_map(|lease| Step::Succeed { lease }),
        5 => (lease(), 0..CAUSES.len(), prop::option::of(1u64..90)).prop_map(|(lease, cause, hint)| Step::Fail { lease, cause, hint }),
        2 => (lease(), 1u64..90, any::<bool>()).prop_map(|(lease, secs, dead)| Step::Cool { lease, secs, dead }),
        2 => lease().prop_map(|lease| Step::Abandon { lease }),
        2 => (key.clone(), prop::option::of(0..3usize), 1u64..4, 0u64..3, 0u64..90, 0..CAUSES.len())
            .prop_map(|(key, model, secret, wake, secs, cause)| Step::Fold { key, model, secret, wake, secs, cause }),
        1 => any::<Index>().prop_map(|report| Step::FoldOwn { report }),
        1 => key.prop_map(|key| Step::Wake { key }),
        4 => (0u64..60).prop_map(|secs| Step::Pass { secs }),
    ]
}

struct World {
    pool: Pool<u64>,
    naive: Naive,
    leases: Vec<(Lease<u64>, NaiveLease)>,
    told: Vec<SleepReport>,
    now: Timestamp,
    stays: u64,
}

impl World {
    fn new(pool: Pool<u64>) -> Self {
        Self {
            pool,
            naive: Naive { keys: Vec::new() },
            leases: Vec::new(),
            told: Vec::new(),
            now: NOW,
            stays: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Upsert {
                key: number,
                family,
                secret,
            } => {
                self.stays += 1;
                let key = key(*number, FAMILIES[*family], *secret);
                self.pool.upsert(key, *number);
                self.naive.upsert(key, self.stays);
            }
            Step::Remove { key } => {
                assert_eq!(self.pool.remove(id(*key)), self.naive.remove(id(*key)));
            }
            Step::Pick { model, tried } => self.pick(MODELS[*model], tried),
            Step::FirstByte { lease } => {
                if !self.leases.is_empty() {
                    let (real, naive) = lease.get(&self.leases);
                    let drafts = self.pool.first_byte(real, self.now);
                    assert_eq!(drafts, self.naive.first_byte(naive, self.now));
                    self.told.extend(drafts.into_iter().map(report));
                }
            }
            Step::Succeed { lease } => self.finish(*lease, &Outcome::Success),
            Step::Abandon { lease } => self.finish(*lease, &Outcome::Abandoned),
            Step::Fail { lease, cause, hint } => {
                self.finish(*lease, &Outcome::Failed(fault(CAUSES[*cause], *hint)));
            }
            Step::Cool { lease, secs, dead } => {
                let model = Fault {
                    length: Some(Duration::from_secs(*secs)),
                    ..fault(SleepCause::UpstreamError, None)
                };
                let key = dead.then(|| fault(SleepCause::Dead, None));
                self.finish(*lease, &Outcome::Cooled { model, key });
            }
            Step::Fold {
                key,
                model,
                secret,
                wake,
                secs,
                cause,
            } => {
                let mut told = report(SleepDraft::wake(id(*key), None, Generation::default(), NOW));
                told.model = model.map(|model| MODELS[model].to_owned());
                told.generation = Generation {
                    secret: Revision(*secret),
                    wake: *wake,
                };
                told.until = self.now.after(Duration::from_secs(*secs));
                told.cause = CAUSES[*cause];
                self.fold(&told);
            }
            Step::FoldOwn { report } => {
                if !self.told.is_empty() {
                    let told = report.get(&self.told).clone();
                    self.fold(&told);
                }
            }
            Step::Wake { key } => {
                let drafts = self.pool.wake(id(*key), self.now);
                assert_eq!(drafts, self.naive.wake(id(*key), self.now));
            }
            Step::Pass { secs } => self.now = self.now.after(Duration::from_secs(*secs)),
        }
    }

    fn pick(&mut self, model: &str, tried: &[u64]) {
        let tried: Vec<KeyId> = tried.iter().map(|number| id(*number)).collect();
        let ask = ask(model, &tried);
        let expected = self.naive.expected(&ask, self.now);
        let seen = match self.pool.outlook(&ask, self.now) {
            Outlook::Awake => matches!(expected, Expected::OneOf(_)),
            Outlook::Asleep { earliest, .. } => {
                matches!(&expected, Expected::Asleep(until) if *until == earliest)
            }
            Outlook::Empty => matches!(expected, Expected::Empty),
        };
        assert!(seen, "the outlook is what the pick comes to");
        match (self.pool.pick(&ask, self.now), expected) {
            (Pick::Key(lease), Expected::OneOf(fit)) => {
                assert!(fit.contains(&lease.key), "{} is none of {fit:?}", lease.key);
                let naive = self.naive.begin(lease.key, model, self.now);
                let standing = self.pool.standing(lease.key, self.now);
                if lease.trial && standing == Some(Standing::Trying) {
                    let again = self.pool.pick(&ask, self.now);
                    if let Pick::Key(second) = again {
                        assert_ne!(second.key, lease.key, "one trial at a time");
                        let naive = self.naive.begin(second.key, model, self.now);
                        self.leases.push((second, naive));
                    }
                }
                self.leases.push((lease, naive));
            }
            (Pick::Asleep { earliest, .. }, Expected::Asleep(until)) => assert_eq!(earliest, until),
            (Pick::Empty, Expected::Empty) => {}
            (picked, expected) => panic!("{picked:?} instead of {expected:?}"),
        }
    }

    fn finish(&mut self, lease: Index, outcome: &Outcome) {
        if !self.leases.is_empty() {
            self.finish_at(lease.index(self.leases.len()), outcome);
        }
    }

    fn finish_at(&mut self, at: usize, outcome: &Outcome) {
        let (real, naive) = self.leases.swap_remove(at);
        let drafts = self.pool.finish(real, outcome, self.now);
        assert_eq!(drafts, self.naive.finish(&naive, outcome, self.now));
        self.told.extend(drafts.into_iter().map(report));
    }

    fn fold(&mut self, told: &SleepReport) {
        assert_eq!(
            self.pool.fold(told, self.now),
            self.naive.fold(told, self.now)
        );
    }

    fn agree(&self) {
        check(&self.pool);
        assert_eq!(self.pool.len(), self.naive.keys.len());
        let mut asleep = 0;
        for key in &self.naive.keys {
            let id = key.key.id;
            assert_eq!(self.pool.in_flight(id), Some(key.load));
            assert_eq!(
                self.pool.standing(id, self.now),
                Some(key.sleep.standing(self.now))
            );
            let sleeps = key.models.iter().map(|(_, sleep)| sleep);
            asleep += std::iter::once(&key.sleep)
                .chain(sleeps)
                .filter(|sleep| matches!(sleep.standing(self.now), Standing::Asleep { .. }))
                .count();
            for (model, sleep) in &key.models {
                let standing = self.pool.standing_for(id, model, self.now);
                assert_eq!(standing, Some(sleep.standing(self.now)));
            }
        }
        assert_eq!(self.pool.sleeping(self.now).count(), asleep);
    }
}

fn play(pool: Pool<u64>, steps: &[Step]) {
    let mut world = World::new(pool);
    for step in steps {
        world.step(step);
        world.agree();
    }
    while !world.leases.is_empty() {
        world.finish_at(0, &Outcome::Abandoned);
    }
    world.agree();
    for key in &world.naive.keys {
        assert_eq!(key.load, 0);
    }
}

/// So many cases, or more where PROPTEST_CASES asks for them.
fn at_least(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig::with_cases(asked.cases.max(cases))
}

proptest! {
    #![proptest_config(at_least(400))]

    // At most 60 steps of less than a minute: models are remembered for longer.
    #[test]
    fn it_does_what_the_naive_pool_does(steps in prop::collection::vec(any_step(), 1..60)) {
        play(Pool::new(SEED), &steps);
        play(Pool::with_detours(SEED), &steps);
    }
}
