//! Mails to an owner about what befalls its keys and accounts. Control planes agree through a
//! [`Board`] on who sends which, so that each goes out once, however many they are:
//!
//! - `watch` looks at the state and at who sleeps, and finds causes.
//! - `cause` is what may be worth a mail, how often, and in which words.
//! - `letter` is one mail on its way: told, claimed, sent, or to be tried again.
//! - `post` claims what is due and sends it; `smtp` knows mail servers.

mod cause;
mod letter;
mod post;
mod smtp;
mod watch;

use foldgate_domain::upstream_url::AddressPolicy;
use foldgate_log::{Board, Replica, Reports};
use foldgate_vault::Vault;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::purses::Purses;
use crate::sleeps::Sleeps;
use post::Post;
use watch::Watch;

/// What mails are sent with.
pub struct Mails {
    /// Where control planes agree.
    pub board: Board,
    /// Certificates to trust besides the public ones, in PEM form.
    pub extra_ca: Option<Vec<u8>>,
}

/// What finding and sending hang on.
pub(crate) struct Deps {
    pub(crate) replica: Replica,
    pub(crate) reports: Reports,
    pub(crate) sleeps: Sleeps,
    pub(crate) purses: Purses,
    pub(crate) vault: Vault,
    pub(crate) addresses: AddressPolicy,
}

/// Finds causes and sends mails until `stop` is cancelled.
pub(crate) async fn run(mails: Mails, deps: Deps, stop: CancellationToken) {
    let Mails { board, extra_ca } = mails;
    let told = Notify::new();
    let watch = Watch {
        board: board.clone(),
        replica: deps.replica.clone(),
        reports: deps.reports,
        sleeps: deps.sleeps,
        purses: deps.purses,
        told: &told,
    };
    let post = Post {
        board,
        replica: deps.replica,
        vault: deps.vault,
        addresses: deps.addresses,
        extra_ca,
        me: Uuid::new_v4(),
        told: &told,
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = watch.run() => {}
        () = post.run() => {}
    }
}
