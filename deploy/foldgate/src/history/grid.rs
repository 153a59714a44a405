//! Tables for people: aligned by what a terminal shows, and with nothing in them
//! that could move its cursor.

use unicode_width::UnicodeWidthChar;

#[cfg(test)]
mod tests;

/// The widest cell; `--json` has all of it.
const MAX_CELL: usize = 100;

/// Between two columns.
const GAP: &str = "  ";

/// A table on its way.
#[derive(Debug)]
pub(super) struct Grid {
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// An empty table with its headings.
    pub(super) fn new(heads: &[&str]) -> Self {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        Self { rows: vec![heads] }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| shown(&cell)).collect();
        self.rows.push(cells);
    }

    /// Whether there is nothing but the headings.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// The lines, aligned.
    pub(super) fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| width(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(widest).collect();
        self.rows.iter().map(|row| aligned(row, &widths)).collect()
    }
}

/// Cells side by side, each at least as wide as its column.
pub(super) fn aligned(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, wanted) in cells.iter().zip(widths) {
        line.push_str(cell);
        let missing = wanted.saturating_sub(width(cell));
        line.extend(std::iter::repeat_n(' ', missing));
        line.push_str(GAP);
    }
    line.truncate(line.trim_end().len());
    line
}

/// A text as a cell: on one line, without control characters, not too wide.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut used = 0;
    for c in text.chars() {
        let plain = !c.is_control() && !is_reordering(c);
        let piece = if plain {
            c.to_string()
        } else {
            c.escape_default().to_string()
        };
        used += width(&piece);
        if used > MAX_CELL {
            shown.push('…');
            break;
        }
        shown.push_str(&piece);
    }
    shown
}

/// Signs that make a terminal show text in another order than it is in.
const fn is_reordering(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}
