//! Lookup tables that route mail, as far as their text says what they hold (DATABASE_README, postmap(1)).

use std::collections::{BTreeSet, HashSet};

use super::compiled::{Form, Formats};
use super::lines::{is_space, logical_lines, trim};
use crate::collect::confidential::OwnFiles;
use crate::collect::reading;
use crate::collect::root::{ReadError, Root};
use crate::facts::{Fact, Mta, Origin, OutdatedTable, Problem, ProblemKind};
use crate::secret::Syntax;

/// Rows that are kept of all tables of one parameter.
const ROW_LIMIT: usize = 50_000;
/// Tables, and files of patterns, of one parameter that are looked at: mail is looked up in each of them.
const TABLE_LIMIT: usize = 100;
/// Tables within each other (`unionmap`, `pipemap`) that are followed.
const DEPTH_LIMIT: usize = 4;
/// Types whose tables a program elsewhere holds; the name is a file that says how to ask it.
const DATABASES: [&str; 6] = ["ldap", "memcache", "mongodb", "mysql", "pgsql", "sqlite"];
/// Types whose tables are texts, or made from one.
const FILES: [&str; 10] = ["texthash", "hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "cidr", "regexp", "pcre"];
/// Further types that files say nothing about.
const ELSEWHERE: [&str; 9] = ["debug", "environ", "internal", "netinfo", "nis", "nisplus", "socketmap", "tcp", "unix"];

/// Where tables are read.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The files.
    pub root: &'a Root,
    /// Those whose text may be told.
    pub files: &'a OwnFiles<'a>,
    /// Where relative paths begin.
    pub base: &'a str,
    /// Where compiled forms stand.
    pub formats: &'a Formats,
}

/// What a row is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// Anything: `static:`, `randmap:`, `*`.
    Every,
    /// This text.
    Text(String),
    /// A pattern or network that files cannot turn into names, as it stands there.
    Pattern(String),
}

/// One row of a table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What it is found by.
    pub key: Key,
    /// What it says, and where.
    pub value: Fact<String>,
}

/// The tables of one parameter.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// All rows, the first tables first.
    pub rows: Vec<Row>,
    /// A table that files cannot decide.
    pub undecided: bool,
    /// Tables that are missing or cannot be read.
    pub problems: Vec<Problem>,
    /// Tables whose text is newer than what Postfix reads.
    pub outdated: Vec<OutdatedTable>,
    /// The limit that ended the reading.
    cut: Option<String>,
}

impl Tables {
    fn push(&mut self, row: Row) {
        if self.rows.len() < ROW_LIMIT {
            self.rows.push(row);
        } else {
            self.end(format!("the tables of one list have more than the {ROW_LIMIT} rows that helolint keeps"));
        }
    }

    /// Whether a limit of helolint ended the reading.
    pub(crate) fn is_cut(&self) -> bool {
        self.problems.iter().any(|problem| problem.kind == ProblemKind::Bounded)
    }

    /// Ends the reading: what comes behind is not known.
    fn end(&mut self, limit: String) {
        self.undecided = true;
        self.cut.get_or_insert(limit);
    }

    /// The same, with the limit that ended the reading among the problems of `parameter`.
    fn with_limit(mut self, parameter: &Fact<String>) -> Tables {
        if let Some(limit) = self.cut.take() {
            let origin = parameter.origin.clone();
            let file = origin.span().map_or_else(String::new, |span| span.path().to_owned());
            let message = format!("{limit}: what the others decide is not known");
            self.problems.push(Problem::of_file(ProblemKind::Bounded, &file, Some(origin), message));
        }
        self
    }

    /// Whether a row answers every question.
    pub(crate) fn answers_all(&self) -> bool {
        self.rows.iter().any(|row| row.key == Key::Every)
    }
}

/// Reads the tables that a parameter names.
pub(crate) fn read_tables(parameter: &Fact<String>, place: Place<'_>) -> Tables {
    let mut tables = Tables::default();
    let all = split_list(&parameter.value);
    if all.len() > TABLE_LIMIT {
        tables.end(too_many_tables(all.len()));
    }
    for table in all.into_iter().take(TABLE_LIMIT) {
        read_table(table, parameter, place, 0, &mut tables);
    }
    tables.with_limit(parameter)
}

