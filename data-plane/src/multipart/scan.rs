//! Finds a form's fields while it passes, however it is cut into pieces.

use std::ops::Range;

use memchr::{memchr, memmem, memrchr};

/// The longest head of a part; curl's and the SDKs' have a few hundred bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The longest value that is read; model names are shorter.
const MAX_VALUE_BYTES: usize = 1024;

/// The longest ending of a file's name that says what it is.
const MAX_ENDING_BYTES: usize = 8;

const N: &str = "n";
const SIZE: &str = "size";
const QUALITY: &str = "quality";

/// What is wrong with a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    /// A second model.
    #[error("model is given twice")]
    Twice,
    /// A model that is no name.
    #[error("model must be a text of at most 256 bytes")]
    Model,
    /// A second value of what an image is priced by.
    #[error("{0} is given twice")]
    Again(&'static str),
    /// A value of it that nobody reads.
    #[error("{0} is too long")]
    Long(&'static str),
    /// A part's head has no end, or is none.
    #[error("the form has a part whose head cannot be read")]
    Head,
    /// The form breaks off.
    #[error("the form ends before its last boundary")]
    Unfinished,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first part, in a part's value: until a boundary.
    Value,
    /// Behind a boundary: in a part's head, or at the end of the form.
    Head,
    /// Behind the last boundary.
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Model,
    Stream,
    Picture(&'static str),
    File,
    Other,
}

/// What a form says that it is billed by, as far as it has come.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Priced {
    /// How many images.
    pub(crate) n: Option<String>,
    /// How large.
    pub(crate) size: Option<String>,
    /// How good.
    pub(crate) quality: Option<String>,
    /// What sort of file it brings: how its name ends, in small letters.
    pub(crate) file: Option<String>,
}

impl Priced {
    fn field(&mut self, name: &str) -> &mut Option<String> {
        match name {
            N => &mut self.n,
            SIZE => &mut self.size,
            _ => &mut self.quality,
        }
    }
}

/// See the module. Places are counted in bytes from the form's beginning.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// CRLF, two dashes and the boundary. A CR stands in it only at its start, so what
    /// matched in part and then does not can only begin anew where the mismatch is.
    delimiter: Vec<u8>,
    /// How much of it the bytes before end with.
    matched: usize,
    at: At,
    /// Where the next byte stands.
    place: usize,
    head: Vec<u8>,
    field: Field,
    value: Vec<u8>,
    value_from: usize,
    first_part: Option<usize>,
    model: Option<(String, Range<usize>)>,
    streams: bool,
    priced: Priced,
}

