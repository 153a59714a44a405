//! Taking connections, and surviving what the kernel answers instead of one.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Peer;

/// The wait after the kernel had no descriptor or memory to give: long enough
/// for some connection to end, short enough to go unnoticed.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Takes connections for ever and hands each over with its place.
pub(super) async fn run(
    name: &'static str,
    listener: &TcpListener,
    places: Arc<Semaphore>,
    open: impl Fn(TcpStream, Peer, OwnedSemaphorePermit),
) {
    let accepted = ::metrics::counter!("foldgate_connections_total", "listener" => name);
    let failed = ::metrics::counter!("foldgate_accept_errors_total", "listener" => name);
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, address)) => {
                accepted.increment(1);
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "no TCP_NODELAY");
                }
                open(stream, Peer { address }, place);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                failed.increment(1);
                tracing::error!(listener = name, %error, "cannot accept connections");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

/// The client went away while it was being accepted; the next one is fine.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
