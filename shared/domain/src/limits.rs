//! Rate limits that hold over all nodes. Pure: the time, and what other nodes say,
//! are arguments.
//!
//! Each limit is enforced against *own count + what other nodes reported*. Seconds,
//! minutes and hours slide: what is let through counts for exactly that long, so that
//! there is no double burst where two windows meet. Days are those of the calendar, in the configured zone.
//! Tokens are reserved by an estimate and settled when they are known. Of several
//! limits all must have room: the strictest wins.
//!
//! # Between two messages
//!
//! What others let through since their last message is not known here. So near a
//! limit `L` a node `i` may let through, of what all nodes know to be left, only its
//! share, until the others know of it:
//!
//! ```text
//! unknown_i  <=  share_i * (L - known_i - sum of known_j)
//! ```
//!
//! `known_i` is what of its own count every other node has heard by now (`unknown_i` is
//! the rest of it), `known_j` what it has heard of others, and shares go by recent
//! demand: of its own demand it takes the least that any other may still believe, of the
//! others' the newest it has heard.
//!
//! *Why that holds.* Every node knows at least `known_j` of every `j`, and believes at
//! least the demand that `j` takes its own share by. So the shares come to at most 1,
//! and summing over all nodes, at any moment, in whatever order messages came:
//! `sum own_i <= sum known_i + sum share_i * (L - sum known_i) <= L`. What others let
//! through is taken to be as late as it was heard of, so that it counts until after it
//! no longer does where it was let through: on the strict side.
//!
//! *When something is known.* A share that was taken up by the older, smaller counts of
//! others may be more than the share by the newer ones; so a word counts as known only
//! once it was heard what its hearers did until they heard it: after a whole round, not
//! after half of one. A node hears its own words, so it knows when it is cut off, and it
//! hears the others' signs of life, so it knows when they are: until then what it says
//! counts for nothing. Who was away, or hears that another was, says all again and asks
//! for all. A demand is over after the same time for who has it and for who believes it.
//!
//! The bound is 1 as long as each message, or the one after it, arrives in the time
//! that [`Pace`] grants, and all nodes know each other. It is broken by:
//!
//! - a node that comes: until it has heard the others it takes a share as if there were
//!   [`STRANGERS`] more;
//! - a node that is cut off while the others take it for dead ([`SILENCE`], twice that
//!   after they were cut off themselves): it keeps to its last share, so that `n` nodes
//!   let through at most `1 + 1/n`;
//! - two messages in a row that are lost or later than that, from one node to another
//!   but not back: what was let through between them;
//! - the turn (below): nobody moved for a while and one call goes through at one node
//!   just as another finds its share large enough elsewhere: one call.
//!
//! While a node that stopped is not yet taken for dead, the others keep to their shares.
//!
//! A share may come to less than one call while something is left. Then, once nobody
//! has moved for so long that all know the same, the node whose turn it is by the clock
//! may take it. A call that finds room, but not in its node's share, is
//! [held](Verdict::Held): it asks again a moment later, when others have ceded theirs.
//!
//! Without messages a node goes on with what it knew: its own count slides on, and it
//! comes to enforce its last share of `L`. When no node has any, that is 1 again.
//!
//! # Calls at once
//!
//! `concurrency` limits calls under way: a gauge, which goes down when a call ends. The
//! same rule holds, with what is under way for what was let through: `known_i` is then
//! the least that any other may still believe, so that a place counts as given back only
//! where it was said to be, and one that was not yet said to be free may be taken again
//! at once. The bound is 1 under the same conditions, whatever begins and ends.
//!
//! - What another said last of its calls is said again every two seconds, and counts no
//!   more once it was not for six: so long (half a second more at most; twice that in
//!   other regions) the places of a node that died are not free.
//! - A node that is cut off keeps to its last share for these six seconds, and then to an
//!   even part of the limit; all parts come to the limit, also where there are fewer
//!   places than nodes. Calls that were under way go on: so while those last that a node
//!   had beyond its even part, there are as many more than the limit. What a node that is
//!   cut off alone lets through adds its even part: `1 + 1/n`.
//! - Calls that were under way before there was a limit at all count at their own node.
//!
//! # Memory
//!
//! A limit in use takes about 200 bytes, 400 more once other nodes were told of it, 16
//! more for each of the last [`window::MOST_SLOTS`] moments (milliseconds) at which it let
//! something through in its time, at most; beyond them moments are merged, on the strict
//! side, to no less than a thousandth of the time. Other nodes' counts take about 64 bytes
//! per node that uses it. One that is not in use any more is dropped.
//!
//! Of 100,000 limited things none is in the processor's caches: what a call pays is how
//! many of their lines it waits for. So the limits of one thing stand side by side, and
//! what is known of others is not looked at far from a limit that none of them uses.

mod kind;
mod ledger;
mod meter;
mod pace;
mod peers;
mod rule;
mod sent;
mod shown;
#[cfg(any(test, feature = "testing"))]
pub mod simulation;
mod sources;
pub mod window;

#[cfg(test)]
mod tests;

pub use kind::{Kind, Now, Period, Unit};
pub use ledger::{Ask, Given, Ledger, MAX_METERS, Refused, Verdict};
pub use pace::{Pace, SILENCE, STRANGERS};
pub use peers::Me;
pub use rule::{Rule, id_of, rules};
pub use shown::{Shown, Standing, go_duration};
