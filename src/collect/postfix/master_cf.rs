//! master.cf: its entries with the `-o` settings as each daemon reads them, and what the master refuses (master(5)).

use std::collections::HashMap;
use std::sync::Arc;

use pest::Parser;

use super::grammar::{MasterCfGrammar, master::Rule, nests_too_deep};
use super::lines::{LogicalLine, is_space, logical_lines, trim};
use super::main_cf::{indented_first, offset_in, split_setting};
use crate::facts::{Fact, Origin, Refusal};
use crate::source::{SourceFile, Span};

/// Options of Postfix's daemons that take a value (getopt(3) in each of them).
const OPTIONS_WITH_VALUE: [u8; 6] = *b"imnost";
/// Fields before the arguments.
const FIELDS: usize = 8;

/// One entry of master.cf.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The eight fields: name, type, private, unprivileged, chroot, wake-up time, process limit, command.
    pub fields: [String; FIELDS],
    /// The arguments as written.
    pub arguments: Vec<String>,
    /// Its `-o` settings as its daemon reads them, in order, unexpanded.
    pub overrides: Vec<(String, Fact<String>)>,
    /// Arguments behind the options.
    pub operands: Vec<(String, Span)>,
    /// What ends this one daemon at each start.
    pub error: Option<Refusal>,
    /// The first line of the entry, as far as it goes.
    pub span: Span,
}

impl Entry {
    /// First field.
    pub fn name(&self) -> &str {
        &self.fields[0]
    }

    /// Second field.
    pub fn kind(&self) -> &str {
        &self.fields[1]
    }

    /// Fifth field.
    pub fn chroot(&self) -> &str {
        &self.fields[4]
    }

    /// Eighth field.
    pub fn command(&self) -> &str {
        &self.fields[7]
    }

    /// Last component of the command's path: what makes a program read `smtp_` or `lmtp_` parameters.
    pub fn process_name(&self) -> &str {
        self.command().rsplit('/').next().unwrap_or_default()
    }
}

/// Entries that are kept. Each is a program that loads all parameters anew; panels with a service for each address have hundreds.
const SERVICE_LIMIT: usize = 1000;

/// master.cf as it was read.
#[derive(Debug, Clone)]
pub struct MasterCf {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Entries in file order, those that a later one replaces included.
    pub entries: Vec<Entry>,
    /// What keeps the master from starting anything.
    pub error: Option<Refusal>,
    /// What `postconf` refuses, which is more.
    pub postconf_error: Option<Refusal>,
    /// Warnings, in Postfix's words.
    pub warnings: Vec<Refusal>,
    /// The limit of helolint that ended the reading.
    pub bounded: Option<&'static str>,
    /// For each of `entries`, which of them is the last of its name and type.
    last: Vec<usize>,
}

impl MasterCf {
    /// Reads a master.cf.
    pub fn parse(file: &Arc<SourceFile>) -> MasterCf {
        let mut master = MasterCf {
            file: Arc::clone(file),
            entries: Vec::new(),
            error: None,
            postconf_error: None,
            warnings: Vec::new(),
            bounded: None,
            last: Vec::new(),
        };
        for line in logical_lines(file.text()) {
            if line.text.bytes().next().is_some_and(is_space) {
                master.warnings.push(indented_first(file, &line));
                continue;
            }
            if master.entries.len() >= SERVICE_LIMIT {
                master.bounded = Some("there are more services than helolint keeps");
                break;
            }
            if nests_too_deep(&line.text) {
                master.bounded = Some("braces nest deeper than helolint reads");
                break;
            }
            match read_entry(file, &line) {
                Ok(read) => {
                    let Read { entry, by_master, by_postconf } = read;
                    master.entries.push(entry);
                    master.error = master.error.or(by_master);
                    master.postconf_error = master.postconf_error.or(by_postconf);
                }
                Err(both) => {
                    let (by_master, by_postconf) = *both;
                    master.error = master.error.or(Some(by_master));
                    master.postconf_error = master.postconf_error.or(Some(by_postconf));
                    break;
                }
            }
        }
        let key = |entry: &Entry| (entry.name().to_owned(), entry.kind().to_owned());
        let last: HashMap<_, usize> = master.entries.iter().map(key).zip(0..).collect();
        master.last = master.entries.iter().filter_map(|entry| last.get(&key(entry)).copied()).collect();
        master
    }

