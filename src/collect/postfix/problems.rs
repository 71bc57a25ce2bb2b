//! Problems of an instance's files, worded for the administrator: what is wrong, and what Postfix does then.

use std::collections::{BTreeMap, HashSet};

use super::compare;
use super::defaults::{self, Program};
use super::expand::Expander;
use super::lines::trim;
use super::main_cf::MainCf;
use super::master_cf::{Entry, MasterCf};
use super::next_hop::Then;
use super::process::{Process, Refused};
use super::senders;
use crate::collect::root::Root;
use crate::facts::{Fact, Mta, Origin, Problem, ProblemKind, Refusal};

/// Parameters whose references are looked at: an undefined name in one of them changes the host's identity.
const IDENTITY: [&str; 13] = [
    "myhostname",
    "mydomain",
    "myorigin",
    "smtp_helo_name",
    "lmtp_lhlo_name",
    "smtp_bind_address",
    "smtp_bind_address6",
    "lmtp_bind_address",
    "lmtp_bind_address6",
    "inet_interfaces",
    "proxy_interfaces",
    "relayhost",
    "smtpd_banner",
];
/// Files that a client in a chroot reads below the queue directory.
const CHROOT_COPIES: [&str; 2] = ["/etc/hosts", "/etc/resolv.conf"];

/// Gathers problems, each once.
pub(crate) struct Reporter<'a> {
    main: Option<&'a MainCf>,
    master: &'a MasterCf,
    seen: HashSet<(Option<Origin>, String, String)>,
    /// Undefined names with the places of their references.
    undefined: HashSet<(String, Origin)>,
    /// Queue directories whose copies were compared.
    compared: HashSet<String>,
    /// What was found.
    pub problems: Vec<Problem>,
}

fn syntax(whole: bool) -> ProblemKind {
    ProblemKind::Syntax { mta: Mta::Postfix, whole }
}

