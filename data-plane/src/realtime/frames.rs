//! Follows the frames of one direction of a WebSocket (RFC 6455) as they pass, cut
//! anyhow, and reads the events in them. What they pass as is not touched.

/// The longest head of a frame: two bytes, a length of eight, a mask of four.
const MAX_HEAD_BYTES: usize = 14;

/// How much room is kept for the next event: for a piece of sound.
const USUAL_EVENT_BYTES: usize = 64 * 1024;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

/// How we end a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Close(u16);

impl Close {
    /// Nothing moves any more, or the process is shutting down.
    pub(super) const AWAY: Self = Self(1001);
    /// The caller may not go on.
    pub(super) const REFUSED: Self = Self(1008);
    /// An event is too long to be read.
    pub(super) const TOO_LONG: Self = Self(1009);
    /// The provider's connection broke.
    pub(super) const BROKEN: Self = Self(1011);

    /// The frame, to a client.
    pub(super) fn plain(self) -> [u8; 4] {
        let [high, low] = self.0.to_be_bytes();
        [0x88, 2, high, low]
    }

    /// The frame, to a provider: masked, if with nothing.
    pub(super) fn masked(self) -> [u8; 8] {
        let [high, low] = self.0.to_be_bytes();
        [0x88, 0x82, 0, 0, 0, 0, high, low]
    }
}

/// See the module.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing to remember of the bytes before"
)]
pub(super) struct Frames {
    head: Vec<u8>,
    /// What is to come of the frame's payload.
    left: u64,
    /// What its next bytes are masked with.
    mask: [u8; 4],
    /// The text under way, as far as it is kept.
    text: Vec<u8>,
    /// Whether it is.
    keeps: bool,
    /// Whether the frame under way is of that text.
    in_text: bool,
    finishes: bool,
    most: usize,
    /// Whether all that may be an event must be read.
    strict: bool,
    closed: bool,
}

impl Frames {
    /// A client's, of which all must be read; so events have at most so many bytes, and
    /// may come as binary messages too.
    pub(super) fn of_client(most: usize) -> Self {
        Self {
            strict: true,
            ..Self::of_upstream(most)
        }
    }

    /// A provider's; texts of at most so many bytes are read.
    pub(super) const fn of_upstream(most: usize) -> Self {
        Self {
            head: Vec::new(),
            left: 0,
            mask: [0; 4],
            text: Vec::new(),
            keeps: false,
            in_text: false,
            finishes: false,
            most,
            strict: false,
            closed: false,
        }
    }

    /// Whether a frame ends with what has passed.
    pub(super) fn is_between(&self) -> bool {
        self.head.is_empty() && self.left == 0
    }

    /// Whether the end that sends them has closed.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Takes what passes, and gives each whole event to `read`.
    ///
    /// # Errors
    /// What `read` says; and an event that must be read and is too long.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        mut read: impl FnMut(&[u8]) -> Result<(), Close>,
    ) -> Result<(), Close> {
        let mut rest = bytes;
        while let Some((first, behind)) = rest.split_first() {
            if self.left > 0 {
                let size = usize::try_from(self.left)
                    .unwrap_or(usize::MAX)
                    .min(rest.len());
                self.payload(rest.get(..size).unwrap_or_default(), &mut read)?;
                rest = rest.get(size..).unwrap_or_default();
                continue;
            }
            self.head.push(*first);
            rest = behind;
            if let Some(length) = length(&self.head) {
                self.begin(length);
                if length == 0 {
                    self.ends(&mut read)?;
                }
            }
        }
        Ok(())
    }

    /// A frame's head is complete.
    fn begin(&mut self, length: u64) {
        let first = self.head.first().copied().unwrap_or_default();
        let masked = self.head.get(1).is_some_and(|second| second & 0x80 != 0);
        let mask = self.head.last_chunk().filter(|_| masked);
        self.mask = mask.copied().unwrap_or_default();
        self.head.clear();
        self.left = length;
        let (kind, finishes) = (first & 0x0f, first & 0x80 != 0);
        self.closed |= kind == CLOSE;
        // Pings and the like may come between the parts of a text.
        self.in_text = kind < CLOSE;
        if self.in_text {
            self.finishes = finishes;
            if kind != 0 {
                self.text.clear();
                self.keeps = kind == TEXT || (kind == BINARY && self.strict);
            }
        }
    }

    fn payload(
        &mut self,
        bytes: &[u8],
        read: &mut impl FnMut(&[u8]) -> Result<(), Close>,
    ) -> Result<(), Close> {
        self.left -= bytes.len() as u64;
        if self.in_text && self.keeps {
            if self.text.len() + bytes.len() <= self.most {
                let mask = self.mask.into_iter().cycle();
                self.text
                    .extend(bytes.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
                self.mask.rotate_left(bytes.len() % 4);
            } else if self.strict {
                return Err(Close::TOO_LONG);
            } else {
                self.keeps = false;
                self.text = Vec::new();
            }
        }
        if self.left == 0 {
            self.ends(read)?;
        }
        Ok(())
    }

    fn ends(&mut self, read: &mut impl FnMut(&[u8]) -> Result<(), Close>) -> Result<(), Close> {
        if self.in_text && self.finishes {
            let said = if self.keeps { read(&self.text) } else { Ok(()) };
            self.keeps = false;
            self.text.clear();
            self.text.shrink_to(USUAL_EVENT_BYTES);
            return said;
        }
        Ok(())
    }
}

/// The length of a frame's payload, once its head is complete.
fn length(head: &[u8]) -> Option<u64> {
    let second = *head.get(1)?;
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (size, length) = match second & 0x7f {
        126 => (2, head.get(2..4).map(number)),
        127 => (8, head.get(2..10).map(number)),
        short => (0, Some(u64::from(short))),
    };
    let whole = 2 + size + mask;
    debug_assert!(whole <= MAX_HEAD_BYTES, "a head is short");
    length.filter(|_| head.len() == whole)
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}