    /// The entries that count: of those with the same name and type the last one, whole.
    pub fn live(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().enumerate().filter(|(index, _)| self.replaced_by(*index).is_none()).map(|(_, entry)| entry)
    }

    /// The entry that replaces the one at `index`.
    pub fn replaced_by(&self, index: usize) -> Option<&Entry> {
        let last = *self.last.get(index)?;
        if last == index { None } else { self.entries.get(last) }
    }
}

/// An entry that was read.
struct Read {
    entry: Entry,
    /// What in it the master refuses, and `postconf` does not.
    by_master: Option<Refusal>,
    /// The reverse.
    by_postconf: Option<Refusal>,
}

/// What the master calls the fields.
const FIELD_NAMES: [&str; FIELDS] =
    ["service name", "transport type", "private", "unprivileged", "chroot", "wakeup_time", "max_proc", "command"];

/// Reads one entry.
///
/// # Errors
/// What ends the master, and what `postconf` says of the same.
fn read_entry(file: &Arc<SourceFile>, line: &LogicalLine<'_>) -> Result<Read, Box<(Refusal, Refusal)>> {
    let text: &str = &line.text;
    let refuse = |message: String, part: &str| {
        let start = offset_in(text, part);
        Refusal { message, origin: Origin::File(line.span(file, start, start + part.len())) }
    };
    let at = format!("{}: line {}", file.path(), line.number);
    let whole = trim(text);
    let parsed = MasterCfGrammar::parse(Rule::entry, text).ok().and_then(|mut pairs| pairs.next());
    let tokens: Vec<&str> = parsed.map_or_else(Vec::new, |entry| {
        entry.into_inner().filter(|token| token.as_rule() == Rule::token).map(|token| token.as_str()).collect()
    });
    // The master reads field by field, and ends at the first that it does not take.
    let flaw = |index: usize| -> Option<String> {
        let name = FIELD_NAMES[index];
        let Some(field) = tokens.get(index) else { return Some(format!("{at}: missing \"{name}\" field")) };
        let private = tokens.get(2).is_some_and(|private| *private != "n");
        let fits = match index {
            1 if MasterCfGrammar::parse(Rule::service_type, field).is_err() => {
                return Some(format!("{at}: bad transport type: {field}"));
            }
            2 if tokens[1] == "inet" && private && MasterCfGrammar::parse(Rule::flag, field).is_ok() => {
                return Some(format!("{at}: inet service cannot be private"));
            }
            2..=4 => MasterCfGrammar::parse(Rule::flag, field).is_ok(),
            // What stands behind the digits counts for nothing.
            5 | 6 => *field == "-" || field.starts_with(|c: char| c.is_ascii_digit()),
            _ => true,
        };
        (!fits).then(|| format!("{at}: field \"{name}\": bad value: \"{field}\""))
    };
    let flaw = (0..FIELDS).find_map(|index| Some((index, flaw(index)?)));
    let place = |index: usize| tokens.get(index).copied().unwrap_or(whole);
    let by_master = flaw.map(|(index, message)| refuse(message, place(index)));
    let Some((fields, arguments)) = tokens.split_first_chunk::<FIELDS>() else {
        let by_postconf = refuse(format!("file {}: line {}: bad field count", file.path(), line.number), whole);
        return Err(Box::new((by_master.unwrap_or_else(|| by_postconf.clone()), by_postconf)));
    };
    let checks: [(usize, &str, Rule); 6] = [
        (1, "type", Rule::service_type),
        (2, "private", Rule::flag),
        (3, "unprivileged", Rule::flag),
        (4, "chroot", Rule::flag),
        (5, "wakeup", Rule::wakeup),
        (6, "process_limit", Rule::process_limit),
    ];
    let by_postconf =
        checks.into_iter().find(|(index, _, rule)| MasterCfGrammar::parse(*rule, fields[*index]).is_err());
    let by_postconf = by_postconf.map(|(index, what, _)| {
        let field = fields[index];
        refuse(format!("invalid {what} field \"{field}\" in \"{whole}\""), field)
    });
    let mut fatal = match (by_master, &by_postconf) {
        (Some(by_master), Some(by_postconf)) => return Err(Box::new((by_master, by_postconf.clone()))),
        (by_master, _) => by_master,
    };
    let mut plain = Vec::new();
    for argument in arguments {
        match strip_braces(argument) {
            Ok(inner) => plain.push(inner),
            Err(fault) => {
                fatal = fatal.or_else(|| Some(refuse(format!("{at}: {fault} in \"{argument}\""), argument)));
                plain.push(argument);
            }
        }
    }
    let first_line_end = text.find('\n').unwrap_or(whole.len()).min(whole.len());
    let mut entry = Entry {
        fields: fields.map(str::to_owned),
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        overrides: Vec::new(),
        operands: Vec::new(),
        error: None,
        span: line.span(file, 0, fields[0].len().max(1).min(first_line_end)),
    };
    let program = fields[7].rsplit('/').next().unwrap_or_default();
    let mut rest = plain.into_iter();
    while let Some(argument) = rest.next() {
        let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            add_operand(&mut entry, program, argument, &refuse);
            break;
        };
        if argument == "--" {
            break;
        }
        let Some(at) = letters.bytes().position(|letter| OPTIONS_WITH_VALUE.contains(&letter)) else { continue };
        let glued = letters.get(at + 1..).unwrap_or_default();
        let letter = letters.as_bytes()[at];
        let Some(value) = (if glued.is_empty() { rest.next() } else { Some(glued) }) else {
            let message = format!("invalid option: {}", char::from(letter));
            entry.error = entry.error.or_else(|| Some(refuse(message, argument)));
            continue;
        };
        if letter != b'o' {
            continue;
        }
        match split_setting(value) {
            Ok((name, setting)) => {
                let start = offset_in(text, setting);
                let span = line.span(file, start, start + setting.len());
                entry.overrides.push((name.to_owned(), Fact::new(setting.to_owned(), span)));
            }
            Err(fault) if entry.error.is_none() => {
                entry.error = Some(refuse(format!("invalid \"-o {value}\" option value: {fault}"), value));
            }
            Err(_) => {}
        }
    }
    for argument in rest {
        add_operand(&mut entry, program, argument, &refuse);
    }
    if entry.command().starts_with('/') {
        // It is looked for below the folder of the daemons, whatever it begins with.
        let message = format!("master_spawn: exec $daemon_directory/{}: No such file or directory", entry.command());
        entry.error = Some(refuse(message, fields[7]));
    }
    Ok(Read { entry, by_master: fatal, by_postconf })
}

