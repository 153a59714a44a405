//! What a process that serves traffic writes down of it, and hands on.

use std::time::Duration;

use foldgate_log::usage::{Intent, Place, Sender, Spool, spool};
use foldgate_runtime::Component;
use tokio::sync::watch;

use crate::base::Base;
use crate::exit::Failure;
use crate::open_log::OpenLog;
use crate::storage::SPOOL_FOLDER;

/// How long an ending process tries to hand on what it has; the rest goes at the next
/// start.
const LAST_TRY: Duration = Duration::from_secs(3);

/// How often the spool is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Metering {
    sender: Sender,
}

/// Opens the node's spool. What an earlier run left is settled; nothing is handed on
/// yet. Reads what is there, so it blocks a moment.
///
/// # Errors
/// The spool cannot be read or written.
pub(super) fn open(base: &Base) -> Result<Spool, Failure> {
    let max_bytes = base.settings.usage.spool_max_bytes.0;
    let options = spool::Options {
        dir: base.data.file(SPOOL_FOLDER),
        max_bytes: u64::try_from(max_bytes).unwrap_or(u64::MAX),
    };
    // What a call was going to cost stands in its intent, by the prices of then.
    Ok(Spool::open(options, Box::new(Intent::unsettled))?)
}

impl Metering {
    /// Begins to hand on what is in the spool.
    pub(super) fn start(base: &Base, opened: &OpenLog, spool: &Spool) -> Option<Self> {
        let place = Place {
            node: base.node.clone(),
            region: base.settings.region.to_string(),
        };
        let sender = Sender::start(spool, opened.usage.clone(), place)?;
        let component = base.health.component("usage");
        tokio::spawn(tell(spool.clone(), sender.trouble(), component));
        Some(Self { sender })
    }

    /// Hands on what is left.
    pub(super) async fn finish(self) {
        self.sender.finish(LAST_TRY).await;
    }
}

/// Follows how the spool is, until its sender ends. A process whose usage waits serves.
async fn tell(spool: Spool, mut trouble: watch::Receiver<Option<String>>, component: Component) {
    loop {
        let why = trouble.borrow_and_update().clone();
        match why {
            _ if spool.fails() => component.degraded("the usage spool cannot be written"),
            Some(why) => component.degraded(why),
            None => component.ready(),
        }
        let changed = tokio::time::timeout(LOOK, trouble.changed()).await;
        if matches!(changed, Ok(Err(_))) {
            return;
        }
    }
}
