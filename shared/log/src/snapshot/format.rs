//! A snapshot file: a magic line, the header, the state, and a checksum over all
//! of it.

use foldgate_proto::RecordHash;

use super::{Header, Snapshot};

pub(super) const MAGIC: &[u8] = b"foldgate-snapshot 1\n";

/// The longest header; it has some 200 bytes.
const MAX_HEADER: usize = 4096;

/// Bytes that are no whole snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Too short to be one.
    #[error("the file ends early")]
    Short,
    /// It begins otherwise.
    #[error("not a snapshot of a version known here")]
    Magic,
    /// A bit is not what it was.
    #[error("the checksum does not fit")]
    Checksum,
    /// The checksum fits, and yet it cannot be read.
    #[error("the header cannot be read")]
    Header,
    /// The state is not the one the header speaks of.
    #[error("the state is not the one the header speaks of")]
    State,
}

/// The file's bytes.
pub(super) fn encode(header: &Header, state: &[u8]) -> Vec<u8> {
    let header = rmp_serde::to_vec_named(header).expect("plain numbers and hashes encode");
    let length = u32::try_from(header.len()).expect("a header has some 200 bytes");
    let mut bytes = Vec::with_capacity(MAGIC.len() + 4 + header.len() + state.len() + 32);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(state);
    let sum = RecordHash::of(&bytes);
    bytes.extend_from_slice(&sum.0);
    bytes
}

/// Reads a file's bytes. Total: any bytes give a snapshot or an error.
pub(super) fn decode(bytes: &[u8]) -> Result<Snapshot, DecodeError> {
    let (body, sum) = bytes.split_last_chunk::<32>().ok_or(DecodeError::Short)?;
    let rest = body.strip_prefix(MAGIC).ok_or(DecodeError::Magic)?;
    if RecordHash::of(body).0 != *sum {
        return Err(DecodeError::Checksum);
    }
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(DecodeError::Short)?;
    let length = u32::from_be_bytes(*length) as usize;
    if length > MAX_HEADER {
        return Err(DecodeError::Header);
    }
    let (header, state) = rest.split_at_checked(length).ok_or(DecodeError::Short)?;
    let header: Header = rmp_serde::from_slice(header).map_err(|_| DecodeError::Header)?;
    if RecordHash::of(state) != header.state_hash {
        return Err(DecodeError::State);
    }
    Ok(Snapshot {
        header,
        state: state.to_vec(),
    })
}