impl<'a> Reporter<'a> {
    /// For the files of one instance.
    pub(crate) fn new(main: Option<&'a MainCf>, master: &'a MasterCf) -> Reporter<'a> {
        Reporter {
            main,
            master,
            seen: HashSet::new(),
            undefined: HashSet::new(),
            compared: HashSet::new(),
            problems: Vec::new(),
        }
    }

    /// Adds problems that others found.
    pub(crate) fn add(&mut self, problems: Vec<Problem>) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    fn push(&mut self, problem: Problem) {
        if self.seen.insert((problem.origin.clone(), problem.file.clone(), problem.message.clone())) {
            self.problems.push(problem);
        }
    }

    /// What the two files are refused for, and what in them is not what it seems.
    pub(crate) fn files(&mut self) {
        if let Some(main) = self.main {
            if let Some(error) = &main.error {
                let message = format!(
                    "{}: every Postfix program refuses the whole file: Postfix does not start, and one that runs \
                     delivers nothing",
                    error.message
                );
                self.push(Problem::at(syntax(true), error.origin.clone(), message));
            }
            for repeated in &main.repeated {
                let name = &repeated.name;
                let (lost, have) = match repeated.earlier.as_slice() {
                    [earlier] => (format!("`{}` in line {}", earlier.value, earlier.line), "has"),
                    earlier => (format!("the {} before it with other values", earlier.len()), "have"),
                };
                let message = format!(
                    "`{name}` is set more than once: Postfix takes the last setting, so {lost} {have} no effect"
                );
                let kind = ProblemKind::Repeated { name: name.clone() };
                let mut problem = Problem::at(kind, repeated.last.span.clone().into(), message);
                let labels = std::iter::once("set here first").chain(std::iter::repeat("set here again"));
                let related = repeated.earlier.iter().zip(labels);
                problem.related.extend(related.map(|(earlier, label)| (earlier.span.clone().into(), label.into())));
                self.push(problem);
            }
            for swallowed in main.swallowed.iter().filter(|found| defaults::is_parameter(&found.name)) {
                let message = format!(
                    "`{}` is not set here: the line is indented, so Postfix reads it as part of the value of `{}`; \
                     remove the blanks before it",
                    swallowed.name, swallowed.into
                );
                let mut problem = Problem::at(ProblemKind::Swallowed, swallowed.span.clone().into(), message);
                problem.related.push((swallowed.head.clone().into(), "the value begins here".into()));
                self.push(problem);
            }
            for warning in &main.dropped {
                self.first_line_dropped(warning);
            }
        }
        for warning in &self.master.warnings {
            self.first_line_dropped(warning);
        }
        if let Some(error) = &self.master.error {
            self.master_refuses(error);
        }
        for (index, entry) in self.master.entries.iter().enumerate() {
            let Some(last) = self.master.replaced_by(index) else { continue };
            let service = format!("{}/{}", entry.name(), entry.kind());
            let message = format!(
                "{service} stands in master.cf more than once: the master uses only the last entry; this one and \
                 its options have no effect"
            );
            let kind = ProblemKind::ServiceRepeated { service };
            let mut problem = Problem::at(kind, entry.span.clone().into(), message);
            problem.related.push((last.span.clone().into(), "this one counts".into()));
            self.push(problem);
        }
    }

    /// What keeps the master from starting anything.
    pub(crate) fn master_refuses(&mut self, error: &Refusal) {
        let message = format!("{}: the master refuses it and starts no service at all", error.message);
        self.push(Problem::at(syntax(true), error.origin.clone(), message));
    }

    fn first_line_dropped(&mut self, warning: &Refusal) {
        let message = format!("{}: Postfix ignores it, and what continues it; remove the blanks", warning.message);
        self.push(Problem::at(syntax(false), warning.origin.clone(), message));
    }

    /// A value that every program refuses.
    pub(crate) fn refused_by_all(&mut self, refused: &Refused) {
        if self.main.is_some_and(|main| main.error.is_some()) {
            return;
        }
        let then = "every Postfix program ends with this when it starts: no mail is received or sent";
        let message = format!("{}: {then}", refused.message);
        let mut problem = Problem::at(syntax(true), refused.origin.clone(), message);
        problem.correction = refused.correction.clone();
        if problem.file.is_empty() {
            problem.file = self.main.map_or_else(String::new, |main| main.file.path().to_owned());
        }
        self.push(problem);
    }

    /// A next hop that a client refuses when it is given it.
    pub(crate) fn next_hop_refused(&mut self, entry: &Entry, refused: &senders::Refused) {
        let then = match refused.then {
            Then::Ends => "the client ends with this, and mail for this next hop stays in the queue",
            Then::EndsLater => "the client ends with this once the places before it do not answer",
            Then::NotFound => "the client finds no such host: mail for this next hop is deferred, or bounces",
            Then::Loops => "the client sends nothing to itself: mail for this next hop is deferred, or bounces",
            Then::LoopsLater => {
                "the client sends nothing to itself: once the places before it do not answer, mail for this next hop is deferred, or bounces"
            }
        };
        let message = format!("{}: {then}", refused.words);
        let origin = &refused.hop.origin;
        let same = |known: &&mut Problem| known.origin.as_ref() == Some(origin) && known.message == message;
        let place = (Origin::File(entry.span.clone()), "the service".to_owned());
        if let Some(known) = self.problems.iter_mut().find(same) {
            if !known.related.contains(&place) {
                known.related.push(place);
            }
            return;
        }
        let mut problem = Problem::at(syntax(false), origin.clone(), message);
        if problem.file.is_empty() {
            problem.file = entry.span.path().to_owned();
        }
        problem.related.push(place);
        problem.correction = refused.correction.clone().map(|correction| (refused.hop.value.clone(), correction));
        self.push(problem);
    }

    /// What ends one daemon.
    pub(crate) fn daemon_refuses(&mut self, entry: &Entry, refusal: &Refusal) {
        let service = format!("{}/{}", entry.name(), entry.kind());
        let then = match entry.process_name() {
            "smtp" | "lmtp" => "the client ends at each start, and mail for it stays in the queue",
            "smtpd" => "the server ends at each start, and connections to it are dropped",
            "qmgr" | "cleanup" | "trivial-rewrite" | "pickup" => {
                "the program ends at each start, and mail stays where it is"
            }
            _ => "the program ends at each start",
        };
        let message = format!("{}: in service {service}, {then}", refusal.message);
        let mut problem = Problem::at(syntax(false), refusal.origin.clone(), message);
        if problem.file.is_empty() {
            problem.file = entry.span.path().to_owned();
        }
        // One value of main.cf ends several services: one problem, all of them named. Who looks a table up may have said it already.
        let line = |origin: Option<&Origin>| {
            origin.and_then(Origin::span).map(|span| (span.path().to_owned(), span.position().line))
        };
        let same = |known: &&mut Problem| {
            line(known.origin.as_ref()) == line(Some(&refusal.origin)) && known.message.starts_with(&refusal.message)
        };
        if line(Some(&refusal.origin)).is_some_and(|(path, _)| path != entry.span.path())
            && let Some(known) = self.problems.iter_mut().find(same)
        {
            known.related.push((entry.span.clone().into(), "this service too".into()));
            return;
        }
        problem.related.push((entry.span.clone().into(), "the service".into()));
        self.push(problem);
    }

    /// Names that identity parameters of main.cf refer to and nothing defines.
    pub(crate) fn undefined(&mut self, plain: &BTreeMap<Program, Process<'_>>, expander: &Expander) {
        for name in IDENTITY {
            let Some(process) = plain.get(&Program::that_reads(name)) else { continue };
            if let Some(set) = self.main.and_then(|main| main.settings.get(name)) {
                self.undefined_in(name, &set.value, &set.span.clone().into(), process, expander);
            }
        }
    }

    /// The same for `-o` settings of one service.
    pub(crate) fn undefined_overrides(&mut self, entry: &Entry, process: &Process<'_>, expander: &Expander) {
        for (name, value) in entry.overrides.iter().filter(|(name, _)| IDENTITY.contains(&name.as_str())) {
            self.undefined_in(name, &value.value, &value.origin, process, expander);
        }
    }

    fn undefined_in(&mut self, name: &str, text: &str, at: &Origin, process: &Process<'_>, expander: &Expander) {
        expander.take_undefined();
        process.expand(expander, text, at);
        for (missing, origin) in expander.take_undefined() {
            if defaults::is_parameter(&missing) {
                continue;
            }
            let message =
                format!("`{name}` refers to `${missing}`, which nothing sets: Postfix puts nothing in its place");
            let place = reference_in(origin.as_ref().unwrap_or(at), &missing);
            let problem = Problem::at(ProblemKind::Undefined { name: missing.clone() }, place.clone(), message);
            // Other parameters reach the same place.
            if self.undefined.insert((missing, place)) {
                self.push(problem);
            }
        }
    }

    /// A client that nothing names.
    pub(crate) fn unused(&mut self, entry: &Entry, label: &str, passed_over: Option<&(Fact<String>, &str)>) {
        let message = match passed_over {
            None => format!(
                "no parameter or table names the service `{label}` as a transport: no mail takes it unless a filter or a \
                 rule elsewhere does"
            ),
            Some((_, before)) => format!(
                "no mail takes the service `{label}` unless a filter or a rule elsewhere names it: `{before}` answers for all mail, so that \
                 what names it is never looked at"
            ),
        };
        let kind = ProblemKind::Unused { service: label.to_owned() };
        let mut problem = Problem::at(kind, entry.span.clone().into(), message);
        problem.related.extend(passed_over.map(|(named, _)| (named.origin.clone(), "names it".to_owned())));
        self.push(problem);
    }

    /// Files below the queue directory that a client in its chroot reads instead of the real ones.
    pub(crate) fn chroot(&mut self, entry: &Entry, process: &Process<'_>, root: &Root) {
        let level = compare::level(process.value("compatibility_level").map_or("", |value| value));
        let by_default = entry.chroot() == "-" && level.is_ok_and(|level| level < [1, 0, 0]);
        if !(entry.chroot() == "y" || by_default) {
            return;
        }
        let Some(queue) = process.value("queue_directory") else { return };
        if !self.compared.insert(queue.clone()) {
            return;
        }
        for real in CHROOT_COPIES {
            let copy = format!("{}{real}", queue.trim_end_matches('/'));
            let (Ok(theirs), Ok(ours)) = (root.read(&copy), root.read(real)) else { continue };
            if meaning(theirs.text()) != meaning(ours.text()) {
                let message = format!(
                    "{copy} differs from {real}: the clients of Postfix that run in the chroot read the copy; restart \
                     Postfix, or copy the file again"
                );
                let kind = ProblemKind::ChrootCopy;
                self.push(Problem::of_file(kind, &copy, Some(entry.span.clone().into()), message));
            }
        }
    }
}

