//! A service account's private key, as Google hands it out. Checked before it is
//! sealed: nothing else would find out before the first call.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;

/// The longest private key, in bytes: RSA with 16,384 bits, twice what anybody has.
pub(crate) const MAX_PRIVATE_KEY_BYTES: usize = 16 * 1024;

/// Below this length, in characters of base64, a key is an example out of
/// documentation: the smallest real one has twice as many.
const MIN_KEY_CHARS: usize = 64;

/// A private key in PEM form with real line ends; PKCS#1 or PKCS#8. A key pasted
/// from a JSON file may have `\n` in two characters. Also tells whether it is
/// only an example out of documentation (`MIIE...`): such may be tried.
///
/// # Errors
/// A text that is no such PEM block, or no key inside one.
pub(crate) fn read(text: &str) -> Result<(String, bool), Error> {
    let refuse = |problem: &str| Err(Error::field("Config.private_key", problem));
    if text.len() > MAX_PRIVATE_KEY_BYTES {
        return refuse(&format!("is longer than {MAX_PRIVATE_KEY_BYTES} bytes"));
    }
    let pem = text.replace("\\n", "\n").replace('\r', "");
    let pem = pem.trim();
    let label = ["RSA PRIVATE KEY", "PRIVATE KEY"]
        .into_iter()
        .find(|label| pem.starts_with(&format!("-----BEGIN {label}-----")));
    let Some(label) = label else {
        return refuse("must be a PEM block: BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY");
    };
    let inner = pem
        .strip_prefix(&format!("-----BEGIN {label}-----"))
        .and_then(|rest| rest.strip_suffix(&format!("-----END {label}-----")));
    let Some(inner) = inner else {
        return refuse("has no matching END line as its last");
    };
    let body: String = inner.chars().filter(|c| !c.is_whitespace()).collect();
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=.".contains(&b);
    if body.is_empty() || !body.bytes().all(base64) {
        return refuse("holds something else than base64 between BEGIN and END");
    }
    let is_example = body.contains("...") || body.len() < MIN_KEY_CHARS;
    if !is_example && !STANDARD.decode(&body).is_ok_and(|der| is_key(&der)) {
        return refuse("is not whole: what stands between BEGIN and END is no key");
    }
    Ok((format!("{pem}\n"), is_example))
}

/// Whether bytes can be a private key in DER: one SEQUENCE of exactly this
/// length, that begins with a version.
fn is_key(der: &[u8]) -> bool {
    let [0x30, first, rest @ ..] = der else {
        return false;
    };
    let digits = match first {
        0x81..=0x83 => usize::from(first - 0x80),
        _ => 0,
    };
    if rest.len() < digits {
        return false;
    }
    let (length, content) = rest.split_at(digits);
    let length = match digits {
        0 => usize::from(*first),
        _ => length
            .iter()
            .fold(0, |sum, byte| (sum << 8) | usize::from(*byte)),
    };
    length == content.len() && matches!(content, [0x02, 0x01, 0x00 | 0x01, ..])
}

#[cfg(test)]
mod tests;
