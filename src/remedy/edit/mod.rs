//! Edits of configuration files as text: the old content in, the new content out. What an edit cannot do safely it does not do; whether
//! it has the effect that it is meant to have, a trial shows.

mod difference;
mod entries;
mod exim;
mod postfix;

pub use difference::difference;
pub use entries::Entries;
pub(super) use postfix::{logical, name_of as main_cf_name};

/// An edit of one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edit {
    /// A parameter of main.cf: a value, or `None` for its default.
    MainCf {
        /// The parameter.
        parameter: String,
        /// Its value.
        value: Option<String>,
    },
    /// A `-o` setting of the master.cf entry of a service of type `unix`.
    MasterCf {
        /// The service.
        service: String,
        /// The parameter.
        parameter: String,
        /// Its value; `None`: the setting goes.
        value: Option<String>,
    },
    /// A main option of Exim.
    EximMain {
        /// The option.
        option: String,
        /// Its value; `None`: the setting goes.
        value: Option<String>,
    },
    /// An option of one of Exim's transports.
    EximTransport {
        /// The transport.
        transport: String,
        /// The option.
        option: String,
        /// Its value; `None`: the setting goes.
        value: Option<String>,
    },
    /// A macro of Exim, where the file defines it; else at its top.
    EximMacro {
        /// The macro.
        name: String,
        /// Its value.
        value: String,
    },
    /// Lines that become others.
    Lines {
        /// Where the first of them stood, from 1: of several places that fit, the nearest counts.
        line: usize,
        /// The lines.
        old: Vec<String>,
        /// What stands there instead.
        new: Vec<String>,
    },
    /// Lines that become another each.
    Each {
        /// Where each stands, from 1; what stands there; what it becomes.
        lines: Vec<(usize, String, String)>,
    },
    /// Lines at the end.
    Append {
        /// The lines.
        lines: Vec<String>,
    },
    /// The whole content.
    Whole {
        /// The content.
        text: String,
    },
}

/// Why an edit is not made that could be: it could not be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Characters that no diff shows stand near it, or what was no UTF-8 stands in the file.
    Hidden,
    /// A secret stands in the lines that change.
    Secret,
}

impl Edit {
    /// Whether this edit and another of the same file change entries that are found by name, so that [`Entries`] makes both in one pass.
    pub fn goes_with(&self, other: &Edit) -> bool {
        matches!((self, other), (Edit::MasterCf { .. }, Edit::MasterCf { .. }))
    }

    /// The content after the edit.
    ///
    /// # Errors
    /// Why it is not made; `None` where it cannot be, or changes nothing.
    pub fn make(&self, text: &str) -> Result<String, Option<Refused>> {
        let new = self.made(text).filter(|new| new != text).ok_or(None)?;
        if is_shown(text, &new) { Ok(new) } else { Err(Some(Refused::Hidden)) }
    }

    /// The content after the edit; `None` where it is not made.
    pub fn apply(&self, text: &str) -> Option<String> {
        self.make(text).ok()
    }

    fn made(&self, text: &str) -> Option<String> {
        match self {
            Edit::MainCf { parameter, value } => postfix::main_cf(text, parameter, value.as_deref()),
            Edit::MasterCf { service, parameter, value } => {
                postfix::master_cf(text, service, parameter, value.as_deref())
            }
            Edit::EximMain { option, value } => exim::main(text, option, value.as_deref()),
            Edit::EximTransport { transport, option, value } => {
                exim::transport(text, transport, option, value.as_deref())
            }
            Edit::EximMacro { name, value } => exim::macro_value(text, name, value),
            Edit::Lines { line, old, new } => lines(text, *line, old, new),
            Edit::Each { lines } => each(text, lines),
            Edit::Append { lines } => Some(appended(text, lines)),
            Edit::Whole { text } => Some(text.clone()),
        }
    }

    /// What is set, in a few words; the file apart.
    pub fn describe(&self) -> String {
        let set = |what: &str, value: &Option<String>| match value {
            Some(value) => format!("set `{what} = {value}`"),
            None => format!("remove `{what}`, so that its default applies"),
        };
        match self {
            Edit::MainCf { parameter, value } => set(parameter, value),
            Edit::MasterCf { service, parameter, value: Some(value) } => {
                format!("set `-o {parameter}={value}` for the service `{service}`")
            }
            Edit::MasterCf { service, parameter, value: None } => {
                format!("remove `-o {parameter}` from the service `{service}`")
            }
            Edit::EximMain { option, value } => set(option, value),
            Edit::EximTransport { transport, option, value } => {
                format!("{} in the transport `{transport}`", set(option, value))
            }
            Edit::EximMacro { name, value } => format!("set the macro `{name} = {value}`"),
            Edit::Lines { new, old, .. } if new.iter().all(|line| old.contains(line)) => {
                let gone = old.iter().filter(|line| !new.contains(line));
                let shown: Vec<String> = gone.map(|line| format!("`{}`", line.trim())).collect();
                format!("remove {}", shown.join(", "))
            }
            Edit::Lines { new, .. } | Edit::Append { lines: new } => {
                format!("write {}", shown(new.iter().map(String::as_str)))
            }
            Edit::Each { lines } => format!("write {}", shown(lines.iter().map(|(_, _, new)| new.as_str()))),
            Edit::Whole { text } if text.trim().lines().count() > 1 => "replace the whole content".to_owned(),
            Edit::Whole { text } if text.trim().is_empty() => "leave nothing: the file is empty then".to_owned(),
            Edit::Whole { text } => format!("write `{}`", text.trim()),
        }
    }
}

