//! Reading a whole log for its own sake: by the word of the stream's leader, which
//! is the copy that writers build on, and then every other copy as far as it can
//! be had. A copy may have lost records on its server's disk, be served as truth
//! all the same, and become the leader's tomorrow.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_nats::jetstream::stream::Info;
use foldgate_proto::{LogId, Revision};
use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::api::{self, Api};
use super::connection::{Connection, REQUEST_LIMIT};
use super::copies::{self, Counts};
use super::import;
use super::options::Options;
use super::{Inner, READ_DEADLINE, RETRY};
use crate::event_log::MAX_READ;
use crate::{BrokenLink, Error, Position, Stored, chain};

/// How many questions to the leader are on their way at once: it answers one
/// record each, and a long log should not take a round trip for every one.
const AHEAD: usize = 32;

/// How long a copy that is behind is waited for.
const CATCH_UP: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The log.
    pub log_id: LogId,
    /// The stream that was read: the hub's, or a region's mirror of it.
    pub stream: String,
    /// The last revision, by the leader's word when the reading began. What was
    /// written later was not read.
    pub head: Revision,
    /// Who led when the reading ended, if that is another than whose copy was read.
    pub led_later: Option<String>,
    /// Each copy, the leader's first.
    pub copies: Vec<CopyAudit>,
    /// Why the servers' own figures could not be had, if they could not.
    pub uncounted: Option<String>,
}

/// One copy of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyAudit {
    /// The server that holds it.
    pub server: String,
    /// How it stands by the leader's word; nothing for the leader's own.
    pub peer: Option<Peer>,
    /// How many records it holds, by its own server's word.
    pub counts: Option<Counts>,
    /// How reading it went.
    pub outcome: Outcome,
}

/// A copy, as its leader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// It has all that is committed.
    pub is_current: bool,
    /// Its server is away.
    pub is_offline: bool,
    /// How many operations it is behind.
    pub lag: u64,
}

/// How reading a copy went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every link up to here holds.
    Whole(Position),
    /// Every link up to here holds; the rest is not there yet.
    Behind(Position),
    /// A link does not hold.
    Broken(BrokenLink),
    /// It was not read, and why.
    Unread(String),
}

impl Audit {
    /// The first thing that is wrong with the log: with its leader's copy, with one
    /// that lacks records by its own server's word, with any other.
    pub fn fault(&self) -> Option<BrokenLink> {
        let leader = self.copies.first().map(|copy| &copy.outcome);
        let (lacking, rest): (Vec<_>, Vec<_>) = self
            .copies
            .iter()
            .skip(1)
            .partition(|copy| copy.missing() > 0);
        let leading = self.copies.first().into_iter();
        leading
            .chain(lacking)
            .chain(rest)
            .find_map(|copy| copy.fault(leader))
            .map(|(server, link)| BrokenLink {
                reason: format!("{} (copy on {server})", link.reason),
                ..link
            })
    }
}

impl CopyAudit {
    fn missing(&self) -> u64 {
        self.counts.map_or(0, |counts| counts.missing())
    }

    fn fault(&self, leader: Option<&Outcome>) -> Option<(&str, BrokenLink)> {
        let link = match (&self.outcome, leader) {
            (Outcome::Broken(link), _) => Some(link.clone()),
            (Outcome::Whole(at), Some(Outcome::Whole(head))) if at != head => Some(BrokenLink {
                revision: at.revision,
                reason: format!("it is {}, and {} in the leader's copy", at.hash, head.hash),
            }),
            // It has all of it, by the leader's word, and does not give it.
            (Outcome::Behind(at), _) if self.peer.is_some_and(|peer| peer.is_current) => {
                Some(BrokenLink {
                    revision: at.revision.next(),
                    reason: "it is missing".to_owned(),
                })
            }
            _ => None,
        };
        let counted = || {
            let missing = self.missing();
            (missing > 0).then(|| BrokenLink {
                // Which ones are missing, counting does not tell.
                revision: Revision(self.counts.map_or(0, |counts| counts.first)),
                reason: format!("{missing} records from there on are missing"),
            })
        };
        link.or_else(counted).map(|link| (&*self.server, link))
    }
}

