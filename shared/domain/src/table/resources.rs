//! RESOURCES: which API paths may be called. A prefix counts only at segment
//! boundaries, after aliases and dots are resolved, so that `/v1/chat` allows
//! `/v1/chat/completions` but not `/v1/chatter`.

use std::collections::BTreeSet;

/// First segments that stand for the same path below `/v1`.
const ALIASES: &[&str] = &[
    "audio",
    "batches",
    "chat",
    "completions",
    "embeddings",
    "files",
    "images",
    "messages",
    "models",
    "moderations",
    "realtime",
    "rerank",
    "responses",
    "threads",
];

/// Other spellings of a whole path that some clients are set up with.
const SPELLINGS: &[(&[&str], &str)] = &[(&["v2", "chat", "completions"], "v1")];

/// A compiled allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    prefixes: BTreeSet<String>,
}

impl Resources {
    /// Compiles a list.
    pub fn new<S: AsRef<str>>(paths: impl IntoIterator<Item = S>) -> Self {
        let prefixes = paths
            .into_iter()
            .filter_map(|path| normalise(path.as_ref()));
        Self {
            prefixes: prefixes.collect(),
        }
    }

    /// Whether a path may be called. A path that cannot be normalised may not.
    pub fn allows(&self, path: &str) -> bool {
        let Some(path) = normalise(path) else {
            return false;
        };
        let ends = path.char_indices().filter(|(_, c)| *c == '/');
        self.prefixes.contains("")
            || self.prefixes.contains(path.as_str())
            || ends
                .filter(|(at, _)| *at > 0)
                .any(|(at, _)| self.prefixes.contains(&path[..at]))
    }
}

/// The path in its one spelling: under `/v1`, without empty or dot segments and
/// without a trailing slash (so `/` is empty). `None` climbs above the root or
/// is no path.
pub fn normalise(path: &str) -> Option<String> {
    let rest = path.strip_prefix('/')?;
    let mut segments: Vec<&str> = Vec::new();
    for segment in rest.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            segment => segments.push(segment),
        }
    }
    if segments
        .first()
        .is_some_and(|first| ALIASES.contains(first))
    {
        segments.insert(0, "v1");
    }
    for (spelling, version) in SPELLINGS {
        if segments.starts_with(spelling) {
            segments[0] = version;
        }
    }
    Some(segments.iter().flat_map(|segment| ["/", segment]).collect())
}