fn too_many_tables(count: usize) -> String {
    format!("{count} tables stand in one list, more than the {TABLE_LIMIT} that helolint looks at")
}

/// Reads a list of patterns such as `relay_domains`: names, files that hold more of them, and tables. A row stands for each pattern. What stands behind
/// `!` is no member, whatever comes after it (match_list(3)).
pub(crate) fn read_patterns(parameter: &Fact<String>, place: Place<'_>) -> Tables {
    let mut members = Members::default();
    let mut read = 0;
    for whole in split_list(&parameter.value) {
        let (item, is_out) = without_marks(whole);
        let is_table = item.contains(':') && !item.starts_with('[');
        if item.starts_with('/') || is_table {
            read += 1;
            if read > TABLE_LIMIT {
                members.tables.end(too_many_tables(read));
                break;
            }
        }
        let row = |name: &str| Row { key: key_of(name), value: parameter.with(name.to_owned()) };
        if item.starts_with('/') {
            match place.files.read(item) {
                Ok(file) => {
                    let words = file.text().lines().filter(|line| !line.trim_start().starts_with('#'));
                    let words = words.flat_map(super::check::words).take(ROW_LIMIT + 1);
                    words.for_each(|word| {
                        let (name, is_out_here) = without_marks(word);
                        members.add(row(name), is_out ^ is_out_here);
                    });
                }
                Err(ReadError::NotFound) => {
                    let message = format!("open file {item}: No such file or directory: Postfix defers all mail");
                    members.tables.problems.push(missing(item, parameter, message));
                    members.tables.undecided = true;
                }
                Err(_) => members.tables.undecided = true,
            }
        } else if is_table {
            let before = members.tables.rows.len();
            read_table(item, parameter, place, 0, &mut members.tables);
            let rows = members.tables.rows.split_off(before);
            rows.into_iter().for_each(|row| members.add(row, is_out));
        } else {
            members.add(row(item), is_out);
        }
    }
    members.tables.with_limit(parameter)
}

/// An item of a list without the `!` before it, and whether they say that it is no member.
fn without_marks(item: &str) -> (&str, bool) {
    let name = item.trim_start_matches('!');
    (name, (item.len() - name.len()) % 2 == 1)
}

/// What is in a list of patterns so far.
#[derive(Default)]
struct Members {
    tables: Tables,
    /// Names that an item before has said to be no members.
    without: HashSet<String>,
}

impl Members {
    fn add(&mut self, row: Row, is_out: bool) {
        match row.key {
            Key::Text(domain) if is_out => drop(self.without.insert(domain)),
            Key::Text(ref domain) if self.without.contains(domain) => {}
            // Which of the following it takes out is not looked at.
            Key::Every | Key::Pattern(_) if is_out => self.tables.undecided = true,
            _ => self.tables.push(row),
        }
    }
}

/// A file that is not there.
fn missing(path: &str, named_by: &Fact<String>, message: String) -> Problem {
    Problem::of_file(ProblemKind::Unreadable { undecided: false }, path, Some(named_by.origin.clone()), message)
}