impl fmt::Display for CopyAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "copy on {}", self.server)?;
        match self.peer {
            None => f.write_str(" (leader)")?,
            Some(peer) if peer.is_offline => f.write_str(" (offline)")?,
            Some(peer) if peer.is_current => f.write_str(" (current)")?,
            Some(peer) => write!(f, " (behind by {})", peer.lag)?,
        }
        f.write_str(": ")?;
        match &self.counts {
            Some(counts) => write!(
                f,
                "{} records, {} missing, last revision {}; ",
                counts.records,
                counts.missing(),
                counts.last
            )?,
            None => f.write_str("its server's own figures are not known; ")?,
        }
        let read = if self.peer.is_some() {
            "read through its server"
        } else {
            "read"
        };
        match &self.outcome {
            Outcome::Whole(at) => write!(f, "{read}, every link holds up to {}", at.revision),
            Outcome::Behind(at) => write!(f, "{read}, it ends at {}", at.revision),
            Outcome::Broken(link) => {
                write!(f, "{read}, broken at {}: {}", link.revision, link.reason)
            }
            Outcome::Unread(why) => write!(f, "not read: {why}"),
        }
    }
}

pub(super) async fn audit(
    log: &Inner,
    progress: &mut (dyn FnMut(Position) + Send),
) -> Result<Audit, Error> {
    let place = log.places.first().unwrap_or(&log.hub);
    let info = patiently(|| place.info()).await?;
    let log_id = api::log_id(&info.config)?;
    let leader = leader(&info).unwrap_or_else(|| log.connection.server());
    let head = Revision(info.state.last_sequence);
    let genesis = Position::genesis(log_id);
    let outcome = read_leader(place, genesis, head, progress).await?;
    let outcome = as_promised(outcome, import::unfinished(&info.config));
    let (mut counts, uncounted) = match copies::counts(&log.options, place.stream(), log_id).await {
        Ok(counts) => (counts, None),
        Err(error) => (BTreeMap::new(), Some(error.to_string())),
    };
    let own = counts.remove(&leader).unwrap_or(Counts {
        records: info.state.messages,
        first: info.state.first_sequence,
        last: info.state.last_sequence,
        deleted: info.state.deleted_count.unwrap_or(0),
    });
    let mut copies = vec![CopyAudit {
        server: leader.clone(),
        peer: None,
        counts: Some(own),
        outcome,
    }];
    let others = info.cluster.map(|cluster| cluster.replicas);
    let mut others = others.unwrap_or_default();
    others.sort_by(|one, other| one.name.cmp(&other.name));
    let doors = if others.is_empty() {
        BTreeMap::new()
    } else {
        doors(&log.options).await?
    };
    for other in others {
        let counts = counts.remove(&other.name);
        let outcome = match doors.get(&other.name) {
            Some(door) => read_own(&place.through(door), genesis, head, counts).await,
            None => Outcome::Unread("none of the URLs in nats.url leads to its server".to_owned()),
        };
        copies.push(CopyAudit {
            counts,
            outcome,
            peer: Some(Peer {
                is_current: other.current,
                is_offline: other.offline,
                lag: other.lag.unwrap_or(0),
            }),
            server: other.name,
        });
    }
    let later = patiently(|| place.info()).await?;
    Ok(Audit {
        log_id,
        stream: place.stream().to_owned(),
        head,
        led_later: self::leader(&later).filter(|later| *later != leader),
        copies,
        uncounted,
    })
}

/// A log whose import is not finished is not whole, however well its links hold.
fn as_promised(outcome: Outcome, promised: Option<Position>) -> Outcome {
    match (outcome, promised) {
        (Outcome::Whole(at), Some(promised)) => Outcome::Broken(BrokenLink {
            revision: at.revision.next(),
            reason: format!(
                "the import of {} records is not finished",
                promised.revision
            ),
        }),
        (outcome, _) => outcome,
    }
}

