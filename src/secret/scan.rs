//! Finds what is secret in the text of a file, by its form alone: also where the file's program refuses it.

use std::collections::BTreeSet;
use std::ops::Range;

use super::commands;
use super::files::is_secret_file;
use super::joined;
use super::names::{self, Secrecy, hides, is_name, secrecy};
use super::told;

/// How the armour of a key begins.
const BEGIN: &str = "-----BEGIN ";
/// Longest label of an armour, in bytes.
const LABEL_LIMIT: usize = 64;
/// What looking for the ends of values may cost in a line, in lengths of the line: values within each other make it more.
const WORK: usize = 16;

/// Where a query of Exim's says which servers it is for, with user and password (`servers=host/database/user/password`).
const SERVERS: &str = "servers";

/// Words of Redis' HELLO before the AUTH in it: itself, the version, `SETNAME` and a name.
const HELLO_WORDS: usize = 4;

/// Lookups of Exim's in databases that are told so.
const QUERIES: [&str; 5] = ["mysql", "pgsql", "oracle", "ibase", "redis"];

/// How a file joins physical lines to logical ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// A line that begins with white space continues the one above.
    Postfix,
    /// A backslash at its end continues a line.
    Exim,
    /// One setting or entry for each line, or as in [`Syntax::Exim`].
    Plain,
}

impl Syntax {
    /// What a path suggests.
    pub fn of_path(path: &str) -> Syntax {
        match path {
            _ if path.contains("exim") => Syntax::Exim,
            _ if path.contains("/postfix") => Syntax::Postfix,
            _ => Syntax::Plain,
        }
    }
}

/// What was found in a file.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Secrets: byte ranges, sorted and apart.
    pub ranges: Vec<Range<usize>>,
    /// Settings that the values of secret ones refer to (`$name`).
    pub references: BTreeSet<String>,
    /// Logical lines with Exim's `hide`.
    pub hide_lines: Vec<Range<usize>>,
}

/// Looks through the file `path`. Settings named in `more` are secret too.
pub(crate) fn scan(path: &str, text: &str, syntax: Syntax, more: &BTreeSet<String>) -> Scan {
    let mut found = Scan::default();
    let whole = is_secret_file(path);
    for line in logical_lines(text, syntax) {
        if whole {
            found.ranges.push(line);
            continue;
        }
        let text = &text[line.clone()];
        Scanner { text, base: line.start, syntax, more, found: &mut found, work: 0, routes: None }.line();
    }
    found.ranges.extend(private_keys(text));
    found.ranges = joined(std::mem::take(&mut found.ranges));
    found
}

/// The secrets in a text that is no file: a value, a sentence.
pub(crate) fn in_text(text: &str) -> Vec<Range<usize>> {
    if !text.bytes().any(|byte| matches!(byte, b'=' | b'@' | b'{' | b';')) && !text.contains(" -") {
        return private_keys(text);
    }
    let (mut found, more) = (Scan::default(), BTreeSet::new());
    let mut scanner =
        Scanner { text, base: 0, syntax: Syntax::Plain, more: &more, found: &mut found, work: 0, routes: None };
    scanner.inside();
    scanner.options();
    found.ranges.extend(private_keys(text));
    joined(found.ranges)
}

/// Byte ranges of the logical lines, comments and empty lines between them left out.
fn logical_lines(text: &str, syntax: Syntax) -> Vec<Range<usize>> {
    let mut lines: Vec<Range<usize>> = Vec::new();
    let (mut at, mut open) = (0, false);
    for physical in text.split_inclusive('\n') {
        let start = at;
        at += physical.len();
        let bare = physical.trim();
        let comment = bare.is_empty() || bare.starts_with('#');
        let continues = match syntax {
            Syntax::Postfix => open && !comment && physical.starts_with(|c: char| c.is_ascii_whitespace()),
            Syntax::Exim | Syntax::Plain => open,
        };
        match lines.last_mut() {
            Some(line) if continues => line.end = at,
            _ if comment => continue,
            _ => lines.push(start..at),
        }
        open = match syntax {
            Syntax::Postfix => true,
            // A comment between does not end the line.
            Syntax::Exim | Syntax::Plain => bare.ends_with('\\') || (open && bare.starts_with('#')),
        };
    }
    lines
}

/// Private keys in their usual armour (RFC 7468).
fn private_keys(text: &str) -> Vec<Range<usize>> {
    let (mut keys, mut from) = (Vec::new(), 0);
    while let Some(start) = text[from..].find(BEGIN).map(|at| from + at) {
        from = start + BEGIN.len();
        let label = &text[from..text.floor_char_boundary(from + LABEL_LIMIT)];
        if !label.split("-----").next().is_some_and(|label| label.ends_with("PRIVATE KEY")) {
            continue;
        }
        let end = text[from..].find("-----END ").map_or(text.len(), |at| from + at);
        from = text[end..].find('\n').map_or(text.len(), |at| end + at);
        keys.push(start..from);
    }
    keys
}