/// Items of a list: blanks and commas stand between them, braces hold them together.
pub(crate) fn split_list(list: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut depth, mut start) = (0usize, None);
    for (at, byte) in list.bytes().enumerate() {
        let separates = depth == 0 && (byte == b',' || is_space(byte));
        match (separates, start) {
            (true, Some(from)) => {
                items.extend(list.get(from..at));
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    items.extend(start.and_then(|from| list.get(from..)));
    items
}

/// The tables of a list that are files: type and path of each.
pub(crate) fn files(list: &str, base: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    split_list(list).into_iter().take(TABLE_LIMIT).for_each(|table| collect_files(table, base, 0, &mut found));
    found
}

fn collect_files(table: &str, base: &str, depth: usize, found: &mut Vec<(String, String)>) {
    let Some((kind, name)) = table.split_once(':').filter(|_| depth <= DEPTH_LIMIT && found.len() < TABLE_LIMIT) else {
        return;
    };
    let inner = name.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    match kind {
        "proxy" => collect_files(name, base, depth + 1, found),
        "unionmap" | "pipemap" => {
            let parts = split_list(trim(inner.unwrap_or(name)));
            parts.into_iter().for_each(|part| collect_files(part, base, depth + 1, found));
        }
        // Another name stands for parameters of main.cf.
        kind if DATABASES.contains(&kind) && !name.starts_with(['/', '.']) => {}
        kind if DATABASES.contains(&kind) || (FILES.contains(&kind) && inner.is_none()) => {
            found.push((kind.to_owned(), path_of(name, base)));
        }
        _ => {}
    }
}

fn read_table(table: &str, named_by: &Fact<String>, place: Place<'_>, depth: usize, tables: &mut Tables) {
    let (kind, name) = match table.split_once(':') {
        Some((kind, name)) if !kind.is_empty() && !name.is_empty() => (kind, name),
        _ => {
            let words = format!("open dictionary: expecting \"type:name\" form instead of \"{table}\"");
            refuse(
                named_by,
                format!("{words}: the program that looks it up ends with this, and mail is deferred"),
                tables,
            );
            return;
        }
    };
    let base = place.base;
    let inner = trim(name.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(name));
    let mut add = |key: Key, value: &str| tables.push(Row { key, value: named_by.with(value.to_owned()) });
    match kind {
        "proxy" | "unionmap" if depth >= DEPTH_LIMIT => {
            tables
                .end(format!("tables stand within each other more than the {DEPTH_LIMIT} times that helolint follows"));
        }
        "proxy" => read_table(name, named_by, place, depth + 1, tables),
        "unionmap" => {
            for part in split_list(inner) {
                read_table(part, named_by, place, depth + 1, tables);
            }
        }
        "static" => add(Key::Every, inner),
        "randmap" => split_list(inner).into_iter().for_each(|value| add(Key::Every, value)),
        "inline" => {
            for item in split_list(inner) {
                let item = item.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(item);
                if let Some((key, value)) = item.split_once('=') {
                    add(key_of(trim(key)), trim(value));
                }
            }
        }
        "fail" => {}
        "texthash" | "hash" | "btree" | "lmdb" | "cdb" | "dbm" | "sdbm" => {
            read_text(kind, &path_of(name, base), named_by, place, tables);
        }
        "cidr" | "regexp" | "pcre" => {
            if name.starts_with('{') {
                split_list(inner).into_iter().for_each(|rule| {
                    let rule = rule.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(rule);
                    add_rule(trim(rule), &named_by.origin, tables);
                });
            } else {
                read_text(kind, &path_of(name, base), named_by, place, tables);
            }
        }
        kind if DATABASES.contains(&kind) => {
            tables.undecided = true;
            // Another name stands for parameters of main.cf.
            let path = path_of(name, base);
            let told = place.files.may_look_at(&path);
            if name.starts_with(['/', '.']) && told && place.root.is_missing(&path) {
                let message = format!(
                    "{kind}:{path}: open {path}: No such file or directory: each lookup fails, and mail is deferred"
                );
                tables.problems.push(missing(&path, named_by, message));
            }
        }
        "pipemap" if depth < DEPTH_LIMIT => {
            // What one gives is looked up in the next: what comes out is not known, what is missing is.
            let mut inside = Tables::default();
            split_list(inner).into_iter().for_each(|part| read_table(part, named_by, place, depth + 1, &mut inside));
            tables.undecided = true;
            tables.problems.append(&mut inside.problems);
            tables.outdated.append(&mut inside.outdated);
        }
        kind if ELSEWHERE.contains(&kind) || kind == "pipemap" => tables.undecided = true,
        _ => {
            tables.undecided = true;
            let message = format!("unsupported dictionary type: {kind}: each lookup fails, and mail is deferred");
            refuse(named_by, message, tables);
        }
    }
}

/// Notes what Postfix refuses in the value that names tables.
fn refuse(named_by: &Fact<String>, message: String, tables: &mut Tables) {
    let kind = ProblemKind::Syntax { mta: Mta::Postfix, whole: false };
    tables.problems.push(Problem::at(kind, named_by.origin.clone(), message));
}

/// The file below `base`, where the name is no absolute path.
fn path_of(name: &str, base: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("{}/{name}", base.trim_end_matches('/')) }
}

fn key_of(key: &str) -> Key {
    if key == "*" { Key::Every } else { Key::Text(key.to_ascii_lowercase()) }
}

/// Reads the text of a table, as far as Postfix goes by it.
fn read_text(kind: &str, path: &str, named_by: &Fact<String>, place: Place<'_>, tables: &mut Tables) {
    let Place { root, files, formats, .. } = place;
    let mut problem = |kind: ProblemKind, message: String| {
        tables.problems.push(Problem::of_file(kind, path, Some(named_by.origin.clone()), message));
    };
    let form = formats.form(kind, path, root);
    match files.read(path) {
        Ok(file) => {
            match &form {
                Form::Missing(compiled) => problem(
                    ProblemKind::Uncompiled { table: format!("{kind}:{path}") },
                    format!(
                        "{kind}:{path} has no compiled form {compiled}: Postfix reads that alone, and defers mail for which \
                         it looks the table up"
                    ),
                ),
                Form::At(compiled) => {
                    let changed = |path: &str| root.status(path).map(|status| status.modified);
                    let seconds = changed(path).zip(changed(compiled)).map(|(text, compiled)| text - compiled);
                    if let Some(seconds) = seconds.filter(|seconds| *seconds > 0) {
                        tables.undecided = true;
                        tables.outdated.push(OutdatedTable {
                            table: format!("{kind}:{path}"),
                            text: path.to_owned(),
                            compiled: compiled.clone(),
                            seconds,
                            named_by: named_by.origin.clone(),
                        });
                        return;
                    }
                }
                Form::Text => {}
            }
            file.read_as(Syntax::Postfix, BTreeSet::new());
            for line in logical_lines(file.text()) {
                if tables.cut.is_some() {
                    break;
                }
                let text = trim(&line.text);
                let origin = Origin::File(line.span(&file, 0, text.len()));
                if matches!(kind, "cidr" | "regexp" | "pcre") {
                    add_rule(text, &origin, tables);
                } else if let Some((key, value)) = text.split_once(|c: char| u8::try_from(c).is_ok_and(is_space)) {
                    tables.push(Row { key: key_of(key), value: Fact::new(trim(value).to_owned(), origin) });
                }
            }
        }
        Err(ReadError::NotFound) if matches!(form, Form::At(_)) => {
            tables.undecided = true;
            let message = format!("{kind}:{path} is there in compiled form alone: what it holds cannot be read");
            problem(ProblemKind::Unreadable { undecided: true }, message);
        }
        Err(error @ (ReadError::Confidential | ReadError::Denied | ReadError::Io(_) | ReadError::Changing)) => {
            tables.undecided = true;
            let message = format!("{kind}:{path}: {error}: what it decides is undecided");
            problem(reading::kind_of(&error, true), message);
        }
        Err(error) => {
            tables.undecided = true;
            let message = format!("{kind}:{path}: {error}: Postfix defers mail for which it looks the table up");
            problem(ProblemKind::Unreadable { undecided: false }, message);
        }
    }
}

/// A line of a cidr, regexp or pcre table: pattern and result.
fn add_rule(rule: &str, origin: &Origin, tables: &mut Tables) {
    let mark = rule.chars().next().filter(|c| !c.is_alphanumeric() && !matches!(c, '[' | '!' | ':' | '.'));
    let (pattern, rest) = match mark {
        Some(mark) => match rule.get(mark.len_utf8()..).and_then(|rest| rest.split_once(mark)) {
            Some((pattern, rest)) => (pattern, rest),
            None => return,
        },
        None => rule.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((rule, "")),
    };
    let value = match mark {
        // Flags stand between the pattern's end and the blank.
        Some(_) => rest.split_once(|c: char| c.is_ascii_whitespace()).map_or("", |(_, value)| value),
        None => rest,
    };
    let (value, pattern) = (trim(value), trim(pattern));
    if value.is_empty() || matches!(pattern, "if" | "endif") {
        return;
    }
    if value.contains('$') {
        tables.undecided = true;
        return;
    }
    let every = mark.is_some() && matches!(pattern, "" | "^" | "." | ".*" | "^.*" | "^.*$" | ".+" | "^.+$" | "$");
    let written = rule.get(..rule.len() - value.len()).map_or(pattern, trim);
    let key = if every { Key::Every } else { Key::Pattern(written.to_owned()) };
    tables.push(Row { key, value: Fact::new(value.to_owned(), origin.clone()) });
}

#[cfg(test)]
mod tests;