/// The place of the first reference to `name` within a value; the whole value where none is seen, as in a computed one.
fn reference_in(value: &Origin, name: &str) -> Origin {
    let Origin::File(span) = value else { return value.clone() };
    let text = span.text();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let found = text.match_indices(name).find_map(|(at, _)| {
        let before = text[..at].trim_end_matches([' ', '\t']);
        let opened = before.strip_suffix(['{', '(']).unwrap_or(before);
        let start = opened.strip_suffix('$')?.len();
        (!text[at + name.len()..].starts_with(is_word)).then_some((start, at + name.len()))
    });
    let begin = span.range().start;
    found.map_or_else(|| value.clone(), |(start, end)| Origin::File(span.file().span(begin + start, begin + end)))
}

/// The lines of a hosts file or resolv.conf without comments, and blanks as one.
fn meaning(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().map(|line| trim(line.split(['#', ';']).next().unwrap_or_default()));
    lines.filter(|line| !line.is_empty()).map(|line| line.split_ascii_whitespace().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn a_reference_is_found_within_its_value() {
        for (text, name, found) in [
            ("mail$site.example.com", "site", "$site"),
            ("$sites.$site", "site", "$site"),
            ("a ${ site?{b}:{c}}", "site", "${ site"),
            ("site $(site)", "site", "$(site"),
            ("site", "site", "site"),
            ("\u{e9}$site\u{e9}", "site", "$site"),
        ] {
            let file = SourceFile::new("/etc/postfix/main.cf", format!("a = {text}\n").as_bytes());
            let place = reference_in(&Origin::File(file.span(4, 4 + text.len())), name);
            assert_eq!(place.span().unwrap().text(), found, "{text}");
        }
    }
}