/// Lines that a description names before it counts the rest.
pub const NAMED: usize = 4;

fn shown<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<String> = lines.map(|line| format!("`{}`", line.trim())).collect();
    few(&mut all, "lines");
    all.join(", ")
}

/// Of many items, the first few and how many more there are; whether any were left out.
pub fn few(items: &mut Vec<String>, what: &str) -> bool {
    let number = items.len();
    let many = number > NAMED + 1;
    if many {
        items.truncate(NAMED);
        items.push(format!("{} more {what} of this kind", number - NAMED));
    }
    many
}

/// Lines that a diff shows before and behind what changes.
const CONTEXT: usize = 3;
/// What reading puts in the place of what is no UTF-8.
const REPLACED: char = '\u{fffd}';

/// Whether a change can be shown and made by line: nothing in the file was no UTF-8, since it would be written back as something else, and no
/// control character stands in the lines that change or in those that a diff shows around them.
fn is_shown(old: &str, new: &str) -> bool {
    let (was, is) = difference(old, new);
    let is_hidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n');
    let is_plain = |text: &str, range| !text[difference::with_context(text, range, CONTEXT)].contains(is_hidden);
    !new.contains(REPLACED) && is_plain(old, was) && is_plain(new, is)
}

/// The lines of a text, and whether a newline ends the last.
pub fn split(text: &str) -> (Vec<&str>, bool) {
    if text.is_empty() {
        return (Vec::new(), true);
    }
    match text.strip_suffix('\n') {
        Some(body) => (body.split('\n').collect(), true),
        None => (text.split('\n').collect(), false),
    }
}

/// The text of lines.
pub fn join<T: AsRef<str>>(lines: &[T], ended: bool) -> String {
    let texts: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
    let mut text = texts.join("\n");
    if ended && !texts.is_empty() {
        text.push('\n');
    }
    text
}