/// Programs that take arguments of their own behind the options.
const TAKE_ARGUMENTS: [&str; 3] = ["pipe", "spawn", "fsstone"];

/// Keeps an argument behind the options; most daemons end when they see one.
fn add_operand(entry: &mut Entry, program: &str, argument: &str, refuse: &impl Fn(String, &str) -> Refusal) {
    let refusal = refuse(String::new(), argument);
    let is_client = matches!(program, "smtp" | "lmtp");
    let flags = argument.strip_prefix("flags=").filter(|_| is_client);
    if let Some(flags) = flags {
        // As pipe(8) has them, as far as a client does anything of the kind.
        if let Some(wrong) = flags.chars().find(|flag| !"DORX".contains(*flag)).filter(|_| entry.error.is_none()) {
            let rest = &flags[flags.find(wrong).unwrap_or_default()..];
            let message = format!("unknown flags={wrong} value \"{wrong}\" in \"{rest}\"");
            entry.error = Some(Refusal { message, origin: refusal.origin.clone() });
        }
    } else if entry.error.is_none() && !TAKE_ARGUMENTS.contains(&program) {
        let message = match is_client {
            true => format!("unknown attribute name: {}", argument.split('=').next().unwrap_or_default()),
            false => format!("unexpected command-line argument: {argument}"),
        };
        entry.error = Some(Refusal { message, origin: refusal.origin.clone() });
    }
    if let Origin::File(span) = refusal.origin {
        entry.operands.push((argument.to_owned(), span));
    }
}

