//! Lookup tables that route mail, as far as their text says what they hold (DATABASE_README, postmap(1)).

use std::collections::BTreeSet;

use super::lines::{is_space, logical_lines, trim};
use crate::collect::confidential::OwnFiles;
use crate::collect::root::ReadError;
use crate::facts::{Fact, Origin, Problem, ProblemKind};
use crate::secret::Syntax;

/// Rows that are kept of all tables of one parameter.
const ROW_LIMIT: usize = 50_000;
/// Tables within each other (`unionmap`, `pipemap`) that are followed.
const DEPTH_LIMIT: usize = 4;

/// What a row is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Anything: `static:`, `randmap:`, `*`.
    Every,
    /// This text.
    Text(String),
    /// A pattern or network that files cannot turn into names.
    Pattern,
}

/// One row of a table.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is found by.
    pub key: Key,
    /// What it says, and where.
    pub value: Fact<String>,
}

/// The tables of one parameter.
#[derive(Debug, Default)]
pub struct Tables {
    /// All rows, the first tables first.
    pub rows: Vec<Row>,
    /// A table that files cannot decide.
    pub undecided: bool,
    /// Tables that are missing or cannot be read.
    pub problems: Vec<Problem>,
}

impl Tables {
    /// Whether a row answers every question.
    pub fn answers_all(&self) -> bool {
        self.rows.iter().any(|row| row.key == Key::Every)
    }
}

/// Reads the tables that a parameter names; relative paths are below `base`.
pub fn read_tables(parameter: &Fact<String>, root: &OwnFiles<'_>, base: &str) -> Tables {
    let mut tables = Tables::default();
    for table in split_list(&parameter.value) {
        read_table(table, parameter, root, base, 0, &mut tables);
    }
    tables
}

/// Items of a list: blanks and commas stand between them, braces hold them together.
pub fn split_list(list: &str) -> Vec<&str> {
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

fn read_table(
    table: &str,
    named_by: &Fact<String>,
    root: &OwnFiles<'_>,
    base: &str,
    depth: usize,
    tables: &mut Tables,
) {
    let Some((kind, name)) = table.split_once(':') else { return };
    let inner = trim(name.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(name));
    let mut add = |key: Key, value: &str| {
        if tables.rows.len() < ROW_LIMIT {
            tables.rows.push(Row { key, value: named_by.with(value.to_owned()) });
        }
    };
    match kind {
        "proxy" | "unionmap" | "pipemap" if depth >= DEPTH_LIMIT => tables.undecided = true,
        "proxy" => read_table(name, named_by, root, base, depth + 1, tables),
        "unionmap" => {
            for part in split_list(inner) {
                read_table(part, named_by, root, base, depth + 1, tables);
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
        "texthash" => read_text(kind, &path_of(name, base), &[], named_by, root, tables),
        "hash" | "btree" => read_text(kind, &path_of(name, base), &[".db"], named_by, root, tables),
        "lmdb" => read_text(kind, &path_of(name, base), &[".lmdb"], named_by, root, tables),
        "cdb" => read_text(kind, &path_of(name, base), &[".cdb"], named_by, root, tables),
        "dbm" | "sdbm" => read_text(kind, &path_of(name, base), &[".pag", ".dir"], named_by, root, tables),
        "cidr" | "regexp" | "pcre" => {
            if name.starts_with('{') {
                split_list(inner).into_iter().for_each(|rule| {
                    let rule = rule.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(rule);
                    add_rule(trim(rule), &named_by.origin, tables);
                });
            } else {
                read_text(kind, &path_of(name, base), &[], named_by, root, tables);
            }
        }
        _ => tables.undecided = true,
    }
}

/// The file below `base`, where the name is no absolute path.
fn path_of(name: &str, base: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("{}/{name}", base.trim_end_matches('/')) }
}

fn key_of(key: &str) -> Key {
    if key == "*" { Key::Every } else { Key::Text(key.to_ascii_lowercase()) }
}

/// Reads the text of a table; `compiled` are the endings of the files that Postfix reads instead of it.
fn read_text(
    kind: &str,
    path: &str,
    compiled: &[&str],
    named_by: &Fact<String>,
    root: &OwnFiles<'_>,
    tables: &mut Tables,
) {
    let mut problem = |kind: ProblemKind, message: String| {
        tables.problems.push(Problem::of_file(kind, path, Some(named_by.origin.clone()), message));
    };
    let missing = compiled.iter().find(|ending| !root.exists(&format!("{path}{ending}")));
    match root.read(path) {
        Ok(file) => {
            if let Some(ending) = missing {
                problem(
                    ProblemKind::Uncompiled { table: format!("{kind}:{path}") },
                    format!(
                        "{kind}:{path} has no compiled form {path}{ending}: Postfix reads that alone, and defers mail \
                         for which it looks the table up"
                    ),
                );
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
        Err(ReadError::NotFound) if !compiled.is_empty() && missing.is_none() => {
            tables.undecided = true;
            let message = format!("{kind}:{path} is there in compiled form alone: what it holds cannot be read");
            problem(ProblemKind::Unreadable { undecided: true }, message);
        }
        Err(error @ ReadError::Confidential) => {
            tables.undecided = true;
            let message = format!("{kind}:{path}: {error}: what it decides is undecided");
            problem(ProblemKind::Unreadable { undecided: true }, message);
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
        let root = crate::collect::root::Root::open(dir.path()).unwrap();
        let own = OwnFiles::of_postfix(&root, []);
        let tables = read_tables(&Fact::new(list.to_owned(), Origin::default_of("test")), &own, "/");
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
        assert!(read("mysql:/etc/x", &[]).1);
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
    fn patterns() {
        let (rows, undecided, _) = read("regexp:/t", &[("t", "/^a@/i smtp:[x]\n/./ out:\n/(b)/ $1:\n")]);
        assert_eq!(rows, [(Key::Pattern, "smtp:[x]".into()), (Key::Every, "out:".into())]);
        assert!(undecided);
    }
}