/// Where a setting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the beginning of a line.
    Head,
    /// Within braces.
    Braces,
    /// Elsewhere in a line, as behind `-o`.
    Word,
}

/// Looks through one logical line.
struct Scanner<'t, 'f> {
    text: &'t str,
    /// Where it stands in the file.
    base: usize,
    syntax: Syntax,
    more: &'f BTreeSet<String>,
    found: &'f mut Scan,
    /// Bytes that were looked at more than once.
    work: usize,
    /// Whether the line routes mail, once that was asked.
    routes: Option<bool>,
}

/// White space, and what joins physical lines.
fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'\\'
}

impl Scanner<'_, '_> {
    fn line(&mut self) {
        if self.head() {
            return;
        }
        self.inside();
        self.options();
    }

    /// Options without an equals sign: what commands are given (`--password value`), and what Postfix refuses in master.cf (`-o name
    /// value`).
    fn options(&mut self) {
        let end = |at: usize| self.find_end(at, |byte| byte.is_ascii_whitespace());
        let is_secret = |name: &str, value: &str| hides(self.kind(name, Place::Word), value);
        for given in commands::passwords(self.text, self.syntax == Syntax::Postfix, end, is_secret) {
            self.push(given.start, given.end);
        }
    }

    fn push(&mut self, start: usize, end: usize) {
        let part = self.text.get(start..end).unwrap_or_default();
        let blank = |c: char| c.is_ascii_whitespace();
        let tail = |c: char| c.is_ascii_whitespace() || c == '\\';
        let (from, to) = (end - part.trim_start_matches(blank).len(), start + part.trim_end_matches(tail).len());
        if from < to {
            self.found.ranges.push(self.base + from..self.base + to);
        }
    }

    /// The setting that the line begins with, where its whole value is secret.
    fn head(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        let mut start = self.skip_blanks(0);
        let hide = self.text[start..].strip_prefix("hide").is_some_and(|rest| rest.starts_with(char::is_whitespace));
        let hide = hide && self.syntax != Syntax::Postfix;
        if hide {
            start = self.skip_blanks(start + "hide".len());
        }
        let end = start + bytes[start..].iter().take_while(|byte| is_name(**byte)).count();
        let name = &self.text[start..end];
        let mut value = self.skip_blanks(end);
        match bytes.get(value) {
            Some(b'=') => value = self.skip_blanks(value + 1 + usize::from(bytes.get(value + 1) == Some(&b'='))),
            _ if value == end => return false,
            // Without its equals sign: the program refuses it, and shows it.
            _ => {}
        }
        let hidden = hide && !names::is_on_the_wire(name);
        if hidden {
            self.found.hide_lines.push(self.base..self.base + self.text.len());
        }
        let kind = self.kind(name, Place::Head);
        let text = &self.text[value.min(self.text.len())..];
        if kind != Secrecy::Public {
            references(text, &mut self.found.references);
        }
        if !hidden && !hides(kind, text) {
            return false;
        }
        self.push(value.min(self.text.len()), self.text.len());
        true
    }

    fn kind(&self, name: &str, place: Place) -> Secrecy {
        let postfix = self.syntax == Syntax::Postfix;
        // Exim's databases are told in a query whom to ask, and as whom.
        let servers = !postfix && name.eq_ignore_ascii_case(SERVERS);
        let login = match place {
            Place::Braces => names::is_login(name) || name.eq_ignore_ascii_case(SERVERS),
            Place::Head => postfix && names::is_login(name),
            Place::Word => servers,
        };
        let login = login || (postfix && names::is_login_parameter(name));
        match secrecy(name) {
            Secrecy::Public if login => Secrecy::Always,
            Secrecy::Public if self.more.contains(name) => Secrecy::UnlessPath,
            kind => kind,
        }
    }

