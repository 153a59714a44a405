//! RESOURCES: the API paths that may be called.

use std::collections::BTreeSet;

use super::{Error, MAX_RESOURCE_BYTES, MAX_RESOURCES, check_count, shown};

/// Reads RESOURCES: `/v1/chat/completions, /v1/embeddings`, separated by commas
/// or white space.
///
/// # Errors
/// Names the path at fault. A text without any path is refused: it would block
/// every call.
pub fn resources(text: &str) -> Result<BTreeSet<String>, Error> {
    let mut paths = BTreeSet::new();
    let items = text.split(|c: char| c == ',' || c.is_whitespace());
    for path in items.filter(|item| !item.is_empty()) {
        check_resource(path)?;
        paths.insert(path.to_owned());
        check_count(paths.len(), MAX_RESOURCES)?;
    }
    if paths.is_empty() {
        return Err(Error::NoResources);
    }
    Ok(paths)
}

/// Checks one path.
///
/// # Errors
/// Says why it is none.
pub fn check_resource(path: &str) -> Result<(), Error> {
    match problem(path) {
        None => Ok(()),
        Some(problem) => Err(Error::Resource {
            path: shown(path),
            problem,
        }),
    }
}

fn problem(path: &str) -> Option<&'static str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~:@+".contains(&b);
    if path.len() > MAX_RESOURCE_BYTES {
        return Some("it is longer than 256 bytes");
    }
    if !path.starts_with('/') {
        return Some("it must begin with a slash");
    }
    if path.contains("//") {
        return Some("it has an empty segment");
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Some("it has a dot segment");
    }
    if path.contains('*') {
        return Some("a path allows everything below it, without wildcards");
    }
    if path.contains(['?', '#']) {
        return Some("it may not carry a query or a fragment");
    }
    if !path.bytes().all(plain) {
        return Some("only letters, digits and / - . _ ~ : @ + may stand in it");
    }
    None
}
