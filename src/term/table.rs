//! Tables: text in straight columns, or JSON. Rows stand in the order they were pushed in.

use super::{Cell, Paint, Terminal, width};

/// To which side a column's cells lean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// What a column is called, and how it stands.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub title: &'static str,
    /// The field's name in JSON.
    pub key: &'static str,
    pub align: Align,
    /// In JSON only: there is no room for it in the text.
    pub hidden: bool,
}

impl Column {
    /// A visible column that leans left.
    pub const fn new(title: &'static str, key: &'static str) -> Self {
        Self {
            title,
            key,
            align: Align::Left,
            hidden: false,
        }
    }

    pub const fn right(self) -> Self {
        Self {
            align: Align::Right,
            ..self
        }
    }

    pub const fn hidden(self) -> Self {
        Self {
            hidden: true,
            ..self
        }
    }
}

/// How JSON is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonLayout {
    /// One line.
    Short,
    /// One line per field, indented by tabs.
    Pretty,
}

/// Rows of cells under columns.
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// No column is shortened below this many columns of the terminal: words of classes and types stay whole.
const LEAST_WIDTH: usize = 12;

impl Table {
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self {
            columns: columns.into(),
            rows: Vec::new(),
        }
    }

    /// Adds a row: a cell for each column, the hidden ones too. Cells beyond the columns are not shown.
    pub fn push(&mut self, row: impl Into<Vec<Cell>>) {
        self.rows.push(row.into());
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows as text, below the titles if `legend`. On a terminal too narrow for them long cells are shortened;
    /// in a pipe never.
    pub fn text(&self, terminal: &Terminal, legend: bool) -> String {
        let rows: Vec<Vec<(&Cell, String)>> = self
            .rows
            .iter()
            .map(|row| {
                self.visible(row)
                    .map(|(_, cell)| (cell, cell.text()))
                    .collect()
            })
            .collect();
        let columns: Vec<_> = self
            .columns
            .iter()
            .filter(|column| !column.hidden)
            .collect();
        let mut widths = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            let cells = || rows.iter().filter_map(|row| row.get(index));
            let least = if legend { width(column.title) } else { 0 };
            let full = cells().map(|(_, text)| width(text)).fold(least, usize::max);
            let rigid = cells().filter(|(cell, _)| !cell.shrinks());
            let least = rigid.map(|(_, text)| width(text)).fold(least, usize::max);
            widths.push(Width {
                full,
                least: least.max(LEAST_WIDTH),
            });
        }
        if terminal.is_tty {
            shrink(&mut widths, terminal.columns());
        }
        let mut text = String::new();
        if legend {
            let titles = columns
                .iter()
                .map(|column| (column.title.to_owned(), width(column.title)));
            text += &terminal.paint(Paint::Underline, &line(&columns, &widths, titles));
            text.push('\n');
        }
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|((cell, text), room)| {
                let text = cell.shorten(text, room.full);
                (cell.decorate(&text, terminal), width(&text))
            });
            text += &line(&columns, &widths, cells);
            text.push('\n');
        }
        text
    }

    /// The rows as an array of objects, one field per column, and a line feed.
    pub fn json(&self, layout: JsonLayout) -> String {
        let (open, between, close, colon) = match layout {
            JsonLayout::Short => ("{", ",", "}", ":"),
            JsonLayout::Pretty => ("\n\t{\n\t\t", ",\n\t\t", "\n\t}", " : "),
        };
        let object = |row: &Vec<Cell>| {
            let fields = self.columns.iter().zip(row);
            let fields: Vec<_> = fields
                .map(|(column, cell)| format!("\"{}\"{colon}{}", column.key, cell.json()))
                .collect();
            format!("{open}{}{close}", fields.join(between))
        };
        let objects: Vec<_> = self.rows.iter().map(object).collect();
        let end = if layout == JsonLayout::Pretty && !objects.is_empty() {
            "\n"
        } else {
            ""
        };
        format!("[{}{end}]\n", objects.join(","))
    }

    fn visible<'a>(&'a self, row: &'a [Cell]) -> impl Iterator<Item = (&'a Column, &'a Cell)> {
        self.columns
            .iter()
            .zip(row)
            .filter(|(column, _)| !column.hidden)
    }
}

/// How wide a column is, and how narrow it may become.
struct Width {
    full: usize,
    least: usize,
}

/// Makes the widest column that may become narrower so, again and again, until all fit or none may.
fn shrink(widths: &mut [Width], columns: usize) {
    loop {
        let gaps = widths.len().saturating_sub(1);
        let excess =
            (widths.iter().map(|width| width.full).sum::<usize>() + gaps).saturating_sub(columns);
        let widest = widths
            .iter_mut()
            .filter(|width| width.full > width.least)
            .max_by_key(|width| width.full);
        match widest {
            Some(width) if excess > 0 => width.full -= 1,
            _ => return,
        }
    }
}

/// One line of cells, each with the columns it takes; nothing is padded after the last.
fn line(
    columns: &[&Column],
    widths: &[Width],
    cells: impl Iterator<Item = (String, usize)>,
) -> String {
    let mut line = String::new();
    for (index, ((cell, taken), room)) in cells.zip(widths).enumerate() {
        let padding = " ".repeat(room.full.saturating_sub(taken));
        if index > 0 {
            line.push(' ');
        }
        match columns.get(index).map(|column| column.align) {
            Some(Align::Right) => line += &format!("{padding}{cell}"),
            _ if index + 1 == widths.len() => line += &cell,
            _ => line += &format!("{cell}{padding}"),
        }
    }
    line
}

#[cfg(test)]
mod tests;