/// `new` at the end. A last line without end gets one.
pub fn appended(text: &str, new: &[String]) -> String {
    let mut out = text.to_owned();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    for line in new {
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn lines(text: &str, line: usize, old: &[String], new: &[String]) -> Option<String> {
    let (known, ended) = split(text);
    let fits = |at: &usize| {
        old.iter().enumerate().all(|(index, old)| known.get(at + index).is_some_and(|line| *line == old.as_str()))
    };
    let last = known.len().checked_sub(old.len())?;
    let at = (0..=last).filter(fits).min_by_key(|at| at.abs_diff(line.saturating_sub(1)))?;
    let mut out: Vec<&str> = known.get(..at)?.to_vec();
    out.extend(new.iter().map(String::as_str));
    out.extend(known.get(at + old.len()..)?);
    Some(join(&out, ended))
}

fn each(text: &str, changes: &[(usize, String, String)]) -> Option<String> {
    let (known, ended) = split(text);
    let mut out = known;
    for (line, old, new) in changes {
        let known = out.get_mut(line.checked_sub(1)?)?;
        if *known != old.as_str() {
            return None;
        }
        *known = new;
    }
    Some(join(&out, ended))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_stop_what_is_near_them() {
        let set = |text: &str| main_cf(text, "myhostname", Some("mail.example.com"));
        let far = "# by\r\na = 1\nb = 2\nc = 3\nmyhostname = mail\nd = 4\n";
        let after = far.replace("= mail\n", "= mail.example.com\n");
        assert_eq!(set(far).as_deref(), Some(after.as_str()));
        let edit = Edit::MainCf { parameter: "myhostname".into(), value: Some("mail.example.com".into()) };
        for near in
            ["myhostname = mail\r\n", "a = 1\r\nmyhostname = mail\n", "myhostname = mail\nb = 1\nc = 2\nd = \u{7}3\n"]
        {
            assert_eq!(set(near), None, "{near:?}");
            assert_eq!(edit.make(near), Err(Some(Refused::Hidden)), "{near:?}");
        }
        assert_eq!(
            set("# M\u{fffd}ller\na = 1\nb = 1\nc = 1\nd = 1\nmyhostname = mail\n"),
            None,
            "it would be written as another"
        );
        assert_eq!(edit.make("myhostname = mail.example.com\n"), Err(None), "nothing changes");
    }

    fn main_cf(text: &str, parameter: &str, value: Option<&str>) -> Option<String> {
        Edit::MainCf { parameter: parameter.into(), value: value.map(str::to_owned) }.apply(text)
    }

    #[test]
    fn a_parameter_is_set_where_it_stands() {
        for (why, text, value, expected) in [
            ("in place", "a = 1\nx = old\nb = 2\n", Some("new"), Some("a = 1\nx = new\nb = 2\n")),
            ("its spacing stays", "x=old\n", Some("new"), Some("x=new\n")),
            ("missing", "a = 1\n", Some("new"), Some("a = 1\nx = new\n")),
            ("no newline at the end", "a = 1", Some("new"), Some("a = 1\nx = new\n")),
            (
                "several lines",
                "x = old\n  more\n# comment\n  most\nb = 2\n",
                Some("new"),
                Some("x = new\n# comment\nb = 2\n"),
            ),
            ("repeated", "x = 1\na = 1\nx = 2\n", Some("new"), Some("a = 1\nx = new\n")),
            (
                "indented with nothing before it",
                "  x = lost\na = 1\n",
                Some("new"),
                Some("  x = lost\na = 1\nx = new\n"),
            ),
            ("swallowed below it", "x = old\n  b = 2\n", Some("new"), None),
            ("so already", "x = new\n", Some("new"), None),
            ("removed", "a = 1\nx = old\n  more\n", None, Some("a = 1\n")),
            ("not there to be removed", "a = 1\n", None, None),
        ] {
            assert_eq!(main_cf(text, "x", value).as_deref(), expected, "{why}");
        }
    }

    fn master_cf(text: &str, value: Option<&str>) -> Option<String> {
        let (service, parameter) = ("out".to_owned(), "smtp_helo_name".to_owned());
        Edit::MasterCf { service, parameter, value: value.map(str::to_owned) }.apply(text)
    }

    #[test]
    fn an_option_of_a_service() {
        let entry = "out unix - - n - - smtp\n";
        let next = "error unix - - n - - error\n";
        for (why, text, value, expected) in [
            ("first", format!("{entry}{next}"), Some("a.b"), Some(format!("{entry}  -o smtp_helo_name=a.b\n{next}"))),
            (
                "beside another",
                format!("{entry}\t-o x=1\n{next}"),
                Some("a.b"),
                Some(format!("{entry}\t-o x=1\n\t-o smtp_helo_name=a.b\n{next}")),
            ),
            (
                "in place of the old one",
                format!("{entry}  -o smtp_helo_name=old -o x=1\n"),
                Some("a.b"),
                Some(format!("{entry}  -o smtp_helo_name=a.b -o x=1\n")),
            ),
            (
                "in braces",
                format!("{entry}  -o {{ smtp_helo_name = old }}\n"),
                Some("a.b"),
                Some(format!("{entry}  -o {{ smtp_helo_name = a.b }}\n")),
            ),
            ("removed", format!("{entry}  -o smtp_helo_name=old\n{next}"), None, Some(format!("{entry}{next}"))),
            (
                "the last of several counts",
                format!("{entry}  -o smtp_helo_name=one -o smtp_helo_name=two\n"),
                Some("a.b"),
                Some(format!("{entry}  -o smtp_helo_name=one -o smtp_helo_name=a.b\n")),
            ),
            (
                "all of several go",
                format!("{entry}  -o smtp_helo_name=one -o smtp_helo_name=two\n"),
                None,
                Some(entry.to_owned()),
            ),
            ("of another type", "out inet n - n - - smtpd\n".to_owned(), Some("a.b"), None),
        ] {
            assert_eq!(master_cf(&text, value), expected, "{why}");
        }
    }

    #[test]
    fn options_of_exim() {
        let text = "# head\na = 1\nbegin transports\nx:\n  driver = smtp\ny:\n  driver = smtp\n  helo_data = \\\n    old\n\nbegin retry\n";
        let transport = |name: &str, value: Option<&str>| {
            let (transport, option) = (name.to_owned(), "helo_data".to_owned());
            Edit::EximTransport { transport, option, value: value.map(str::to_owned) }.apply(text)
        };
        let replaced = |from: &str, to: &str| Some(text.replacen(from, to, 1));
        assert_eq!(
            transport("x", Some("new")),
            replaced("x:\n  driver = smtp\n", "x:\n  driver = smtp\n  helo_data = new\n")
        );
        assert_eq!(transport("y", Some("new")), replaced("helo_data = \\\n    old\n", "helo_data = new\n"));
        assert_eq!(transport("y", None), replaced("  helo_data = \\\n    old\n", ""));
        assert_eq!(transport("z", Some("new")), None);
        let main = |option: &str, value: Option<&str>| {
            Edit::EximMain { option: option.to_owned(), value: value.map(str::to_owned) }.apply(text)
        };
        assert_eq!(main("a", Some("2")), replaced("a = 1", "a = 2"));
        assert_eq!(main("b", Some("2")), replaced("a = 1", "b = 2\na = 1"));
        assert_eq!(main("helo_data", None), None, "no main option");
    }

    #[test]
    fn options_of_exim_that_a_backslash_too_many_took_in_stay() {
        let text = "A = x \\\n  b = 2\na = 1 \\\n  # why\n  c = 3\nbegin transports\nx:\n  driver = smtp\n  helo_data = y \\\n  port = 26\n";
        for value in [Some("new".to_owned()), None] {
            let main = Edit::EximMain { option: "a".into(), value: value.clone() };
            let (transport, option) = ("x".to_owned(), "helo_data".to_owned());
            for edit in [main, Edit::EximTransport { transport, option, value }] {
                assert_eq!(edit.apply(text), None, "{edit:?}");
            }
        }
        assert_eq!(Edit::EximMacro { name: "A".into(), value: "new".into() }.apply(text), None);
    }

    #[test]
    fn options_of_exim_stay_out_of_conditionals() {
        let edit = |text: &str| {
            let (transport, option) = ("x".to_owned(), "interface".to_owned());
            Edit::EximTransport { transport, option, value: Some("192.0.2.1".to_owned()) }.apply(text)
        };
        let conditional = "begin transports\nx:\n  driver = smtp\n.ifdef A\n    port = 26\n.endif\n";
        let wished =
            "begin transports\nx:\n  driver = smtp\n  interface = 192.0.2.1\n.ifdef A\n    port = 26\n.endif\n";
        assert_eq!(edit(conditional).as_deref(), Some(wished));
        let before_a_macro = "begin transports\nx:\n  driver = smtp\nM == 1\ny:\n  driver = smtp\n";
        let wished = "begin transports\nx:\n  driver = smtp\n  interface = 192.0.2.1\nM == 1\ny:\n  driver = smtp\n";
        assert_eq!(edit(before_a_macro).as_deref(), Some(wished));
        let main = Edit::EximMain { option: "a".into(), value: Some("3".into()) };
        let whole = |text: &str| format!("{text}begin acl\n");
        for (why, text, expected) in [
            ("A is not defined", ".ifdef A\na = 1\n.else\na = 2\n.endif\n", ".ifdef A\na = 1\n.else\na = 3\n.endif\n"),
            (
                "A is",
                "A = x\n.ifdef A\na = 1\n.else\na = 2\n.endif\n",
                "A = x\n.ifdef A\na = 3\n.else\na = 2\n.endif\n",
            ),
            ("it may be", ".include /x\n.ifdef A\na = 1\n.endif\n", ".include /x\n.ifdef A\na = 3\n.endif\n"),
            ("never read", ".ifdef A\na = 1\n.endif\n", "a = 3\n.ifdef A\na = 1\n.endif\n"),
        ] {
            assert_eq!(main.apply(&whole(text)), Some(whole(expected)), "{why}");
        }
        let of_debian = ".ifdef DNS\n.ifdef A\nA == 1\n.else\nA = 1\n.endif\n.endif\n";
        let set = Edit::EximMacro { name: "A".into(), value: "2".into() };
        assert_eq!(set.apply(&whole(of_debian)), Some(whole(&format!("A = 2\n{of_debian}"))));
        assert_eq!(main.apply(".ifdef A\na = 1\n.endif\na = 2\n").as_deref(), Some(".ifdef A\na = 1\n.endif\na = 3\n"));
    }

    #[test]
    fn a_macro_over_two_lines_is_one() {
        let edit = Edit::EximMacro { name: "OUT".into(), value: "192.0.2.1".into() };
        let text = "a = 1\nOUT = \\\n  198.51.100.9\nbegin acl\n";
        assert_eq!(edit.apply(text).as_deref(), Some("a = 1\nOUT = 192.0.2.1\nbegin acl\n"));
        assert_eq!(edit.apply("a = 1\n").as_deref(), Some("OUT = 192.0.2.1\na = 1\n"));
    }

    #[test]
    fn lines_are_found_though_others_moved_them() {
        let edit = Edit::Lines { line: 1, old: vec!["x".into()], new: vec!["y".into(), "z".into()] };
        assert_eq!(edit.apply("a\nb\nx\nx\n").as_deref(), Some("a\nb\ny\nz\nx\n"));
        assert_eq!(edit.apply("a\n"), None);
    }
}
