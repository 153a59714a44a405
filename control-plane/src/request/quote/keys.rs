//! What in a client's own words looks like a key. Addresses, ranges, hosts,
//! e-mail addresses and numbers stay: whoever sent them has to see what was wrong
//! with them. What an upstream says is looked at more strictly, elsewhere.

use foldgate_domain::one_line::{push_gap, shortened};

/// What stands where something was taken out.
const REDACTED: &str = "[redacted]";

/// How much of a text is looked at; far more than is ever shown.
const MAX_SCANNED_CHARS: usize = 2000;

/// From this length on a run of letters and digits passes for a key.
const MIN_KEY_RUN: usize = 16;

/// From this length on a run of small and capital letters does.
const MIN_MIXED_RUN: usize = 24;

/// From this length on a word with small letters, capitals and digits does.
const MIN_MIXED_WORD: usize = 20;

/// The longest part of a model's name that may mix as it likes (`8x22B`), and
/// the longest that may change once (`Llama3`).
const MAX_MIXED_PART: usize = 6;
const MAX_NAME_PART: usize = 12;

/// From this length on a word behind `Bearer` is a credential.
const MIN_CREDENTIAL: usize = 8;

/// How keys begin.
const PREFIXES: &[&str] = &[
    "sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "gsk_", "xai-", "hf_", "r8_", "ghp_", "aiza", "akia",
    "ya29.", "eyj", "fgadmin-",
];

/// The longest word that begins as keys do, and may be a name nevertheless: `pk-pol`.
const MAX_NAME: usize = 15;

/// What a key in PEM begins with.
const PEM: &str = "-----BEGIN";

/// The text on one line, without keys, and at most `max_chars` long.
pub(super) fn without(text: &str, max_chars: usize) -> String {
    let mut scanned: String = text.chars().take(MAX_SCANNED_CHARS).collect();
    if scanned.len() < text.len() {
        // The cut may stand inside a key and hide what it is.
        scanned.truncate(scanned.trim_end_matches(of_word).len());
    }
    let pem = scanned.find(PEM);
    let mut out = String::with_capacity(scanned.len());
    let mut rest = &scanned[..pem.unwrap_or(scanned.len())];
    let mut announced = false;
    while let Some(first) = rest.chars().next() {
        let word = of_word(first);
        let end = rest.find(|c| of_word(c) != word).unwrap_or(rest.len());
        let (part, behind) = rest.split_at(end);
        if word {
            push_word(&mut out, part, announced);
            let scheme = part.trim_end_matches(':');
            announced = ["bearer", "basic"]
                .iter()
                .any(|name| scheme.eq_ignore_ascii_case(name));
        } else {
            push_gap(&mut out, part);
        }
        rest = behind;
    }
    if pem.is_some() {
        out.push_str(REDACTED);
    }
    shortened(out.trim(), max_chars)
}

fn of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-./:@%+=~?&#*$".contains(c)
}

fn push_word(out: &mut String, word: &str, announced: bool) {
    if (announced && word.len() >= MIN_CREDENTIAL) || telling(word) {
        out.push_str(REDACTED);
        return;
    }
    let Some((scheme, rest)) = word.split_once("://") else {
        out.push_str(word);
        return;
    };
    // A URL's user and its parameters are where keys stand in URLs.
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    out.push_str(scheme);
    out.push_str("://");
    if let Some((_, host)) = authority.rsplit_once('@') {
        out.push_str(REDACTED);
        out.push('@');
        out.push_str(host);
    } else {
        out.push_str(authority);
    }
    match behind.split_once('?') {
        Some((path, _)) => {
            out.push_str(path);
            out.push('?');
            out.push_str(REDACTED);
        }
        None => out.push_str(behind),
    }
}

/// Whether a word is a key, or holds one.
fn telling(word: &str) -> bool {
    let parts = word.split([':', '=', '&', '?', '/', '#', '@']);
    prefixed(word) || parts.into_iter().any(|part| prefixed(part) || random(part))
}

fn prefixed(part: &str) -> bool {
    let part = part.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let begins = |prefix: &&str| {
        part.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    PREFIXES.iter().any(begins) && !is_name(part)
}

/// Whether it is short and of plain words: what is drawn is longer, and has digits or
/// capitals among its letters.
fn is_name(part: &str) -> bool {
    let plain = |word: &str| {
        let mut letters = word.bytes();
        letters
            .next()
            .is_none_or(|first| first.is_ascii_alphabetic())
            && letters.all(|letter| letter.is_ascii_lowercase())
    };
    part.len() <= MAX_NAME && part.split(['-', '_', '.']).all(plain)
}

/// Whether a part looks drawn, and not written.
fn random(part: &str) -> bool {
    let has = |text: &str, test: fn(&u8) -> bool| text.as_bytes().iter().any(test);
    let digit = |text: &str| has(text, u8::is_ascii_digit);
    let small = |text: &str| has(text, u8::is_ascii_lowercase);
    let capital = |text: &str| has(text, u8::is_ascii_uppercase);
    let letter = |text: &str| has(text, u8::is_ascii_alphabetic);
    if part.len() >= MIN_MIXED_WORD
        && digit(part)
        && small(part)
        && capital(part)
        && !made_of_words(part)
    {
        return true;
    }
    let hex = |text: &str| {
        let plain = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        plain && text.len() >= MIN_KEY_RUN && digit(text) && letter(text)
    };
    if part.split('.').any(hex) {
        return true;
    }
    part.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        (run.len() >= MIN_KEY_RUN && digit(run) && letter(run))
            || (run.len() >= MIN_MIXED_RUN && small(run) && capital(run))
    })
}

/// `Llama-3.3-70B-Instruct`, `2026-01-31T12`: mixed, but of words and sizes.
fn made_of_words(part: &str) -> bool {
    let kind = |b: u8| (b.is_ascii_digit(), b.is_ascii_uppercase());
    // A capital and the small letters behind it are one.
    let changes = |two: &&[u8]| {
        kind(two[0]) != kind(two[1])
            && !(two[0].is_ascii_uppercase() && two[1].is_ascii_lowercase())
    };
    let plain = |word: &str| {
        word.len() <= MAX_MIXED_PART
            || (word.len() <= MAX_NAME_PART
                && word.as_bytes().windows(2).filter(changes).count() <= 1)
    };
    part.contains(['-', '.', '_']) && part.split(['-', '.', '_']).all(plain)
}