/// An argument without the braces around it, where it begins with one.
fn strip_braces(argument: &str) -> Result<&str, &'static str> {
    match in_braces(argument) {
        None => Ok(argument),
        Some((inner, Some(""))) => Ok(inner),
        Some((_, Some(_))) => Err("syntax error after '}'"),
        Some((_, None)) => Err("missing '}'"),
    }
}

/// Where an argument begins with a brace: what stands in it, trimmed, and what behind its end, if it has one.
pub fn in_braces(argument: &str) -> Option<(&str, Option<&str>)> {
    let text = argument.strip_prefix('{')?;
    let mut depth = 1usize;
    let end = text.bytes().position(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    Some(end.map_or((trim(text), None), |end| (trim(&text[..end]), Some(&text[end + 1..]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> MasterCf {
        MasterCf::parse(&SourceFile::new("/etc/postfix/master.cf", text.as_bytes()))
    }

    fn overrides(arguments: &str) -> Vec<(String, String)> {
        let master = read(&format!("smtp unix - - n - - smtp {arguments}\n"));
        master.entries[0].overrides.iter().map(|(name, fact)| (name.clone(), fact.value.clone())).collect()
    }

    #[test]
    fn options_are_read_as_the_daemon_does() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(overrides("-osmtp_helo_name=a -vo b=c"), [pair("smtp_helo_name", "a"), pair("b", "c")]);
        assert_eq!(overrides("-o { a = b  c } -o d= -- -o e=f"), [pair("a", "b  c"), pair("d", "")]);
        assert_eq!(overrides("-o a=${b?{c d}} word -o e=f"), [pair("a", "${b?{c d}}")]);
    }

    #[test]
    fn spans_cover_the_value() {
        let master = read("smtp unix - - n - - smtp\n# note\n  -o smtp_helo_name=helo.example\n");
        let span = master.entries[0].overrides[0].1.origin.span().unwrap();
        assert_eq!((span.text(), span.position().line), ("helo.example", 3));
    }

    #[test]
    fn what_ends_a_daemon() {
        for (arguments, words) in [
            ("-o smtp_helo_name = x", "missing '=' after attribute name"),
            ("-o smtp_helo_name", "missing '=' after attribute name"),
            ("# note", "unknown attribute name: #"),
        ] {
            let master = read(&format!("smtp unix - - n - - smtp {arguments}\n"));
            assert!(master.entries[0].error.as_ref().unwrap().message.contains(words), "{arguments}");
            assert!(master.error.is_none());
        }
        assert!(read("smtp unix - - n - - smtp flags=DORX\n").entries[0].error.is_none());
    }

    #[test]
    fn what_ends_the_master() {
        for line in [
            "smtp unix - - n - -",
            "smtp tcp - - n - - smtp",
            "smtp unix - - x - - smtp",
            "pickup unix n - y x60 1 pickup",
            "smtp unix - - n - - smtp -o { a = b }x",
            "smtp unix - - n - - smtp -o { a = b",
            "25 inet - - n - - smtpd",
        ] {
            assert!(read(line).error.is_some(), "{line}");
        }
    }

    #[test]
    fn the_last_of_two_entries_counts() {
        let master =
            read("smtp unix - - n - - smtp -o a=1\nsmtp inet n - n - - smtpd\nsmtp unix - - n - - smtp -o b=2\n");
        let names: Vec<_> = master.live().map(|entry| (entry.kind(), entry.overrides.len())).collect();
        assert_eq!(names, [("inet", 0), ("unix", 1)]);
        assert_eq!(master.live().nth(1).unwrap().overrides[0].0, "b");
    }
}
