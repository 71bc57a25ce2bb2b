//! Lookup tables that route mail, as far as their text says what they hold (DATABASE_README, postmap(1)).

use std::collections::BTreeSet;

use super::compiled::{Form, Formats};
use super::lines::{is_space, logical_lines, trim};
use crate::collect::confidential::OwnFiles;
use crate::collect::reading;
use crate::collect::root::{ReadError, Root};
use crate::facts::{Fact, Mta, Origin, OutdatedTable, Problem, ProblemKind};
use crate::secret::Syntax;

/// Rows that are kept of all tables of one parameter.
const ROW_LIMIT: usize = 50_000;
/// Tables of one parameter that are looked at: mail is looked up in each of them.
const TABLE_LIMIT: usize = 100;
/// Tables within each other (`unionmap`, `pipemap`) that are followed.
const DEPTH_LIMIT: usize = 4;
/// Types whose tables a program elsewhere holds; the name is a file that says how to ask it.
const DATABASES: [&str; 6] = ["ldap", "memcache", "mongodb", "mysql", "pgsql", "sqlite"];
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
    /// A pattern or network that files cannot turn into names.
    Pattern,
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
}

impl Tables {
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
        tables.undecided = true;
        let message = format!(
            "{} tables stand in one list, more than the {TABLE_LIMIT} that helolint looks at: what the others decide is not known",
            all.len()
        );
        let origin = parameter.origin.clone();
        let file = origin.span().map_or_else(String::new, |span| span.path().to_owned());
        tables.problems.push(Problem::of_file(ProblemKind::Bounded, &file, Some(origin), message));
    }
    for table in all.into_iter().take(TABLE_LIMIT) {
        read_table(table, parameter, place, 0, &mut tables);
    }
    tables
}

