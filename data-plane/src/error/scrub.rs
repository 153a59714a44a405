//! What an upstream says about a request may be passed on; what it says about
//! itself, its key or its organisation may not. The domain's scrubber knows what
//! such words look like; here the ones that are known exactly go too.

use std::borrow::Cow;

use foldgate_domain::failure::scrub;

/// Shorter words than this are no secret, and stand inside every other one.
const MIN_WORD: usize = 3;

/// The words of one upstream that must not reach a caller.
#[derive(Clone, Copy)]
pub(crate) struct Scrubber<'a> {
    /// Its credential.
    pub(crate) secret: &'a str,
    /// Its host and port.
    pub(crate) authority: &'a str,
}

impl Scrubber<'_> {
    /// `text` on one line without those words, and without whatever else looks
    /// like a key, a host or an account; at most `limit` characters of it.
    pub(crate) fn clean(self, text: &str, limit: usize) -> String {
        let host = self
            .authority
            .rsplit_once(':')
            .map_or(self.authority, |(host, _)| host);
        let mut clean = Cow::Borrowed(text);
        for (word, instead) in [
            (self.secret, "[redacted]"),
            (self.authority, "[provider]"),
            (host, "[provider]"),
        ] {
            if word.len() >= MIN_WORD && clean.contains(word) {
                clean = Cow::Owned(clean.replace(word, instead));
            }
        }
        scrub(&clean, limit)
    }
}
