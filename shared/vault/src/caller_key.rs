//! The keys callers present to Foldgate. Only their SHA-256 is kept; they hold
//! 256 random bits, so a slow hash would add cost and no safety.

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, random};

/// What every key made here begins with; secret scanners can look for it.
pub const PREFIX: &str = "sk-fg-";

const RANDOM_BYTES: usize = 32;
const CHECK_BYTES: usize = 4;
const KEY_BYTES: usize = RANDOM_BYTES + CHECK_BYTES;
const CHECK_CONTEXT: &str = "foldgate 2026-11 caller key checksum v1";
/// Lower case and digits 2 to 7 (RFC 4648): a double click selects all of it.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// SHA-256 of a presented key: what the routing table is asked for.
pub fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Draws a new key: prefix, 32 random bytes and a checksum of them, in base32.
///
/// # Errors
/// [`Error::Random`] when the operating system has no random bytes.
pub fn new_key() -> Result<SecretString, Error> {
    let mut drawn = random::<RANDOM_BYTES>()?;
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    bytes[..RANDOM_BYTES].copy_from_slice(&drawn);
    bytes[RANDOM_BYTES..].copy_from_slice(&checksum(&drawn));
    drawn.zeroize();
    // Allocated once at full size: a growing text would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 2 * KEY_BYTES));
    text.push_str(PREFIX);
    encode(bytes.as_slice(), &mut text);
    Ok(SecretString::from(text.as_str()))
}

/// Whether a text is a whole, correctly copied key made here. A key that was
/// chosen by hand is none and may still be valid.
pub fn is_well_formed(text: &str) -> bool {
    let Some(bytes) = text.strip_prefix(PREFIX).and_then(decode) else {
        return false;
    };
    let (random, check) = bytes.split_at(RANDOM_BYTES);
    checksum(random) == *check
}

fn checksum(random: &[u8]) -> [u8; CHECK_BYTES] {
    let derived = blake3::derive_key(CHECK_CONTEXT, random);
    [derived[0], derived[1], derived[2], derived[3]]
}

fn encode(bytes: &[u8], text: &mut String) {
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits) as usize & 31]));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits)) as usize & 31]));
    }
}

fn decode(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    if text.len() != (KEY_BYTES * 8).div_ceil(5) {
        return None;
    }
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    let (mut buffer, mut bits, mut at) = (0_u32, 0, 0);
    for character in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == character)?;
        buffer = (buffer << 5) | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            *bytes.get_mut(at)? = u8::try_from(buffer >> bits).ok()?;
            at += 1;
            buffer &= (1 << bits) - 1;
        }
    }
    // What is left over must be the padding that encoding put there.
    (at == KEY_BYTES && buffer == 0).then_some(bytes)
}

#[cfg(test)]
mod tests;
