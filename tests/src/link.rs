//! A TCP link that can be cut, frozen, slowed and mended.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Bytes flow.
    Open,
    /// Connections are closed, new ones at once.
    Cut,
    /// Connections stay, no byte flows (a half-open link).
    Frozen,
}

/// Forwards connections to one target.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    delay: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Link {
    /// A link to a loopback port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let (mode, watched) = watch::channel(Mode::Open);
        let delay = Arc::new(AtomicU64::new(0));
        let accepting = tokio::spawn(accept(listener, port, watched, Arc::clone(&delay)));
        Self {
            address,
            mode,
            delay,
            accepting,
        }
    }

    /// Its own port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Closes every connection and accepts no other.
    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    /// Lets connections stand while nothing flows.
    pub fn freeze(&self) {
        self.mode.send_replace(Mode::Frozen);
    }

    /// Lets everything flow again.
    pub fn mend(&self) {
        self.mode.send_replace(Mode::Open);
    }

    /// Holds each read back this long.
    pub fn slow(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.delay.store(millis, Ordering::Relaxed);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
        self.mode.send_replace(Mode::Cut);
    }
}

async fn accept(
    listener: TcpListener,
    port: u16,
    mode: watch::Receiver<Mode>,
    delay: Arc<AtomicU64>,
) {
    while let Ok((near, _)) = listener.accept().await {
        if *mode.borrow() == Mode::Cut {
            continue; // Dropped, so closed.
        }
        let (mode, delay) = (mode.clone(), Arc::clone(&delay));
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else {
                return;
            };
            let (near_in, near_out) = near.into_split();
            let (far_in, far_out) = far.into_split();
            let there = pump(near_in, far_out, mode.clone(), Arc::clone(&delay));
            let back = pump(far_in, near_out, mode, delay);
            // Either way at its end closes both, by dropping them.
            tokio::select! { () = there => {} () = back => {} }
        });
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
    delay: Arc<AtomicU64>,
) {
    let mut cut = mode.clone();
    let mut buffer = vec![0; CHUNK];
    let flow = async {
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let held = Duration::from_millis(delay.load(Ordering::Relaxed));
            tokio::time::sleep(held).await;
            if mode.wait_for(|mode| *mode != Mode::Frozen).await.is_err() {
                return;
            }
            if to.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = flow => {}
        _ = cut.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}
