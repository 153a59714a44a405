//! How often nodes speak, and for how long what they said may be on its way.

/// For how long a node that says nothing still has its share, in milliseconds.
pub const SILENCE: u64 = 5_000;

/// How many other nodes a node reckons with that has heard of none yet.
pub const STRANGERS: u64 = 7;

/// Times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two messages about a limit that is near: at least this.
    pub near: u64,
    /// About one that is far: this.
    pub rare: u64,
    /// Between two summaries that a region sends to the others: at least this.
    pub across: u64,
    /// What a message may take to all nodes of the region, waiting included.
    pub slack: u64,
    /// What it may take to the nodes of other regions, with their summary.
    pub slack_across: u64,
    /// Between two signs of life.
    pub alive: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            near: 50,
            rare: 500,
            across: 250,
            slack: 30,
            slack_across: 650,
            alive: 500,
        }
    }
}

impl Pace {
    /// For how long a node that has just come knows less than it should.
    pub(super) const fn settling(&self) -> u64 {
        2 * self.alive
    }

    /// Who says nothing for longer is not there: one sign of life may be missed.
    pub(super) const fn silent(&self) -> u64 {
        2 * self.alive + self.slack
    }

    /// How long a region's speaker may be silent before the next one speaks.
    pub(super) const fn relay_silence(&self) -> u64 {
        3 * self.alive
    }

    /// How often a count that is in demand is said again although it stands.
    pub(super) const fn again(&self) -> u64 {
        4 * self.alive
    }

    /// After which time calls that are under way elsewhere, and not said again, are
    /// taken to be over: two repetitions may be lost.
    pub(super) const fn gone(&self) -> u64 {
        3 * self.again()
    }

    /// After which time a demand that is not said again is over.
    pub(super) const fn stale(&self) -> u64 {
        20 * self.alive
    }
}
