//! What stands in a segment: frames of a length, a checksum, a kind and a body. A
//! frame that is not whole ends a segment: a process died while it was written.

use foldgate_proto::RecordHash;
use uuid::Uuid;

/// The longest body that is taken; texts of records are cut far below.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// Length and checksum.
const HEAD: usize = 4 + 8;

/// An id, or two numbers.
const NAMED: usize = 16;

const INTENT: u8 = 1;
const SETTLED: u8 = 2;
const FREE: u8 = 3;
const CUT: u8 = 4;
const ACKNOWLEDGED: u8 = 5;

/// One entry of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// A call goes upstream. One that comes again stands in for the one before.
    Intent(Uuid, &'a [u8]),
    /// It ended, with this record.
    Settled(Uuid, &'a [u8]),
    /// It ended, and there is nothing to bill.
    Free(Uuid),
    /// The next records in order, this many, are the batch of this number.
    Cut { number: u64, count: u64 },
    /// All batches up to this number arrived; they end before this record.
    Acknowledged { number: u64, end: u64 },
}

impl Frame<'_> {
    /// The frame as bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let body = match self {
            Self::Intent(_, body) | Self::Settled(_, body) => body.len(),
            Self::Free(_) | Self::Cut { .. } | Self::Acknowledged { .. } => 0,
        };
        let mut bytes = Vec::with_capacity(HEAD + 1 + NAMED + body);
        bytes.resize(HEAD, 0);
        match self {
            Self::Intent(id, body) => put(&mut bytes, INTENT, [id.as_bytes(), *body]),
            Self::Settled(id, body) => put(&mut bytes, SETTLED, [id.as_bytes(), *body]),
            Self::Free(id) => put(&mut bytes, FREE, [id.as_bytes(), &[]]),
            Self::Cut { number, count } => {
                put(
                    &mut bytes,
                    CUT,
                    [&number.to_le_bytes(), &count.to_le_bytes()],
                );
            }
            Self::Acknowledged { number, end } => {
                let parts: [&[u8]; 2] = [&number.to_le_bytes(), &end.to_le_bytes()];
                put(&mut bytes, ACKNOWLEDGED, parts);
            }
        }
        let length = u32::try_from(bytes.len() - HEAD).unwrap_or(u32::MAX);
        let sum = checksum(&bytes[HEAD..]);
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[4..HEAD].copy_from_slice(&sum);
        bytes
    }

    /// The first frame of some bytes, and how long it is; `None` where no whole
    /// frame stands.
    pub(super) fn read(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        if length > MAX_BODY {
            return None;
        }
        let body = rest.get(..length)?;
        if checksum(body) != *sum {
            return None;
        }
        Some((frame(body)?, HEAD + length))
    }
}

fn put(bytes: &mut Vec<u8>, kind: u8, parts: [&[u8]; 2]) {
    bytes.push(kind);
    for part in parts {
        bytes.extend_from_slice(part);
    }
}

fn frame(body: &[u8]) -> Option<Frame<'_>> {
    let (kind, body) = body.split_first()?;
    let named = || {
        let (id, body) = body.split_first_chunk::<16>()?;
        Some((Uuid::from_bytes(*id), body))
    };
    let numbers = || {
        let (one, body) = body.split_first_chunk::<8>()?;
        let (other, _) = body.split_first_chunk::<8>()?;
        Some((u64::from_le_bytes(*one), u64::from_le_bytes(*other)))
    };
    Some(match *kind {
        INTENT => named().map(|(id, body)| Frame::Intent(id, body))?,
        SETTLED => named().map(|(id, body)| Frame::Settled(id, body))?,
        FREE => Frame::Free(named()?.0),
        CUT => numbers().map(|(number, count)| Frame::Cut { number, count })?,
        ACKNOWLEDGED => numbers().map(|(number, end)| Frame::Acknowledged { number, end })?,
        _ => return None,
    })
}

fn checksum(body: &[u8]) -> [u8; 8] {
    let RecordHash(hash) = RecordHash::of(body);
    let mut sum = [0; 8];
    sum.copy_from_slice(&hash[..8]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_is_not() {
        let id = Uuid::new_v4();
        let frames = [
            Frame::Intent(id, b"intent"),
            Frame::Settled(id, b""),
            Frame::Free(id),
            Frame::Cut {
                number: 7,
                count: u64::MAX,
            },
            Frame::Acknowledged { number: 7, end: 9 },
        ];
        for frame in frames {
            let bytes = frame.encode();
            assert_eq!(Frame::read(&bytes).unwrap(), (frame, bytes.len()));
            for cut in 0..bytes.len() {
                assert_eq!(Frame::read(&bytes[..cut]), None, "{frame:?} cut at {cut}");
            }
            for at in 0..bytes.len() {
                let mut bent = bytes.clone();
                bent[at] ^= 0x10;
                assert_eq!(Frame::read(&bent), None, "{frame:?} bent at {at}");
            }
        }
    }
}
