//! Rust source as the rules want to see it: code without comments, the contents of strings, and tests.
//!
//! A reader of characters, not a parser: it knows comments, strings, braces and `#[cfg(test)]`, which is all it takes.

use std::fs;
use std::path::Path;

/// One file.
pub(super) struct Source {
    /// Below the top of the project, `src/fetch/http.rs`.
    pub path: String,
    pub lines: Vec<Line>,
    /// The words and signs of the code that is not a test, with the lines they stand in, counted from 1.
    pub tokens: Vec<(usize, String)>,
}

#[derive(Default)]
pub(super) struct Line {
    pub raw: String,
    /// Without comments; strings are `""`.
    pub code: String,
    /// The strings that begin here, as written.
    pub strings: Vec<String>,
    pub is_test: bool,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let mut lines = split(text);
        let file = path.rsplit('/').next();
        if file == Some("tests.rs") || path.contains("/tests/") {
            lines.iter_mut().for_each(|line| line.is_test = true);
        } else {
            mark_tests(&mut lines);
        }
        let tokens = (lines.iter().enumerate().filter(|(_, line)| !line.is_test))
            .flat_map(|(index, line)| tokens(&line.code).map(move |token| (index + 1, token)))
            .collect();
        Self {
            path: path.to_owned(),
            lines,
            tokens,
        }
    }

    /// Every Rust file below that folder of the project.
    pub(super) fn all(folder: &str) -> Vec<Self> {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![top.join(folder)];
        let mut sources = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    let name = path.strip_prefix(top).unwrap().to_str().unwrap();
                    sources.push(Self::new(name, &fs::read_to_string(&path).unwrap()));
                }
            }
        }
        sources.sort_by(|one, other| one.path.cmp(&other.path));
        sources
    }

    /// The first part of the module path: `fetch` for `src/fetch/http.rs`, `world` for `src/world.rs`.
    pub(super) fn room(&self) -> &str {
        self.modules()[0]
    }

    /// The module path: `fetch`, `http` for `src/fetch/http.rs`, `fetch` for `src/fetch/mod.rs`.
    pub(super) fn modules(&self) -> Vec<&str> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let path = path.strip_suffix("/mod.rs").unwrap_or(path);
        path.strip_suffix(".rs")
            .unwrap_or(path)
            .split('/')
            .collect()
    }

    /// Lines that hold code and no test, with their numbers.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &Line)> {
        let numbered = self.lines.iter().enumerate();
        numbered
            .filter(|(_, line)| !line.is_test && !line.code.trim().is_empty())
            .map(|(index, line)| (index + 1, line))
    }

    /// Where these words and signs follow each other: the line and the position after them in `tokens`.
    pub(super) fn find(&self, words: &[&str]) -> Vec<(usize, usize)> {
        let windows = self.tokens.windows(words.len()).enumerate();
        windows
            .filter(|(_, window)| window.iter().map(|token| &token.1).eq(words))
            .map(|(position, window)| (window[0].0, position + words.len()))
            .collect()
    }

    pub(super) fn token(&self, position: usize) -> &str {
        self.tokens.get(position).map_or("", |token| &token.1)
    }

    /// The position of the brace that closes the one at `open`.
    pub(super) fn closing(&self, open: usize) -> usize {
        let mut depth = 0;
        for position in open..self.tokens.len() {
            match self.token(position) {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return position;
            }
        }
        self.tokens.len() - 1
    }
}

/// Takes lines apart.
fn split(text: &str) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment_length(rest)
        } else if let Some((open, length)) = string(rest, &text[..text.len() - rest.len()]) {
            let line = lines.last_mut().unwrap();
            line.code.push_str("\"\"");
            line.strings
                .push(rest[open..length].trim_matches(['"', '#']).to_owned());
            length
        } else {
            let length = character_length(rest).unwrap_or(next.len_utf8());
            match length > next.len_utf8() {
                true => lines.last_mut().unwrap().code.push_str("''"),
                false if next != '\n' => lines.last_mut().unwrap().code.push(next),
                false => {}
            }
            length
        };
        let (part, after) = rest.split_at(taken);
        let in_string = part.len() > 1 && !part.starts_with('/');
        for (index, piece) in part.split('\n').enumerate() {
            if index > 0 {
                lines.push(Line::default());
                // What goes on in a string of several lines is code too.
                lines
                    .last_mut()
                    .unwrap()
                    .code
                    .push_str(if in_string { "\"\"" } else { "" });
            }
            lines.last_mut().unwrap().raw.push_str(piece);
        }
        rest = after;
    }
    if lines.last().is_some_and(|line| line.raw.is_empty()) {
        lines.pop();
    }
    lines
}

/// Of a block comment, those within it included.
fn comment_length(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match text.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Where the contents of a string that begins here begin, and where it ends with its last sign.
fn string(text: &str, before: &str) -> Option<(usize, usize)> {
    let in_word = before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
    let prefix = text.find(|next| !matches!(next, 'b' | 'c' | 'r'))?;
    let hashes = text[prefix..].find(|next| next != '#')?;
    let open = prefix + hashes;
    if !text[open..].starts_with('"') || (prefix > 0 && in_word) || prefix > 2 {
        return None;
    }
    let is_raw = text[..prefix].ends_with('r');
    if !is_raw && hashes > 0 {
        return None;
    }
    let inside = open + 1;
    if is_raw {
        let end = format!("\"{}", "#".repeat(hashes));
        let length = text[inside..].find(&end)?;
        return Some((inside, inside + length + end.len()));
    }
    let mut escaped = false;
    let end = text[inside..].find(|next| {
        let ends = next == '"' && !escaped;
        escaped = next == '\\' && !escaped;
        ends
    })?;
    Some((inside, inside + end + 1))
}

/// Of a character's literal; `None` if this is none, a lifetime for one.
fn character_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    let skipped = if first == '\\' { 2 } else { first.len_utf8() };
    let end = inside.get(skipped..)?.find('\'')?;
    (first == '\\' || end == 0).then_some(1 + skipped + end + 1)
}

/// Marks each item below a `#[cfg(test)]`.
fn mark_tests(lines: &mut [Line]) {
    let mut index = 0;
    while index < lines.len() {
        if !lines[index].code.contains("#[cfg(test)]") {
            index += 1;
            continue;
        }
        let mut depth = 0_usize;
        let mut done = false;
        while !done && index < lines.len() {
            for sign in lines[index].code.chars() {
                match sign {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                done |= depth == 0 && matches!(sign, '}' | ';');
            }
            lines[index].is_test = true;
            index += 1;
        }
    }
}

/// Words, `::`, and single signs.
pub(super) fn tokens(code: &str) -> impl Iterator<Item = String> {
    let mut rest = code;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let word = |next: char| next.is_alphanumeric() || next == '_';
        let length = if rest.starts_with("::") {
            2
        } else if word(first) {
            rest.find(|next| !word(next)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        Some(token.to_owned())
    })
}