    fn skip_blanks(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| is_blank(**byte)).count()
    }

    /// Secrets anywhere in the line: settings in braces and options, items of Exim with a key, `user:password@`.
    fn inside(&mut self) {
        let bytes = self.text.as_bytes();
        // In a list, a query stands behind a semicolon.
        for (at, query) in self.text.match_indices("redis;") {
            if self.work > WORK * bytes.len() {
                return self.push(at, bytes.len());
            }
            self.login_command(at + query.len());
        }
        for found in told::secrets(self.text) {
            self.push(found.start, found.end);
        }
        let (mut depth, mut at) = (0usize, 0);
        while let Some(step) = bytes[at..].iter().position(|byte| matches!(byte, b'=' | b'@' | b'{' | b'}')) {
            at += step;
            if self.work > WORK * bytes.len() {
                return self.push(at, bytes.len());
            }
            match bytes[at] {
                b'{' => {
                    depth += 1;
                    self.keyed(at);
                }
                b'}' => depth = depth.saturating_sub(1),
                b'@' => self.user_info(at),
                _ => {
                    if let Some(end) = self.assignment(at, if depth > 0 { Place::Braces } else { Place::Word }) {
                        // What stands in the value is hidden with it; its braces are in pairs.
                        at = end.max(at + 1);
                        continue;
                    }
                }
            }
            at += 1;
        }
    }

    /// `name = value` with the equals sign at `at`. Gives the end of the value, where it is secret.
    fn assignment(&mut self, at: usize, place: Place) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let compares = |byte: Option<&u8>| matches!(byte, Some(b'=' | b'!' | b'<' | b'>'));
        if compares(bytes.get(at + 1)) && bytes.get(at + 1) == Some(&b'=') || at > 0 && compares(bytes.get(at - 1)) {
            return None;
        }
        let name_end = at - bytes[..at].iter().rev().take_while(|byte| is_blank(**byte)).count();
        let name_start = name_end - bytes[..name_end].iter().rev().take_while(|byte| is_name(**byte)).count();
        let kind = self.kind(&self.text[name_start..name_end], place);
        if kind == Secrecy::Public {
            return None;
        }
        let before = bytes[..name_start].iter().rposition(|byte| !is_blank(*byte));
        let start = self.skip_blanks(at + 1);
        let end = match before.map(|at| bytes[at]) {
            // `{ name = value }`
            Some(b'{') => self.value_end(start, |_| false),
            // A list: its items are apart from each other.
            _ if self.text[name_start..name_end].eq_ignore_ascii_case(SERVERS) => {
                self.value_end(start, |byte| byte == b';')
            }
            _ => self.value_end(start, |byte| byte.is_ascii_whitespace()),
        };
        let value = &self.text[start..end];
        references(value, &mut self.found.references);
        if !hides(kind, value) {
            return None;
        }
        self.push(start, end);
        Some(end)
    }

    /// Where the value that begins at `start` ends: behind its quotes, before a brace that closes more than it opens, or where `ends`.
    fn value_end(&mut self, start: usize, ends: fn(u8) -> bool) -> usize {
        let end = self.find_end(start, ends);
        self.work += end - start.min(end);
        end
    }

    fn find_end(&self, start: usize, ends: fn(u8) -> bool) -> usize {
        let bytes = self.text.as_bytes();
        let mut from = start;
        if let Some(quote @ (b'"' | b'\'')) = bytes.get(start) {
            from += 1;
            while let Some(byte) = bytes.get(from).filter(|byte| *byte != quote) {
                from += if *byte == b'\\' { 2 } else { 1 };
            }
            from += 1;
        }
        let mut depth = 0usize;
        for (at, byte) in bytes.iter().enumerate().skip(from) {
            match byte {
                b'{' => depth += 1,
                b'}' if depth == 0 => return at,
                b'}' => depth -= 1,
                // A shell joins what stands behind it.
                b' ' if at > from && bytes[at - 1] == b'\\' => {}
                _ if depth == 0 && ends(*byte) => return at,
                _ => {}
            }
        }
        bytes.len()
    }

    /// `user:password` before the `@` at `at`.
    fn user_info(&mut self, at: usize) {
        let parts = |byte: u8| is_blank(byte) && byte != b'\\' || b"\"'{}<>,;`".contains(&byte);
        let bytes = self.text.as_bytes();
        if bytes.get(at + 1).is_none_or(|byte| parts(*byte)) {
            return;
        }
        let mut start = at - bytes[..at].iter().rev().take_while(|byte| !parts(**byte)).count();
        // These may stand in a password of a URL or within brackets (RFC 3986), and between items of a list as well.
        if start > 0 && matches!(bytes[start - 1], b',' | b';' | b'\'') {
            let parts = |byte: u8| parts(byte) && !matches!(byte, b',' | b';' | b'\'');
            let wide = at - bytes[..at].iter().rev().take_while(|byte| !parts(**byte)).count();
            let word = &self.text[wide..at];
            let begins = word.rfind("://").or_else(|| word.rfind('[').filter(|open| !word[*open..].contains(']')));
            if begins.is_some_and(|begins| word[begins..].trim_start_matches("://").contains(':')) {
                start = wide;
            }
            self.work += at - wide;
        }
        self.work += at - start;
        let word = &self.text[start..at];
        if let Some((name, _)) = word.split_once('=')
            && name.bytes().all(is_name)
        {
            start += name.len() + 1;
        }
        let word = &self.text[start..at];
        let open = word.rfind('[').filter(|open| !word[*open..].contains(']'));
        if let Some(scheme) = word.rfind("://") {
            start += scheme + 3;
        } else if let Some(open) = open {
            start += open + 1;
        } else {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.+-%".contains(&byte);
            let head = word.split(':').next().unwrap_or_default();
            if head.is_empty() || head == "mailto" || !head.bytes().all(plain) {
                return;
            }
        }
        if self.text[start..at].contains(':') {
            self.push(start, at);
        }
    }

    /// What stands in the braces that open at `at`, where the word before them says that it is secret: keys of Exim's items, credentials
    /// of its conditions, maps within a parameter of Postfix that routes no mail.
    fn keyed(&mut self, at: usize) {
        let before = self.text[..at].trim_end_matches(|c: char| c.is_ascii_whitespace() || c == '\\');
        if QUERIES.iter().any(|kind| before.ends_with(kind)) {
            self.query(at + 1);
        } else {
            self.login_command(at + 1);
        }
        let word_start = before
            .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':')
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let group = match &before[word_start..] {
            "hmac" | "prvs" | "prvscheck" | "inbound_srs" | "crypteq" => 1,
            "srs_encode" | "pam" | "radius" | "pwcheck" | "saslauthd" => 0,
            word if word.ends_with("inline:") && !self.routes() => 0,
            _ => return,
        };
        let mut start = at;
        for _ in 0..group {
            let end = self.value_end(start + 1, |_| false);
            start = self.skip_blanks(end + 1);
        }
        if self.text.as_bytes().get(start) != Some(&b'{') {
            return;
        }
        let end = self.value_end(start + 1, |_| false);
        if hides(Secrecy::Always, &self.text[start + 1..end]) {
            self.push(start + 1, end);
        }
    }

    /// A query of Exim's for a database, where it begins at `at`: what stands before its first semicolon says whom it is for.
    fn query(&mut self, at: usize) {
        self.login_command(at);
        let end = self.value_end(at, |byte| byte == b';');
        let servers = self.text[at..end].trim();
        // A password may have an equals sign in it; behind `servers` it stands before all else.
        let told = servers.split('=').next().is_some_and(|head| head.contains('/'));
        if self.text.as_bytes().get(end) == Some(&b';') && told {
            self.push(at, end);
        }
    }

    /// The command by which Redis is logged in to, where it begins at `at`: `AUTH password`, `HELLO 3 AUTH user password`.
    fn login_command(&mut self, at: usize) {
        let mut start = self.skip_blanks(at);
        if self.behind_word(start, "hello").is_some() {
            // Behind it the version, and perhaps a name for the connection.
            for _ in 0..HELLO_WORDS {
                let word = self.text.as_bytes().get(start..).unwrap_or_default();
                start = self.skip_blanks(start + word.iter().take_while(|byte| !is_blank(**byte)).count());
                if self.behind_word(start, "auth").is_some() {
                    break;
                }
            }
        }
        let Some(from) = self.behind_word(start, "auth") else { return };
        let end = self.value_end(from, |_| false);
        self.push(from, end);
    }

    /// Where a word ends that begins at `start`, whatever the case of its letters, with a blank behind it.
    fn behind_word(&self, start: usize, word: &str) -> Option<usize> {
        let end = start + word.len();
        let bytes = self.text.as_bytes();
        let is_there = bytes.get(start..end)?.eq_ignore_ascii_case(word.as_bytes());
        (is_there && bytes.get(end)?.is_ascii_whitespace()).then_some(end)
    }

    /// Whether the line sets a parameter whose map says where mail goes, or under which name and address.
    fn routes(&mut self) -> bool {
        let text = self.text;
        *self.routes.get_or_insert_with(|| routes(text))
    }
}

/// Whether a setting's name is one of Postfix's parameters of that kind, be it behind `-o`.
fn routes(line: &str) -> bool {
    let head = line.split('=').next().unwrap_or_default().trim();
    let head = head.rsplit([' ', '\t']).next().unwrap_or_default();
    ["transport", "relayhost", "relay_", "mydestination", "virtual", "alias", "canonical", "generic", "helo", "bind"]
        .iter()
        .any(|part| head.contains(part))
}
/// Names that a value refers to: `$name`, `${name...`, `$(name)`.
fn references(value: &str, names: &mut BTreeSet<String>) {
    for (at, _) in value.match_indices('$') {
        let rest = value[at + 1..].trim_start_matches(['{', '(']).trim_start();
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        if !name.is_empty() {
            names.insert(name.to_owned());
        }
    }
}
