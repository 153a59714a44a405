//! Follows the frames of one direction of a WebSocket (RFC 6455) as they pass, cut
//! anyhow; takes none of them apart but short texts of the provider's.

/// The longest head of a frame: two bytes, a length of eight, a mask of four.
const MAX_HEAD_BYTES: usize = 14;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// How we end a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Close(u16);

impl Close {
    /// Nothing moves any more, or the process is shutting down.
    pub(super) const AWAY: Self = Self(1001);
    /// The caller may not go on.
    pub(super) const REFUSED: Self = Self(1008);
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
    /// The text under way, as far as it is kept.
    text: Vec<u8>,
    /// Whether it is.
    keeps: bool,
    /// Whether the frame under way is of that text.
    in_text: bool,
    finishes: bool,
    most: usize,
    closed: bool,
}

impl Frames {
    /// A client's, which are masked and not read.
    pub(super) const fn of_client() -> Self {
        Self::of_upstream(0)
    }

    /// A provider's; texts of at most so many bytes are read.
    pub(super) const fn of_upstream(most: usize) -> Self {
        Self {
            head: Vec::new(),
            left: 0,
            text: Vec::new(),
            keeps: false,
            in_text: false,
            finishes: false,
            most,
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

    /// Takes what passes, and gives each whole text to `read`.
    pub(super) fn feed(&mut self, bytes: &[u8], mut read: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some((first, behind)) = rest.split_first() {
            if self.left > 0 {
                let size = usize::try_from(self.left)
                    .unwrap_or(usize::MAX)
                    .min(rest.len());
                self.payload(rest.get(..size).unwrap_or_default(), &mut read);
                rest = rest.get(size..).unwrap_or_default();
                continue;
            }
            self.head.push(*first);
            rest = behind;
            if let Some(length) = length(&self.head) {
                self.begin(length);
                if length == 0 {
                    self.ends(&mut read);
                }
            }
        }
    }

    /// A frame's head is complete.
    fn begin(&mut self, length: u64) {
        let first = self.head.first().copied().unwrap_or_default();
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
                self.keeps = kind == TEXT && self.most > 0;
            }
        }
    }

    fn payload(&mut self, bytes: &[u8], read: &mut impl FnMut(&[u8])) {
        self.left -= bytes.len() as u64;
        if self.in_text && self.keeps {
            if self.text.len() + bytes.len() > self.most {
                self.keeps = false;
                self.text = Vec::new();
            } else {
                self.text.extend_from_slice(bytes);
            }
        }
        if self.left == 0 {
            self.ends(read);
        }
    }

    fn ends(&mut self, read: &mut impl FnMut(&[u8])) {
        if self.in_text && self.finishes {
            if self.keeps {
                read(&self.text);
            }
            self.keeps = false;
            self.text.clear();
        }
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
