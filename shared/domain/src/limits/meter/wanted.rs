//! How much a limit is in demand at this node.

/// For how long somebody is said to want something, in milliseconds: once to twice.
const WANTING: u64 = 1_000;

/// How many calls lately wanted to be let through: in this [`WANTING`], and in the one
/// before.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Wanted {
    passed: u64,
    now: u32,
    before: u32,
}

impl Wanted {
    /// Somebody wants something.
    pub(super) fn add(&mut self, tick: u64) {
        self.turn(tick);
        self.now = self.now.saturating_add(1);
    }

    fn turn(&mut self, tick: u64) {
        let passed = tick / WANTING;
        if passed > self.passed {
            let follows = passed == self.passed + 1;
            self.before = if follows { self.now } else { 0 };
            (self.passed, self.now) = (passed, 0);
        }
    }

    /// How many did lately.
    pub(super) fn lately(&mut self, tick: u64) -> u32 {
        self.turn(tick);
        self.now.saturating_add(self.before)
    }
}
