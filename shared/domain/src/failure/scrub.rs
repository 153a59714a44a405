//! Takes out of an upstream's words what must not travel on: keys, hosts,
//! addresses, organisations. Rather too much than too little: the words are a
//! remark for an operator, nothing depends on them.

use crate::one_line::{push_gap, shortened};

/// What stands where something was taken out.
const REDACTED: &str = "[redacted]";

/// How much of a text is looked at; far more than is ever shown.
const MAX_SCANNED_CHARS: usize = 2000;

/// The longest run of letters and digits that passes for a word.
const MAX_PLAIN_RUN: usize = 23;

/// From this length on a run with a digit in it passes for a key.
const MIN_KEY_RUN: usize = 16;

/// From this length on a word of upper case, lower case and digits does.
const MIN_MIXED_WORD: usize = 20;

/// How credentials and accounts begin.
const PREFIXES: &[&str] = &[
    "sk-",
    "sk_",
    "pk-",
    "pk_",
    "rk-",
    "rk_",
    "key-",
    "gsk_",
    "xai-",
    "hf_",
    "r8_",
    "aiza",
    "ya29.",
    "eyj",
    "org-",
    "org_",
    "proj-",
    "proj_",
    "user-",
    "acct_",
    "projects/",
    "www.",
    "localhost",
];

/// Words that begin like an account and are none.
const PLAIN_WORDS: &[&str] = &[
    "key-value",
    "user-agent",
    "user-defined",
    "user-provided",
    "user-supplied",
];

/// Where paths into a request begin, as errors name its fields.
const FIELDS: &[&str] = &[
    "body",
    "contents",
    "functions",
    "generation_config",
    "input",
    "messages",
    "metadata",
    "prompt",
    "response_format",
    "stream_options",
    "tool_choice",
    "tools",
];

/// The longest part of a model's name that may mix letters and digits freely
/// (`8x22B`, `A22B`), and the longest that may change once (`Qwen2`, `Llama3`).
const MAX_MIXED_PART: usize = 6;
const MAX_NAME_PART: usize = 12;

/// The text on one line, without keys, hosts, addresses and organisations, and
/// at most `max_chars` long.
pub fn scrub(text: &str, max_chars: usize) -> String {
    let mut scanned: String = text.chars().take(MAX_SCANNED_CHARS).collect();
    if scanned.len() < text.len() {
        // The cut may stand inside a key and hide what it is.
        scanned.truncate(scanned.trim_end_matches(of_word).len());
    }
    let mut out = String::with_capacity(scanned.len());
    let mut rest = scanned.as_str();
    while let Some(first) = rest.chars().next() {
        if of_word(first) {
            let (word, behind) = split(rest, of_word);
            push_word(&mut out, word);
            rest = behind;
        } else {
            let (gap, behind) = split(rest, |c| !of_word(c));
            push_gap(&mut out, gap);
            rest = behind;
        }
    }
    shortened(out.trim(), max_chars)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-./:@%+=~?&#*$".contains(c)
}

fn push_word(out: &mut String, word: &str) {
    let bare = word.trim_end_matches(['.', ':', '?']);
    if telling(bare) {
        out.push_str(REDACTED);
        out.push_str(&word[bare.len()..]);
    } else {
        out.push_str(word);
    }
}

/// Whether a word may tell a key, a host, an address or an account.
fn telling(word: &str) -> bool {
    word.contains("://")
        || word.contains('@')
        || word.contains("**")
        || host_like(word)
        || key_like(word)
        || word
            .split([':', '=', '&', '?', '/', '#'])
            .any(|part| prefixed(part) || host_like(part) || key_like(part))
        || prefixed(word)
}

fn prefixed(part: &str) -> bool {
    if PLAIN_WORDS
        .iter()
        .any(|word| part.eq_ignore_ascii_case(word))
    {
        return false;
    }
    let part = part.trim_start_matches(['-', '_', '.', '*', '+', '~', '$', '%']);
    PREFIXES.iter().any(|prefix| {
        part.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    })
}

/// `messages.0.content`, `tools.1.function.name`: no host, though it has dots.
fn field_path(part: &str) -> bool {
    let mut steps = part.split('.');
    let step = |step: &str| {
        step.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    steps.next().is_some_and(|first| FIELDS.contains(&first)) && steps.all(step)
}

/// `meta-llama/Llama-3.3-70B-Instruct`: mixed, but made of words and sizes.
fn model_like(word: &str) -> bool {
    let kind = |b: u8| (b.is_ascii_digit(), b.is_ascii_uppercase());
    // A capital and the small letters behind it are one.
    let changes = |two: &&[u8]| {
        kind(two[0]) != kind(two[1])
            && !(two[0].is_ascii_uppercase() && two[1].is_ascii_lowercase())
    };
    let plain = |part: &str| {
        part.len() <= MAX_MIXED_PART
            || (part.len() <= MAX_NAME_PART
                && part.as_bytes().windows(2).filter(changes).count() <= 1)
    };
    word.contains('-')
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._/".contains(&b))
        && word.split(['-', '.', '_', '/']).all(plain)
}

/// `api.example.com`, `10.0.0.1`, `gateway:8080`, `fe80::1`.
fn host_like(part: &str) -> bool {
    let numeric = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let alphabetic = |text: &str| text.bytes().all(|b| b.is_ascii_alphabetic());
    let with_port = part
        .rsplit_once(':')
        .filter(|(_, port)| (2..=5).contains(&port.len()) && numeric(port));
    let host = with_port.map_or(part, |(host, _)| host);
    let labels: Vec<&str> = host.trim_matches('.').split('.').collect();
    let top = labels.last().copied().unwrap_or_default();
    let named = labels.len() > 1
        && top.len() > 1
        && (alphabetic(top) || top.starts_with("xn--"))
        && labels.iter().all(|label| !label.is_empty());
    let v4 = labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok());
    let v6 = part.matches(':').count() > 1
        && part
            .bytes()
            .all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.' | b'%'));
    let named = named && !(with_port.is_none() && field_path(host));
    let single = with_port.is_some() && host.starts_with(|c: char| c.is_ascii_alphabetic());
    named || v4 || v6 || single
}

fn key_like(part: &str) -> bool {
    let has = |test: fn(&u8) -> bool| part.as_bytes().iter().any(test);
    let mixed =
        has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
    if mixed && part.len() >= MIN_MIXED_WORD && !model_like(part) {
        return true;
    }
    let hex = |b: u8| b.is_ascii_hexdigit() || b == b'-';
    if part.len() >= MIN_KEY_RUN && part.bytes().all(hex) && has(u8::is_ascii_digit) {
        return true;
    }
    part.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        run.len() > MAX_PLAIN_RUN
            || (run.len() >= MIN_KEY_RUN && run.bytes().any(|b| b.is_ascii_digit()))
    })
}