fn leader(info: &Info) -> Option<String> {
    info.cluster.as_ref()?.leader.clone()
}

/// A connection to each server that the options name and that can be reached, by
/// its name. A server answers a direct get from its own copy when that is ready.
async fn doors(options: &Options) -> Result<BTreeMap<String, Connection>, Error> {
    let deadline = Instant::now() + REQUEST_LIMIT;
    let mut doors = BTreeMap::new();
    for connection in Connection::open_each(options).await? {
        if connection.connected(deadline).await.is_ok() {
            doors.insert(connection.server(), connection);
        }
    }
    Ok(doors)
}

/// Reads the leader's copy, one question per record: only the leader answers it.
async fn read_leader(
    place: &Api,
    genesis: Position,
    head: Revision,
    progress: &mut (dyn FnMut(Position) + Send),
) -> Result<Outcome, Error> {
    let mut found = stream::iter(1..=head.0)
        .map(|number| patiently(move || place.get(Revision(number))))
        .buffered(AHEAD);
    let mut at = genesis;
    while let Some(stored) = found.next().await {
        let linked = match stored? {
            Some(stored) => chain::link(at, &stored).map(|_| stored.position()),
            None => chain::reaches(
                at,
                Position {
                    revision: head,
                    ..at
                },
            )
            .map(|()| at),
        };
        match linked {
            Ok(position) => at = position,
            Err(link) => return Ok(Outcome::Broken(link)),
        }
        if at.revision.0.is_multiple_of(MAX_READ as u64) || at.revision == head {
            progress(at);
        }
    }
    Ok(Outcome::Whole(at))
}

/// Reads a copy over a connection to its server. For as long as that does not
/// answer direct gets from its own copy yet, another does: what was read then is
/// not what its server counts, and is read again.
async fn read_own(
    place: &Api,
    genesis: Position,
    head: Revision,
    counts: Option<Counts>,
) -> Outcome {
    let deadline = Instant::now() + CATCH_UP;
    loop {
        let outcome = read_copy(place, genesis, head).await;
        let Some(counts) = counts else {
            return outcome;
        };
        let lacks = counts.last < head.0 || counts.missing() > 0;
        let is_another = match &outcome {
            Outcome::Whole(_) => lacks,
            Outcome::Broken(_) => !lacks,
            Outcome::Behind(_) | Outcome::Unread(_) => false,
        };
        if !is_another {
            return outcome;
        }
        if Instant::now() >= deadline {
            return match outcome {
                Outcome::Whole(_) => {
                    Outcome::Unread("another copy answered in its place".to_owned())
                }
                // A record may be spoilt and yet be counted.
                other => other,
            };
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn read_copy(place: &Api, genesis: Position, head: Revision) -> Outcome {
    let deadline = Instant::now() + CATCH_UP;
    let mut at = genesis;
    while at.revision < head {
        let left = usize::try_from(head.0 - at.revision.0).unwrap_or(MAX_READ);
        let from = at.revision.next();
        let chunk = patiently(|| place.batch(from, left.min(MAX_READ))).await;
        let entries = match chunk {
            Ok(batch) => batch.entries,
            Err(error) => return Outcome::Unread(error.to_string()),
        };
        if entries.is_empty() {
            if Instant::now() >= deadline {
                return Outcome::Behind(at);
            }
            tokio::time::sleep(RETRY).await;
        }
        match linked(at, &entries) {
            Ok(position) => at = position,
            Err(link) => return Outcome::Broken(link),
        }
    }
    Outcome::Whole(at)
}

fn linked(mut at: Position, entries: &[Stored]) -> Result<Position, BrokenLink> {
    for stored in entries {
        chain::link(at, stored)?;
        at = stored.position();
    }
    Ok(at)
}

/// Asks again and again while there is no leader, or no connection for a moment.
async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let deadline = Instant::now() + READ_DEADLINE;
    loop {
        match ask().await {
            Err(Error::Unavailable(_)) if Instant::now() + RETRY < deadline => {
                tokio::time::sleep(RETRY).await;
            }
            answer => return answer,
        }
    }
}
