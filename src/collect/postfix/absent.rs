//! Tables that mail is looked up in on its way and that route nothing: where one is not there, the mail stays where it is. They are looked
//! for, and not read: some hold passwords.

use super::compiled::Form;
use super::defaults::Program;
use super::expand::Expander;
use super::maps::{self, Place};
use super::master_cf::Entry;
use super::process::Process;
use crate::facts::{Fact, Problem, ProblemKind};

/// Tables of cleanup(8), which takes no message where it cannot look it up in one of them.
const CLEANUP: [&str; 9] = [
    "canonical_maps",
    "sender_canonical_maps",
    "recipient_canonical_maps",
    "sender_bcc_maps",
    "recipient_bcc_maps",
    "header_checks",
    "mime_header_checks",
    "nested_header_checks",
    "body_checks",
];
/// Of trivial-rewrite(8), beside those that route.
const REWRITE: [&str; 1] = ["relocated_maps"];
/// Of the clients (smtp(8)), by what comes behind `smtp_` or `lmtp_`. Without those that are missing here Postfix 3.7 sends all the same:
/// `pix_workaround_maps`, `dns_reply_filter`, `mime_header_checks`.
const CLIENT: [&str; 7] = [
    "tls_policy_maps",
    "generic_maps",
    "header_checks",
    "body_checks",
    "reply_filter",
    "discard_ehlo_keyword_address_maps",
    PASSWORDS,
];
/// Asked only where the client authenticates.
const PASSWORDS: &str = "sasl_password_maps";

/// What is wrong with such tables of one service. `sends`: whether it is a client that mail takes.
pub(crate) fn problems(
    entry: &Entry,
    process: &Process<'_>,
    sends: bool,
    place: Place<'_>,
    expander: &Expander,
) -> Vec<Problem> {
    let client = |prefix: &str| -> Vec<String> {
        let enables = format!("{prefix}_sasl_auth_enable");
        let authenticates = process.value(&enables).is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        let names = CLIENT.into_iter().filter(|name| sends && (*name != PASSWORDS || authenticates));
        names.map(|name| format!("{prefix}_{name}")).collect()
    };
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let (names, then): (Vec<String>, &str) = match Program::of_command(entry.command()) {
        Program::Smtp => (client("smtp"), "the client defers the mail"),
        Program::Lmtp => (client("lmtp"), "the client defers the mail"),
        Program::TrivialRewrite => (own(&REWRITE), "Postfix defers all mail"),
        _ if entry.process_name() == "cleanup" => (own(&CLEANUP), "cleanup takes no message: `try again later`"),
        _ => return Vec::new(),
    };
    let set = names.into_iter().filter_map(|name| process.set(&name, expander));
    set.flat_map(|tables| absent(&tables, then, place)).collect()
}

/// The tables of a list that are not there.
fn absent(parameter: &Fact<String>, then: &str, place: Place<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for (kind, path) in maps::files(&parameter.value, place.base) {
        let problem = |kind: ProblemKind, message: String| {
            Problem::of_file(kind, &path, Some(parameter.origin.clone()), format!("{message}: {then}"))
        };
        let gone = |path: &str| place.files.may_look_at(path) && place.root.is_missing(path);
        match place.formats.form(&kind, &path, place.root) {
            Form::At(_) => {}
            Form::Missing(compiled) if gone(&compiled) && !gone(&path) => {
                let table = format!("{kind}:{path}");
                let message = format!("{table} has no compiled form {compiled}, which alone is read");
                found.push(problem(ProblemKind::Uncompiled { table }, message));
            }
            Form::Missing(_) | Form::Text if gone(&path) => {
                let message = format!("{kind}:{path}: No such file or directory");
                found.push(problem(ProblemKind::Unreadable { undecided: false }, message));
            }
            Form::Missing(_) | Form::Text => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::{MASTER, host, run_on};

    /// What is said of a main.cf and files beside it, by file.
    fn told(main: &str, files: &[(&str, &str)]) -> Vec<String> {
        let main = format!("myhostname = mx.example.com\n{main}\n");
        let master = format!("{MASTER}cleanup unix n - n - 0 cleanup\n");
        let base = [("etc/postfix/main.cf", main.as_str()), ("etc/postfix/master.cf", &master)];
        let all: Vec<(&str, &str)> = base.into_iter().chain(files.iter().copied()).collect();
        let found = run_on(&all, &host(Some(&["127.0.0.1", "192.0.2.25"])));
        found.problems.iter().map(|problem| format!("{} {}", problem.file, problem.message)).collect()
    }

    #[test]
    fn what_keeps_mail_where_it_is() {
        for (main, words) in [
            ("canonical_maps = hash:/none", "/none hash:/none: No such file or directory: cleanup takes no message"),
            ("sender_canonical_maps = texthash:/none", "cleanup takes no message"),
            ("recipient_canonical_maps = regexp:/none", "cleanup takes no message"),
            ("sender_bcc_maps = proxy:mysql:/none", "/none mysql:/none: No such file"),
            ("recipient_bcc_maps = pipemap:{inline:{a=b},lmdb:/none}", "/none lmdb:/none: No such file"),
            ("header_checks = pcre:/none", "cleanup takes no message"),
            ("body_checks = regexp:{{/a/ DUNNO}}, regexp:/none", "/none regexp:/none: No such file"),
            ("tables = hash:/none\ncanonical_maps = $tables", "/none hash:/none: No such file"),
            ("relocated_maps = hash:/none", "Postfix defers all mail"),
            ("smtp_tls_policy_maps = hash:/none", "the client defers the mail"),
            ("smtp_generic_maps = hash:/none", "the client defers the mail"),
            ("smtp_header_checks = regexp:/none", "the client defers the mail"),
            ("smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/none", "the client defers the mail"),
            ("canonical_maps = hash:/etc/map", "/etc/map hash:/etc/map has no compiled form /etc/map.db"),
        ] {
            let told = told(main, &[("etc/map", "a b\n")]);
            assert!(told.len() == 1 && told[0].contains(words), "{main}: {told:?}");
        }
    }

    #[test]
    fn what_does_not() {
        for main in [
            "canonical_maps = texthash:/etc/map",
            "canonical_maps = hash:/etc/compiled",
            "canonical_maps = static:a@example.com inline:{a=b} socketmap:inet:127.0.0.1:1:x mysql:named",
            "smtp_sasl_password_maps = hash:/none",
            "smtp_mime_header_checks = regexp:/none",
            "smtp_pix_workaround_maps = hash:/none",
            "lmtp_tls_policy_maps = hash:/none",
        ] {
            let files = [("etc/map", "a b\n"), ("etc/compiled", "a b\n"), ("etc/compiled.db", "x")];
            assert_eq!(told(main, &files), [""; 0], "{main}");
        }
    }
}
