//! Passwords that commands are given: by options that say so, and by those that one program alone understands.

use std::ops::Range;

use super::names::is_name;

/// What looking for the ends of values may cost in a text, in lengths of the text: what is left then counts as secret.
const WORK: usize = 16;

/// A program by which the words behind it are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    /// mysql, mysqladmin, mariadb-dump: `-pX`. A blank between means that it asks.
    Mysql,
    /// redis-cli: `-a X`.
    Redis,
    /// ldapsearch and its like: `-w X`, `-wX`.
    Ldap,
    /// mongosh: `-p X`, `-pX`.
    Mongo,
    /// sshpass: `-p X`, `-pX`, before the command that it runs.
    Sshpass,
    /// curl: `-uX`, `-su X`.
    Curl,
    /// openssl: `-hmac X`, `-k X`, `-K X`.
    Openssl,
    /// swaks: `-ap X`.
    Swaks,
}

impl Program {
    fn of(word: &str) -> Option<Program> {
        let name = word.rsplit(['/', '=']).next().unwrap_or_default();
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        Some(match name {
            _ if !plain => return None,
            "redis-cli" | "valkey-cli" | "keydb-cli" => Program::Redis,
            "mongo" | "mongosh" | "mongodump" | "mongorestore" | "mongoexport" => Program::Mongo,
            "sshpass" => Program::Sshpass,
            "curl" => Program::Curl,
            "openssl" => Program::Openssl,
            "swaks" => Program::Swaks,
            _ if name.starts_with("mysql") || name.starts_with("mariadb") => Program::Mysql,
            _ if name.starts_with("ldap") && name.len() > 4 && !name.contains('_') => Program::Ldap,
            _ => return None,
        })
    }

    /// Whether a word with its password stands behind this one.
    fn is_followed(self, option: &str) -> bool {
        match self {
            Program::Redis => option == "-a" || option.eq_ignore_ascii_case("auth"),
            Program::Ldap => self.letter_at(option).is_some_and(|at| at + 1 == option.len()),
            Program::Mongo | Program::Sshpass => option == "-p",
            Program::Swaks => option == "-ap",
            Program::Openssl => matches!(option, "-hmac" | "-k" | "-K"),
            Program::Curl => {
                option == "--oauth2-bearer" || self.letter_at(option).is_some_and(|at| at + 1 == option.len())
            }
            Program::Mysql => false,
        }
    }

    /// Where in a word of short options the one stands that a password follows: those before it have no value.
    fn letter_at(self, word: &str) -> Option<usize> {
        let (letter, flags) = match self {
            Program::Mysql => ('p', "ABCEHLNXbfinqrstvw"),
            Program::Mongo | Program::Sshpass => ('p', ""),
            Program::Ldap => ('w', "ACILMNQRZcnuvx"),
            Program::Curl => ('u', "#0123456BGIJLNOQSVafgijklnpqsv"),
            Program::Redis | Program::Swaks | Program::Openssl => return None,
        };
        let options = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?;
        let at = options.find(letter)?;
        options[..at].chars().all(|flag| flags.contains(flag)).then_some(at + 1)
    }

    /// Where in a word the password begins that is a part of it.
    fn joined(self, word: &str) -> Option<usize> {
        self.letter_at(word).map(|at| at + 1).filter(|start| *start < word.len())
    }
}

/// What was read of a command.
#[derive(Default)]
struct Command<'t> {
    programs: Vec<Program>,
    /// The last word but one.
    before: &'t str,
    /// The last word.
    option: &'t str,
}

impl<'t> Command<'t> {
    /// Notes a word that is no password.
    fn word(&mut self, word: &'t str) {
        (self.before, self.option) = (self.option, word);
        if let Some(program) = Program::of(word).filter(|program| !self.programs.contains(program)) {
            self.programs.push(program);
        }
    }

    /// Notes that a password was given, by the option of a program.
    fn given(&mut self) {
        // What it runs has options of its own.
        self.programs.retain(|program| *program != Program::Sshpass);
        (self.before, self.option) = ("", "");
    }
}

/// Byte ranges of passwords in the commands of a text, in order. `end` says where a value ends that begins at a place, and `hides` whether an
/// option of some name (`--name value`, in Postfix's files also `-o name value`) has a value that is secret.
pub(super) fn passwords(
    text: &str,
    postfix: bool,
    end: impl Fn(usize) -> usize,
    hides: impl Fn(&str, &str) -> bool,
) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    // Redis' own command is a word without a hyphen.
    if !has_option(bytes) && !text.contains("-cli ") {
        return Vec::new();
    }
    let blank = |at: usize| bytes.get(at).is_none_or(u8::is_ascii_whitespace);
    let (mut found, mut at, mut work) = (Vec::new(), 0, 0);
    // What stands in braces may be a command of its own, and may be a word of the one around it.
    let (mut around, mut command) = (Vec::new(), Command::default());
    while let Some(byte) = bytes.get(at) {
        if blank(at) || *byte == b'\\' && blank(at + 1) {
            at += 1;
            continue;
        }
        let option = command.option;
        let name = if command.before == "-o" && postfix { option } else { long_option(option) };
        let named = !name.is_empty() && name.bytes().all(is_name);
        let known = command.programs.iter().any(|program| program.is_followed(option));
        if named || known || is_login_option(option) {
            if work > WORK * bytes.len() {
                found.push(at..bytes.len());
                break;
            }
            let end = end(at);
            work += end.saturating_sub(at);
            let value = text.get(at..end).unwrap_or_default();
            let login = is_login_option(option) && value.contains([':', '%']);
            if end > at && (known || login || named && hides(name, value)) {
                found.push(at..end);
                command.given();
                at = end;
                continue;
            }
        }
        let ends = |at: usize| match bytes.get(at) {
            Some(b'{' | b'}' | b';' | b'`') => true,
            // Within a word they are a part of it.
            Some(b'|' | b'&') => blank(at + 1) || matches!(bytes.get(at + 1), Some(b'|' | b'&')),
            _ => false,
        };
        match byte {
            b'{' => around.push(std::mem::take(&mut command)),
            b'}' => command = around.pop().unwrap_or_default(),
            b';' | b'`' | b'|' | b'&' => command = Command::default(),
            b'"' | b'\'' => {}
            _ => {
                let word_end = (at..bytes.len()).find(|at| blank(*at) || ends(*at)).unwrap_or(bytes.len());
                let word = text.get(at..word_end).unwrap_or_default();
                let joined = command.programs.iter().find_map(|program| program.joined(word));
                if let Some(start) = joined.map(|start| at + start) {
                    at = end(start).max(word_end);
                    found.push(start..at);
                    command.given();
                } else {
                    command.word(word.trim_end_matches(['"', '\'']));
                    at = word_end;
                }
                continue;
            }
        }
        at += 1;
    }
    found
}

/// Whether a word of a text may be an option: a hyphen begins it.
fn has_option(text: &[u8]) -> bool {
    let begins = |at: usize| at.checked_sub(1).is_none_or(|before| !text[before].is_ascii_alphanumeric());
    text.iter().enumerate().any(|(at, byte)| *byte == b'-' && begins(at))
}

/// The name of an option of a command, `--name` or `-name`; empty for other words.
fn long_option(word: &str) -> &str {
    word.strip_prefix("--").or_else(|| word.strip_prefix('-').filter(|name| name.len() > 1)).unwrap_or_default()
}

/// Options of commands (curl, swaks) with user and password behind a colon.
fn is_login_option(word: &str) -> bool {
    matches!(word, "-u" | "-U" | "--user" | "--proxy-user" | "--login")
}