impl Scanner {
    /// At a form's beginning.
    pub(super) fn new(boundary: &str) -> Self {
        Self {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            // A form may begin with its boundary, without a line before.
            matched: 2,
            at: At::Value,
            place: 0,
            head: Vec::new(),
            field: Field::Other,
            value: Vec::new(),
            value_from: 0,
            first_part: None,
            model: None,
            streams: false,
            priced: Priced::default(),
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// What is wrong with the form.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Result<(), Wrong> {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = match self.at {
                At::Value => self.feed_value(rest)?,
                At::Head => self.feed_head(rest)?,
                At::Over => rest.len(),
            };
            self.place += taken;
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// The form is over.
    ///
    /// # Errors
    /// It should not be.
    pub(super) fn finish(&self) -> Result<(), Wrong> {
        let over = self.at == At::Over || (self.at == At::Head && self.head.starts_with(b"--"));
        over.then_some(()).ok_or(Wrong::Unfinished)
    }

    /// Whether the model is known.
    pub(super) fn has_model(&self) -> bool {
        self.model.is_some()
    }

    /// The model, and where it stands.
    pub(super) fn model(&self) -> Option<(&str, Range<usize>)> {
        let (model, at) = self.model.as_ref()?;
        Some((model, at.clone()))
    }

    /// Whether a stream is asked for, as far as is known.
    pub(super) const fn streams(&self) -> bool {
        self.streams
    }

    /// What it says that it is billed by, as far as is known.
    pub(super) const fn priced(&self) -> &Priced {
        &self.priced
    }

    /// Where the boundary of the first part begins.
    pub(super) fn first_part(&self) -> usize {
        self.first_part.unwrap_or(0)
    }

    /// A part's value, as far as the boundary behind it.
    fn feed_value(&mut self, rest: &[u8]) -> Result<usize, Wrong> {
        if self.matched > 0 {
            return self.go_on_matching(rest);
        }
        let delimiter = self.delimiter.as_slice();
        if let Some(found) = memmem::find(rest, delimiter) {
            let end = found + delimiter.len();
            self.keep(rest.get(..found).unwrap_or_default())?;
            self.value_ends(self.place + end)?;
            return Ok(end);
        }
        // What this piece ends with may begin the boundary.
        let tail = rest.len().saturating_sub(delimiter.len() - 1);
        let last = rest.get(tail..).unwrap_or_default();
        let begun = memrchr(b'\r', last)
            .and_then(|at| last.get(at..))
            .filter(|last| delimiter.starts_with(last))
            .map_or(0, <[u8]>::len);
        self.matched = begun;
        self.keep(rest.get(..rest.len() - begun).unwrap_or_default())?;
        Ok(rest.len())
    }

    fn go_on_matching(&mut self, rest: &[u8]) -> Result<usize, Wrong> {
        let wanted = self.delimiter.get(self.matched..).unwrap_or_default();
        let same = wanted.iter().zip(rest).take_while(|(a, b)| a == b).count();
        let matched = self.matched + same;
        if matched == self.delimiter.len() {
            self.matched = 0;
            self.value_ends(self.place + same)?;
        } else if same == rest.len() {
            self.matched = matched;
        } else {
            self.matched = 0;
            let kept = self.delimiter.get(..matched).unwrap_or_default().to_vec();
            self.keep(&kept)?;
            if same == 0 {
                // No progress in bytes, but in state: the caller comes again.
                return self.feed_value(rest);
            }
        }
        Ok(same)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        if self.field == Field::Other {
            return Ok(());
        }
        if self.value.len() + bytes.len() > MAX_VALUE_BYTES {
            return match std::mem::replace(&mut self.field, Field::Other) {
                Field::Model => Err(Wrong::Model),
                Field::Picture(name) => Err(Wrong::Long(name)),
                Field::Stream | Field::File | Field::Other => Ok(()),
            };
        }
        self.value.extend_from_slice(bytes);
        Ok(())
    }

    /// A boundary was passed, and with it the end of the value before it; what follows
    /// stands at `next`.
    fn value_ends(&mut self, next: usize) -> Result<(), Wrong> {
        self.at = At::Head;
        self.head.clear();
        let end = next.saturating_sub(self.delimiter.len());
        // The line break before the first boundary is the preamble's.
        let dashes = next.saturating_sub(self.delimiter.len() - 2);
        self.first_part.get_or_insert(dashes);
        let value = std::mem::take(&mut self.value);
        match std::mem::replace(&mut self.field, Field::Other) {
            Field::Other | Field::File => {}
            Field::Stream => {
                self.streams = value.eq_ignore_ascii_case(b"true");
            }
            Field::Picture(name) => {
                let value = String::from_utf8_lossy(&value).into_owned();
                if self.priced.field(name).replace(value).is_some() {
                    return Err(Wrong::Again(name));
                }
            }
            Field::Model => {
                if self.model.is_some() {
                    return Err(Wrong::Twice);
                }
                let model = String::from_utf8(value).map_err(|_| Wrong::Model)?;
                self.model = Some((model, self.value_from..end));
            }
        }
        Ok(())
    }

    /// What follows a boundary: two dashes, or a line's end and a head.
    fn feed_head(&mut self, rest: &[u8]) -> Result<usize, Wrong> {
        // Up to a line's end at a time, so that the head's end is seen as it comes.
        let line = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let piece = rest.get(..line).unwrap_or_default();
        if self.head.len() + piece.len() > MAX_HEAD_BYTES {
            return Err(Wrong::Head);
        }
        self.head.extend_from_slice(piece);
        if self.head.starts_with(b"--") {
            self.at = At::Over;
            return Ok(rest.len());
        }
        if !self.head.ends_with(b"\r\n\r\n") {
            return Ok(line);
        }
        self.field = field(&self.head)?;
        if self.field == Field::File {
            self.priced.file = ending(&self.head);
            self.field = Field::Other;
        }
        if self.field == Field::Model && self.model.is_some() {
            return Err(Wrong::Twice);
        }
        self.at = At::Value;
        self.value_from = self.place + line;
        Ok(line)
    }
}

/// Which field a part is, by its head. Whatever two parsers may read in two ways is
/// refused: the upstream must not find another model in it.
fn field(head: &[u8]) -> Result<Field, Wrong> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    let padding = lines.next().unwrap_or_default();
    if !padding.trim_matches([' ', '\t']).is_empty() {
        return Err(Wrong::Head);
    }
    let mut disposition = None;
    for line in lines {
        if line.contains(['\r', '\n']) || line.starts_with([' ', '\t']) {
            return Err(Wrong::Head);
        }
        let (name, value) = line.split_once(':').ok_or(Wrong::Head)?;
        let is = name.trim().eq_ignore_ascii_case("content-disposition");
        if is && disposition.replace(value).is_some() {
            return Err(Wrong::Head);
        }
    }
    Ok(match name(disposition.ok_or(Wrong::Head)?)?.as_str() {
        "model" => Field::Model,
        "stream" => Field::Stream,
        N => Field::Picture(N),
        SIZE => Field::Picture(SIZE),
        QUALITY => Field::Picture(QUALITY),
        "file" => Field::File,
        _ => Field::Other,
    })
}

/// How the name of a part's file ends, in small letters; `None` where that says nothing.
fn ending(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, behind) = head.split_once("filename=")?;
    let name = behind
        .trim_start_matches('"')
        .split(['"', ';', '\r'])
        .next()?;
    let (_, ending) = name.trim().rsplit_once('.')?;
    Some(ending.to_owned()).filter(|ending| ending.len() <= MAX_ENDING_BYTES)
}

/// The one parameter `name` of a disposition; a semicolon within quotes ends nothing.
fn name(disposition: &str) -> Result<String, Wrong> {
    let (mut quoted, mut escaped) = (false, false);
    let parameters = disposition.split(|c: char| {
        let ends = c == ';' && !quoted;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        ends
    });
    let mut names = parameters.filter_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let key = key.trim().trim_end_matches('*');
        let is = key.eq_ignore_ascii_case("name");
        is.then(|| value.trim().trim_matches('"').replace('\\', ""))
    });
    let (Some(name), None) = (names.next(), names.next()) else {
        return Err(Wrong::Head);
    };
    match name.rsplit_once("''") {
        None => Ok(name),
        // Some read `mod%65l` as `model`.
        Some((_, extended)) if extended.contains('%') => Err(Wrong::Head),
        Some((_, extended)) => Ok(extended.to_owned()),
    }
}
