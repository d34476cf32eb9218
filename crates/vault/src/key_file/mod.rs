//! Reads files of card keys as they arrive, in flat memory: one verdict per line, whatever the chunks.
//!
//! ```
//! use vault::key_file::{Format, KeyFileParser, LineError};
//! use vocabulary::KeyKind;
//!
//! let mut parser = KeyFileParser::new(Format::Text, KeyKind::Pair);
//! let mut verdicts = parser.feed(b"AAAA-1111, 9876\nBBBB-22");
//! verdicts.extend(parser.feed(b"22\n"));
//! verdicts.extend(parser.finish());
//! assert!(verdicts[0].verdict.is_ok());
//! assert_eq!((verdicts[1].line, verdicts[1].verdict.as_ref().err()), (2, Some(&LineError::MissingPin)));
//! ```

mod line;

use vocabulary::{CardKey, KeyKind};
use zeroize::Zeroizing;

use line::Columns;

/// The longest line that is read, in bytes, without its line end.
pub const LINE_BYTES_MAX: usize = 4096;

/// What may stand around a line and does not count: a byte order mark before, a carriage return after.
const BOM: &[u8] = b"\xef\xbb\xbf";
const BUFFER_BYTES: usize = LINE_BYTES_MAX + BOM.len() + 1;

/// How a key file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One key per line; for pairs the code, white space or a comma, and the pin.
    Text,
    /// Comma-separated with a header that names `code` and maybe `pin` and `expires_on`, in any order.
    Csv,
    /// One JSON object per line with the text fields `code`, maybe `pin` and `expires_on`.
    Ndjson,
}

impl Format {
    /// The format a content type names; parameters such as `charset` are passed over. `None` for other types.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/plain" => Some(Self::Text),
            "text/csv" | "application/csv" => Some(Self::Csv),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

/// Why a line holds no key. The texts never repeat the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum LineError {
    /// Nothing but white space. Harmless.
    #[error("the line is blank")]
    Blank,
    /// More than [`LINE_BYTES_MAX`] bytes.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// Not UTF-8; spreadsheets may save in another encoding.
    #[error("the line is not UTF-8")]
    NotUtf8,
    /// Too few or too many columns, or a quotation mark that does not close.
    #[error("the line does not have the expected columns")]
    WrongColumns,
    /// The CSV header is unreadable, repeats or lacks a column, or names an unknown one; no line can be read.
    #[error("the header does not name the columns code, pin, expires_on")]
    BadHeader,
    /// Not a JSON object with the text fields `code`, `pin`, `expires_on`.
    #[error("the line is not a JSON object of code, pin, expires_on as texts")]
    BadJson,
    /// `expires_on` is not a day written `yyyy-mm-dd`.
    #[error("expires_on is not a date of the form yyyy-mm-dd")]
    BadDate,
    /// There is no code.
    #[error("the code is missing")]
    MissingCode,
    /// The batch is of pairs and there is no pin.
    #[error("the pin is missing")]
    MissingPin,
    /// A control character or an invisible one: a buyer could not type such a key.
    #[error("the key has a control or invisible character")]
    ControlCharacter,
}

impl LineError {
    /// A stable word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::TooLong => "too_long",
            Self::NotUtf8 => "not_utf8",
            Self::WrongColumns => "wrong_columns",
            Self::BadHeader => "bad_header",
            Self::BadJson => "bad_json",
            Self::BadDate => "bad_date",
            Self::MissingCode => "missing_code",
            Self::MissingPin => "missing_pin",
            Self::ControlCharacter => "control_character",
        }
    }
}

/// What one line of the file is. A CSV header that can be read gives no verdict.
pub struct LineVerdict {
    /// The line's number, from 1.
    pub line: u64,
    /// The key on it, or why there is none.
    pub verdict: Result<CardKey, LineError>,
}

/// Reads a key file chunk by chunk. Holds at most one line.
pub struct KeyFileParser {
    format: Format,
    wants_pin: bool,
    columns: Option<Result<Columns, LineError>>,
    /// The number of the line in the buffer, from 1.
    line: u64,
    buffer: Zeroizing<Vec<u8>>,
    overflown: bool,
}

impl KeyFileParser {
    /// A parser for a file in `format` that holds keys of `kind`; pairs must have a pin.
    pub fn new(format: Format, kind: KeyKind) -> Self {
        Self {
            format,
            wants_pin: kind == KeyKind::Pair,
            columns: None,
            line: 1,
            // The full capacity at once: growing would leave copies of keys behind.
            buffer: Zeroizing::new(Vec::with_capacity(BUFFER_BYTES)),
            overflown: false,
        }
    }

    /// Reads on. Returns a verdict for each line that ended in `bytes`.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<LineVerdict> {
        let mut verdicts = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.keep(&rest[..end]);
            verdicts.extend(self.end_line());
            rest = &rest[end + 1..];
        }
        self.keep(rest);
        verdicts
    }

    /// Ends the file. Returns a verdict for a last line without a line end.
    pub fn finish(mut self) -> Vec<LineVerdict> {
        if self.buffer.is_empty() { Vec::new() } else { self.end_line().into_iter().collect() }
    }

    fn keep(&mut self, part: &[u8]) {
        let room = BUFFER_BYTES - self.buffer.len();
        self.overflown |= part.len() > room;
        self.buffer.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn end_line(&mut self) -> Option<LineVerdict> {
        let line = self.line;
        let verdict = self.judge();
        self.line += 1;
        self.overflown = false;
        self.buffer.clear();
        verdict.transpose().map(|verdict| LineVerdict { line, verdict })
    }

    /// The key on the line in the buffer; `None` for a header.
    fn judge(&mut self) -> Result<Option<CardKey>, LineError> {
        let mut bytes = self.buffer.as_slice();
        if self.line == 1 {
            bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
        }
        bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let text = if self.overflown || bytes.len() > LINE_BYTES_MAX {
            Err(LineError::TooLong)
        } else {
            std::str::from_utf8(bytes).map_err(|_| LineError::NotUtf8)
        };
        if text.is_ok_and(|text| text.trim().is_empty()) {
            return Err(LineError::Blank);
        }
        let fields = match self.format {
            Format::Text => line::text(text?, self.wants_pin)?,
            Format::Ndjson => line::json(text?)?,
            Format::Csv => match &self.columns {
                Some(columns) => columns.as_ref().map_err(|error| *error)?.fields(text?)?,
                None => {
                    let columns = text.and_then(Columns::from_header).map_err(|_| LineError::BadHeader);
                    let header = columns.as_ref().map(|_| None).map_err(|error| *error);
                    self.columns = Some(columns);
                    return header;
                }
            },
        };
        fields.into_key(self.wants_pin).map(Some)
    }
}
