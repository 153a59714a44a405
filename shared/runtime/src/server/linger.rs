//! Closing without losing the answer. A client that is still sending when it is
//! refused (a body that is too long, say) would be answered with a reset by the
//! kernel, which throws the answer away. So what it sends is read and dropped
//! for a while, as nginx does.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// The most that is read and dropped: twice the longest body by default.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The longest time it goes on.
const MAX_TIME: Duration = Duration::from_secs(5);

/// The longest silence meanwhile.
const MAX_SILENCE: Duration = Duration::from_secs(1);

const BUFFER: usize = 64 * 1024;

/// Reads and drops what a client goes on sending, if it does, or if it may be about
/// to. The writing half is closed already.
pub(super) async fn linger(stream: TcpStream, may_be_sending: bool) {
    let mut first = [0; 512];
    match stream.try_read(&mut first) {
        Ok(read) if read > 0 => {}
        // A pause in the midst of its body.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock && may_be_sending => {}
        _ => return,
    }
    let end = Instant::now() + MAX_TIME;
    let mut dropped = first.len();
    let mut buffer = vec![0; BUFFER];
    while dropped < MAX_BYTES {
        let silence = end.min(Instant::now() + MAX_SILENCE);
        if !matches!(timeout_at(silence, stream.readable()).await, Ok(Ok(()))) {
            return;
        }
        match stream.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => dropped += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