/// Reads a list of patterns such as `relay_domains`: names, files that hold more of them, and tables. A row stands for each pattern.
pub(crate) fn read_patterns(parameter: &Fact<String>, place: Place<'_>) -> Tables {
    let mut tables = Tables::default();
    for item in split_list(&parameter.value) {
        let item = item.trim_start_matches('!');
        if item.starts_with('/') {
            match place.files.read(item) {
                Ok(file) => {
                    let words = file.text().lines().filter(|line| !line.trim_start().starts_with('#'));
                    let words = words.flat_map(super::check::words).take(ROW_LIMIT);
                    tables.rows.extend(words.map(|word| Row { key: key_of(word), value: parameter.clone() }));
                }
                Err(ReadError::NotFound) => {
                    let message = format!("open file {item}: No such file or directory: Postfix defers all mail");
                    tables.problems.push(missing(item, parameter, message));
                    tables.undecided = true;
                }
                Err(_) => tables.undecided = true,
            }
        } else if item.contains(':') && !item.starts_with('[') {
            read_table(item, parameter, place, 0, &mut tables);
        } else {
            tables.rows.push(Row { key: key_of(item), value: parameter.clone() });
        }
    }
    tables
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
    let mut add = |key: Key, value: &str| {
        if tables.rows.len() < ROW_LIMIT {
            tables.rows.push(Row { key, value: named_by.with(value.to_owned()) });
        }
    };
    match kind {
        "proxy" | "unionmap" | "pipemap" if depth >= DEPTH_LIMIT => tables.undecided = true,
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
                let text = trim(&line.text);
                let origin = Origin::File(line.span(&file, 0, text.len()));
                if matches!(kind, "cidr" | "regexp" | "pcre") {
                    add_rule(text, &origin, tables);
                } else if let Some((key, value)) = text.split_once(|c: char| u8::try_from(c).is_ok_and(is_space))
                    && tables.rows.len() < ROW_LIMIT
                {
                    tables.rows.push(Row { key: key_of(key), value: Fact::new(trim(value).to_owned(), origin) });
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
    if value.is_empty() || matches!(pattern, "if" | "endif") || tables.rows.len() >= ROW_LIMIT {
        return;
    }
    if value.contains('$') {
        tables.undecided = true;
        return;
    }
    let every = mark.is_some() && matches!(pattern, "" | "^" | "." | ".*" | "^.*" | "^.*$" | ".+" | "^.+$" | "$");
    let key = if every { Key::Every } else { Key::Pattern };
    tables.rows.push(Row { key, value: Fact::new(value.to_owned(), origin.clone()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(list: &str, files: &[(&str, &str)]) -> (Vec<(Key, String)>, bool, Vec<ProblemKind>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let root = Root::open(dir.path()).unwrap();
        let files = OwnFiles::of_postfix(&root, []);
        let place = Place { root: &root, files: &files, base: "/", formats: &Formats::default() };
        let tables = read_tables(&Fact::new(list.to_owned(), Origin::default_of("test")), place);
        let rows = tables.rows.into_iter().map(|row| (row.key, row.value.value)).collect();
        (rows, tables.undecided, tables.problems.into_iter().map(|problem| problem.kind).collect())
    }

    #[test]
    fn lists_keep_braces_together() {
        assert_eq!(split_list("hash:/a, inline:{ {a = b}, c=d } x"), ["hash:/a", "inline:{ {a = b}, c=d }", "x"]);
    }

    #[test]
    fn tables_in_place() {
        let (rows, undecided, _) = read("inline:{ {@A.example = [x]:587}, *=y } randmap:{out1:,out2:}", &[]);
        let text = |text: &str| Key::Text(text.into());
        assert_eq!(rows[0], (text("@a.example"), "[x]:587".into()));
        assert_eq!(rows[1], (Key::Every, "y".into()));
        assert_eq!(rows[3], (Key::Every, "out2:".into()));
        assert!(!undecided);
        assert!(read("mysql:virtual", &[]).1);
    }

    #[test]
    fn indexed_tables_need_both_forms() {
        let text = "# note\na.example smtp:[x]\nb.example\n  out:\n";
        let (rows, undecided, problems) = read("hash:/t", &[("t", text), ("t.db", "")]);
        assert_eq!((rows.len(), undecided, problems.len()), (2, false, 0));
        assert_eq!(rows[1].1, "out:");
        assert_eq!(read("hash:/t", &[("t", text)]).2, [ProblemKind::Uncompiled { table: "hash:/t".into() }]);
        assert_eq!(read("hash:/t", &[("t.db", "")]).2, [ProblemKind::Unreadable { undecided: true }]);
        assert_eq!(read("hash:/t", &[]).2, [ProblemKind::Unreadable { undecided: false }]);
        assert_eq!(read("texthash:/t", &[("t", text)]).2, []);
    }

    #[test]
    fn what_postfix_refuses_in_the_names_of_tables() {
        let refused = [ProblemKind::Syntax { mta: Mta::Postfix, whole: false }];
        for list in ["/etc/postfix/transport", "hash:", "hsah:/t", "unionmap:{hsah:/t}"] {
            assert_eq!(read(list, &[]).2, refused, "{list}");
        }
        let missing = [ProblemKind::Unreadable { undecided: false }];
        for list in ["mysql:/t.cf", "proxy:pgsql:/t.cf", "ldap:./t.cf", "mongodb:/t.cf", "sqlite:/t.cf"] {
            let (_, undecided, problems) = read(list, &[]);
            assert!(undecided && problems == missing, "{list}: {problems:?}");
            assert_eq!(read(list, &[("t.cf", "password = secret\n")]).2, [], "{list}");
        }
        assert_eq!(read("mysql:virtual socketmap:unix:s:t tcp:127.0.0.1:9999", &[]).2, []);
    }

    #[test]
    fn a_text_that_is_newer_than_its_compiled_form_decides_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str, seconds: u64| {
            fs::write(dir.path().join(name), "a.example out:\n").unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            fs::File::options().write(true).open(dir.path().join(name)).unwrap().set_modified(time).unwrap();
        };
        let tables = |list: &str| {
            let root = Root::open(dir.path()).unwrap();
            let files = OwnFiles::of_postfix(&root, []);
            let place = Place { root: &root, files: &files, base: "/", formats: &Formats::default() };
            read_tables(&Fact::new(list.to_owned(), Origin::default_of("test")), place)
        };
        at("t", 1_000_060);
        at("t.db", 1_000_000);
        let found = tables("hash:/t");
        assert!(found.undecided && found.rows.is_empty());
        assert_eq!((found.outdated[0].compiled.as_str(), found.outdated[0].seconds), ("/t.db", 60));
        at("t.db", 1_000_060);
        let found = tables("hash:/t");
        assert!(!found.undecided && found.rows.len() == 1 && found.outdated.is_empty());
    }

    #[test]
    fn lists_of_patterns() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("names"), "# none yet\n").unwrap();
        fs::write(dir.path().join("more"), "a.example\nb.example c.example\n").unwrap();
        let root = Root::open(dir.path()).unwrap();
        let files = OwnFiles::of_postfix(&root, []);
        let place = Place { root: &root, files: &files, base: "/", formats: &Formats::default() };
        let patterns = |list: &str| {
            let found = read_patterns(&Fact::new(list.to_owned(), Origin::default_of("test")), place);
            (found.rows.len(), found.undecided, found.problems.len())
        };
        assert_eq!(patterns(""), (0, false, 0));
        assert_eq!(patterns("a.example, !b.example"), (2, false, 0));
        assert_eq!(patterns("/names"), (0, false, 0));
        assert_eq!(patterns("/more"), (3, false, 0));
        assert_eq!(patterns("/none"), (0, true, 1));
        assert_eq!(patterns("mysql:/none"), (0, true, 1));
        assert_eq!(patterns("[192.0.2.1]"), (1, false, 0));
    }

    #[test]
    fn tables_are_bounded() {
        for (count, ends) in [(TABLE_LIMIT, false), (TABLE_LIMIT + 1, true)] {
            let (rows, undecided, problems) = read(&"static:x ".repeat(count), &[]);
            assert_eq!((rows.len(), undecided), (TABLE_LIMIT, ends), "{count}");
            assert_eq!(problems.contains(&ProblemKind::Bounded), ends, "{count}");
        }
    }

    #[test]
    fn patterns() {
        let (rows, undecided, _) = read("regexp:/t", &[("t", "/^a@/i smtp:[x]\n/./ out:\n/(b)/ $1:\n")]);
        assert_eq!(rows, [(Key::Pattern, "smtp:[x]".into()), (Key::Every, "out:".into())]);
        assert!(undecided);
    }
}
