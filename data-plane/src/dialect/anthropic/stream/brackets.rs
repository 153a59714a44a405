//! Whether a JSON value that comes in pieces is complete.

/// Counts the brackets of one JSON value.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Brackets {
    depth: u32,
    begun: bool,
    in_string: bool,
    escaped: bool,
}

impl Brackets {
    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &str) {
        for byte in piece.bytes() {
            if self.escaped {
                self.escaped = false;
            } else if self.in_string {
                self.escaped = byte == b'\\';
                self.in_string = byte != b'"';
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => {
                        self.begun = true;
                        self.depth = self.depth.saturating_add(1);
                    }
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
            }
        }
    }

    /// Whether every bracket is closed again.
    pub(super) const fn are_closed(self) -> bool {
        self.begun && self.depth == 0 && !self.in_string
    }
}
