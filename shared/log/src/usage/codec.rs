//! How usage is written: MessagePack with field names, as records of the log are.

use foldgate_proto::usage::MAX_BATCH_BYTES;
use foldgate_proto::{UsageBatch, UsageRecord};

use crate::Error;

/// The longest text of a record that is kept, in bytes. A caller may send any name
/// for a model; what stands in a bill is the beginning of it.
pub const MAX_TEXT: usize = 512;

/// A batch as it travels.
///
/// # Errors
/// It is longer than [`MAX_BATCH_BYTES`].
pub fn encode(batch: &UsageBatch) -> Result<Vec<u8>, Error> {
    let bytes =
        rmp_serde::to_vec_named(batch).map_err(|error| Error::Invalid(error.to_string()))?;
    if bytes.len() > MAX_BATCH_BYTES {
        return Err(Error::Invalid(format!(
            "a usage batch of {} bytes is too long",
            bytes.len()
        )));
    }
    Ok(bytes)
}

/// Reads a batch. Total: any bytes give a batch or an error.
///
/// # Errors
/// The bytes are no batch, or too many.
pub fn decode(bytes: &[u8]) -> Result<UsageBatch, Error> {
    if bytes.len() > MAX_BATCH_BYTES {
        return Err(Error::Invalid(format!(
            "a usage batch of {} bytes is too long",
            bytes.len()
        )));
    }
    rmp_serde::from_slice(bytes).map_err(|error| Error::Invalid(format!("no usage batch: {error}")))
}

/// Cuts what a caller may make as long as it likes.
pub(super) fn clip_record(record: &mut UsageRecord) {
    for text in [
        &mut record.endpoint,
        &mut record.requested,
        &mut record.model,
    ] {
        clip(text);
    }
    for text in [&mut record.upstream, &mut record.image_size] {
        text.iter_mut().for_each(clip);
    }
}

/// Cuts a text at [`MAX_TEXT`] bytes, between two characters.
pub(super) fn clip(text: &mut String) {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
    }
}
