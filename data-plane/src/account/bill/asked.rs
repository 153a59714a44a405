//! What a request says of what it is going to use, and what it did use where no
//! upstream counted it.
//!
//! | paid by | before the call | where nothing was counted |
//! |---|---|---|
//! | tokens | a token for 4 bytes of the body, of base64 data in it (images) 1,024 each at most, and 256 of an answer | the same, and a token for 4 bytes of text that came, and its searches |
//! | images | as many as are asked for | the same |
//! | speech | its characters | the same; that is exact |
//! | sound understood | nothing | as long as the timestamps of the answer say (srt, vtt, segments); else a second for 16,000 bytes, of Opus and Vorbis 4,000, of AAC 8,000, by how the file's name ends |
//! | rerank | a token for 4 bytes | the same |

use foldgate_domain::price::Tariff;
use foldgate_proto::{Measure, Quantities};
use memchr::memmem;

use super::Ended;
use crate::endpoint::Endpoint;
use crate::json::members;
use crate::multipart::Priced;
use crate::usage::spoken_ms;

/// Bytes of text per token, about.
pub(crate) const BYTES_PER_TOKEN: u64 = 4;

/// The least length of a member `data` that is taken for base64.
const LEAST_DATA: usize = 1024;

/// The most that base64 data count for, in bytes of text: about what an image does.
const MOST_DATA: usize = 4096;

/// How many bytes of base64 are judged at once.
const PIECE: usize = 64;

/// How many tokens of an answer are billed of which nobody saw anything.
const UNSEEN_ANSWER: u64 = 256;

/// How many bytes of sound make a second: 128 kbit/s, as MP3 mostly has. What is not
/// compressed has more, and is taken for longer than it is.
const BYTES_PER_SECOND: u64 = 16_000;

/// The same, of codecs that speech needs less with: 32 kbit/s of Opus and Vorbis, 64 of
/// AAC.
const LEANER: [(&str, u64); 7] = [
    ("opus", 4_000),
    ("ogg", 4_000),
    ("oga", 4_000),
    ("webm", 4_000),
    ("m4a", 8_000),
    ("mp4", 8_000),
    ("aac", 8_000),
];

/// The size of an image that is not said: every known model has it.
const USUAL_SIZE: &str = "1024x1024";

/// The most images that are believed to be asked for.
const MOST_IMAGES: u64 = 100;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// By what it is paid.
    pub(crate) tariff: Tariff,
    /// Whether its answer is made of tokens.
    answers: bool,
    bytes: u64,
    images: u64,
    size: Option<String>,
    characters: u64,
    /// Bytes in a second of the sound that it brings.
    bytes_per_second: u64,
    /// Milliseconds of sound that its answer writes down.
    spoken_ms: Option<u64>,
}

impl Asked {
    /// Reads what is held of a request's body.
    pub(crate) fn of(endpoint: &Endpoint, body: &[u8]) -> Self {
        let tariff = endpoint.tariff();
        let mut asked = Self {
            tariff,
            answers: tariff == Tariff::Tokens && !endpoint.path.ends_with("/embeddings"),
            bytes: match tariff {
                Tariff::Tokens | Tariff::Rerank => text_bytes(body),
                _ => 0,
            },
            images: 0,
            size: None,
            characters: 0,
            bytes_per_second: BYTES_PER_SECOND,
            spoken_ms: None,
        };
        match tariff {
            Tariff::Images => asked.read_images(body),
            Tariff::Sound if endpoint.path.ends_with("/speech") => asked.read_speech(body),
            _ => {}
        }
        asked
    }

    /// Of a call that has what was heard in it written down.
    pub(crate) const fn transcripts() -> Self {
        Self {
            tariff: Tariff::Sound,
            answers: false,
            bytes: 0,
            images: 0,
            size: None,
            characters: 0,
            bytes_per_second: BYTES_PER_SECOND,
            spoken_ms: None,
        }
    }

    /// The size of the images it asks for, with their quality.
    pub(crate) fn size(&self) -> Option<&str> {
        self.size.as_deref()
    }

    /// The tokens of its prompt, as far as can be told.
    pub(crate) fn prompt(&self) -> u64 {
        self.known().input
    }

    /// Whether its answer is made of tokens.
    pub(crate) const fn answers(&self) -> bool {
        self.answers
    }

    /// What the call is going to use, as far as can be told.
    pub(crate) fn before(&self) -> Quantities {
        let unseen = if self.answers { UNSEEN_ANSWER } else { 0 };
        Quantities {
            output: unseen,
            ..self.known()
        }
    }

    /// What the call used, and whether that was counted.
    pub(super) fn after(&self, ended: &Ended) -> (Quantities, Measure) {
        if matches!(self.tariff, Tariff::Free | Tariff::Call) {
            return (Quantities::default(), Measure::Reported);
        }
        // Whatever is embedded was read: who counts nothing has not counted.
        let embeds = self.tariff == Tariff::Tokens && !self.answers;
        let unfilled = |usage: &Quantities| embeds && *usage == Quantities::default();
        match ended.usage.filter(|usage| !unfilled(usage)) {
            Some(usage) if ended.whole => (usage, Measure::Reported),
            None if self.characters > 0 && ended.whole => (self.known(), Measure::Reported),
            said => (self.estimated(said, ended), Measure::Estimated),
        }
    }

