//! What a Vertex key must say: the project, the location (read from the host),
//! the service account with its private key. All of it is checked when it is
//! written, because nothing else would find out before the first call.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use foldgate_domain::decide::is_email;
use foldgate_domain::provider::vertex_location;
use foldgate_domain::upstream_url::ProviderUrl;

use crate::error::Error;

/// The longest service account address, in characters (RFC 5321's path).
const MAX_EMAIL_CHARS: usize = 254;

/// The longest private key, in bytes: RSA with 16,384 bits, twice what anybody has.
pub(crate) const MAX_PRIVATE_KEY_BYTES: usize = 16 * 1024;

/// Below this length, in characters of base64, a key is an example out of
/// documentation: the smallest real one has twice as many.
const MIN_KEY_CHARS: usize = 64;

/// The location a Vertex host stands for. Only https on its own port: tokens go
/// there.
///
/// # Errors
/// A host that is none of Vertex AI's; another scheme or port.
pub(crate) fn location(provider: &ProviderUrl) -> Result<String, Error> {
    let refuse = |problem: &str| Error::field("Provider", problem);
    let location = vertex_location(provider.host()).ok_or_else(|| {
        refuse(
            "a vertex key's host must be {region}-aiplatform.googleapis.com, \
             aiplatform.googleapis.com (global) or aiplatform.{us|eu}.rep.googleapis.com",
        )
    })?;
    if !provider.is_https() {
        return Err(refuse(
            "a vertex key's Provider must be https, it receives tokens",
        ));
    }
    if provider.authority() != provider.host() {
        return Err(refuse("a vertex key's Provider has no port of its own"));
    }
    Ok(location)
}

/// Checks a Google Cloud project: an id, one with its domain, or a number.
///
/// # Errors
/// A text that can be none.
pub(crate) fn check_project(project: &str) -> Result<(), Error> {
    let (domain, id) = project.split_once(':').unwrap_or(("", project));
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_id = (4..=30).contains(&id.len())
        && id.bytes().all(plain)
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && !id.ends_with('-');
    let is_number =
        (1..=20).contains(&project.len()) && project.bytes().all(|b| b.is_ascii_digit());
    let domain_fits = domain.len() <= 100 && domain.bytes().all(|b| plain(b) || b == b'.');
    if is_number || (is_id && domain_fits) {
        return Ok(());
    }
    Err(Error::field(
        "Config.project_id",
        "is no Google Cloud project id (lower-case letters, digits and hyphens, 4 to 30)",
    ))
}

/// Checks the service account's address.
///
/// # Errors
/// A text that is no address.
pub(crate) fn check_email(email: &str) -> Result<(), Error> {
    if !is_email(email) || email.chars().count() > MAX_EMAIL_CHARS {
        return Err(Error::field("Config.client_email", "is no e-mail address"));
    }
    Ok(())
}

/// Checks the URL template: with project and location filled in it must be a
/// URL on the provider's own host, so that no token goes elsewhere, and of this
/// project at this location.
///
/// # Errors
/// Another placeholder, no URL, another host, project or location.
pub(crate) fn check_base_url(
    template: &str,
    provider: &ProviderUrl,
    project: &str,
) -> Result<(), Error> {
    let refuse = |problem: &str| Err(Error::field("Config.base_url", problem));
    let location = location(provider)?;
    let filled = template
        .replace("{project}", project)
        .replace("{location}", &location);
    if filled.contains(['{', '}']) {
        return refuse("may hold {project} and {location}, no other placeholder");
    }
    let url = match ProviderUrl::parse(&filled) {
        Ok(url) => url,
        Err(error) => return refuse(&error.to_string()),
    };
    if url.authority() != provider.authority() || url.is_https() != provider.is_https() {
        return refuse("must be on the Provider's own host");
    }
    let named = |name: &str| {
        let mut parts = url.path().split('/').skip_while(|part| *part != name);
        parts.nth(1)
    };
    if named("projects").is_some_and(|part| part != project) {
        return refuse("names another project than project_id");
    }
    if named("locations").is_some_and(|part| part != location) {
        return refuse("names another location than the Provider's host");
    }
    Ok(())
}

/// A private key in PEM form with real line ends; PKCS#1 or PKCS#8. A key pasted
/// from a JSON file may have `\n` in two characters. Also tells whether it is
/// only an example out of documentation (`MIIE...`): such may be tried.
///
/// # Errors
/// A text that is no such PEM block, or no key inside one.
pub(crate) fn private_key(text: &str) -> Result<(String, bool), Error> {
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