    fn estimated(&self, said: Option<Quantities>, ended: &Ended) -> Quantities {
        let mut used = said.unwrap_or_else(|| self.known());
        let written = ended.heard.div_ceil(BYTES_PER_TOKEN);
        if self.answers {
            used.output += written.saturating_sub(used.written());
            used.searches = used.searches.max(ended.searched);
        }
        let is_sound = self.tariff == Tariff::Sound && self.characters == 0;
        if is_sound && said.is_none() {
            let by_bytes = ended.bytes_in.saturating_mul(1_000) / self.bytes_per_second;
            used.sound_ms = self.spoken_ms.unwrap_or(by_bytes);
        }
        used
    }

    /// What the request itself says.
    fn known(&self) -> Quantities {
        let mut used = Quantities::default();
        match self.tariff {
            Tariff::Free | Tariff::Call => {}
            Tariff::Tokens | Tariff::Rerank => used.input = self.bytes.div_ceil(BYTES_PER_TOKEN),
            Tariff::Images => used.images = self.images,
            Tariff::Sound => used.characters = self.characters,
        }
        used
    }

    fn read_images(&mut self, body: &[u8]) {
        let text = std::str::from_utf8(body).unwrap_or_default();
        let found = members(text, &["n", "size", "quality"]);
        let [n, size, quality] = found.map_or([None; 3], |found| found.values);
        let word = |json: Option<&str>| json.and_then(|json| serde_json::from_str(json).ok());
        self.draws(&Priced {
            n: n.map(str::to_owned),
            size: word(size),
            quality: word(quality),
            file: None,
        });
    }

    /// Hears an answer that nobody has counted.
    pub(super) fn hear(&mut self, answer: &[u8]) {
        if self.tariff == Tariff::Sound && self.characters == 0 {
            self.spoken_ms = spoken_ms(answer);
        }
    }

    /// Takes up what a form says that it is billed by.
    pub(crate) fn priced(&mut self, said: &Priced) {
        match self.tariff {
            Tariff::Images => self.draws(said),
            Tariff::Sound => {
                let ending = said.file.as_deref().unwrap_or_default();
                let leaner = LEANER.iter().find(|(known, _)| *known == ending);
                self.bytes_per_second = leaner.map_or(BYTES_PER_SECOND, |(_, bytes)| *bytes);
            }
            _ => {}
        }
    }

    fn draws(&mut self, said: &Priced) {
        let number = said.n.as_ref().and_then(|n| n.trim().parse().ok());
        self.images = u64::min(number.unwrap_or(1), MOST_IMAGES);
        let word = |word: &Option<String>| {
            let word = word.as_deref().map(str::trim);
            word.filter(|word| !matches!(*word, "" | "auto"))
                .map(str::to_owned)
        };
        let size = word(&said.size).unwrap_or_else(|| USUAL_SIZE.to_owned());
        self.size = Some(match word(&said.quality) {
            Some(quality) => format!("{quality}:{size}"),
            None => size,
        });
    }

    fn read_speech(&mut self, body: &[u8]) {
        let text = std::str::from_utf8(body).unwrap_or_default();
        let found = members(text, &["input"]);
        let [input] = found.map_or([None], |found| found.values);
        let input = input.and_then(|input| serde_json::from_str::<String>(input).ok());
        self.characters = input.map_or(0, |input| input.chars().count() as u64);
    }
}

/// How long a body is without the base64 in it: what stands behind `;base64,`, and long
/// members named `data`.
pub(crate) fn text_bytes(body: &[u8]) -> u64 {
    let mut bytes = body.len();
    let mut data = |at: usize, least: usize| {
        let behind = body.get(at..).unwrap_or_default();
        let length = base64_length(behind);
        if length >= least {
            bytes -= length.saturating_sub(MOST_DATA);
        }
    };
    for at in memmem::find_iter(body, ";base64,") {
        data(at + ";base64,".len(), 0);
    }
    for at in memmem::find_iter(body, "\"data\":") {
        let at = at + "\"data\":".len();
        let behind = body.get(at..).unwrap_or_default();
        let value = behind.trim_ascii_start();
        if value.starts_with(b"\"") {
            data(at + behind.len() - value.len() + 1, LEAST_DATA);
        }
    }
    bytes as u64
}

/// How long the base64 is that some text begins with. It may be megabytes: whole pieces
/// are judged without a branch for each byte.
fn base64_length(text: &[u8]) -> usize {
    let is_whole = |piece: &&[u8]| piece.iter().fold(true, |all, byte| all & is_base64(*byte));
    let pieces = text.chunks_exact(PIECE).take_while(is_whole);
    let whole = pieces.count() * PIECE;
    let rest = text.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|byte| is_base64(**byte)).count()
}

/// Whether it stands in base64 of any alphabet; slashes may be escaped.
const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=' | b'\\')
}

#[cfg(test)]
mod tests;
