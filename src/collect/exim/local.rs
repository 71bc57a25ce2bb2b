//! What cPanel builds exim.conf from: exim.conf.local, which an administrator writes and which travels with a transfer, and
//! the smarthost of exim.conf.localopts.

use std::collections::HashMap;
use std::sync::Arc;

use super::Read;
use super::config::{Config, Driver};
use crate::collect::reading::lines;
use crate::collect::root::Root;
use crate::facts::{Cpanel, Fact, Origin, Problem, ProblemKind};
use crate::source::{SourceFile, Span};

/// The file that cPanel builds: what is changed in it by hand is lost when it is built again.
pub(crate) const BUILT: &str = "/etc/exim.conf";
const LOCAL: &str = "/etc/exim.conf.local";
const SMARTHOST: &str = "smarthost_routelist";
/// Options that decide identity: main ones, of transports, and of routers.
const NAMES: [&str; 10] = [
    "primary_hostname",
    "qualify_domain",
    "smtp_active_hostname",
    "smtp_banner",
    "disable_ipv6",
    "interface",
    "helo_data",
    "hosts",
    "route_list",
    "route_data",
];

/// Gives options that exim.conf.local sets their place there: that is what an administrator edits.
pub(crate) fn trace(root: &Root, config: &mut Config) {
    let Ok(file) = root.read(LOCAL) else { return };
    let set: HashMap<(&str, &str), Span> = settings(&file).map(|(name, value, span)| ((name, value), span)).collect();
    let drivers = config.transports.iter_mut().chain(&mut config.routers).map(|driver| &mut driver.options);
    for options in std::iter::once(&mut config.main).chain(drivers) {
        for (name, fact) in options.iter_mut() {
            let built = fact.origin.span().is_some_and(|span| span.path() == BUILT);
            if let (true, Some(span)) = (built, set.get(&(name.as_str(), fact.value.as_str()))) {
                let earlier = std::mem::replace(&mut fact.origin, Origin::File(span.clone()));
                fact.via.add_nearest(earlier);
            }
        }
    }
}

/// Reports what stands in the sources and has never come into the live file, whatever the files' times say: a copied source
/// may be older than what it was copied beside.
pub(crate) fn not_built(root: &Root, read: &Read, cpanel: &Cpanel, problems: &mut Vec<Problem>) {
    if read.facts.file != BUILT {
        return;
    }
    let mut report = |file: &str, span: Option<&Span>, message: String| {
        if !problems.iter().any(|known| known.kind == ProblemKind::NotGenerated && known.file == file) {
            let at = span.map(|span| Origin::File(span.clone()));
            problems.push(Problem::of_file(ProblemKind::NotGenerated, file, at, message));
        }
    };
    let how = "run /usr/local/cpanel/scripts/buildeximconf";
    let local = root.read(LOCAL).ok();
    for (name, value, span) in local.iter().flat_map(settings) {
        if has(&read.config, name, value) {
            continue;
        }
        let message = format!("{LOCAL} sets {name} to `{value}`, which {BUILT} lacks: it has no effect yet ({how})");
        report(LOCAL, Some(&span), message);
    }
    if let Some(fact) = smarthost(cpanel) {
        let wanted = fact.value.trim();
        let routes = |driver: &Driver| {
            ["route_list", "route_data"].iter().any(|name| driver.text(name).is_some_and(|text| text.contains(wanted)))
        };
        if !read.config.routers.iter().any(routes) {
            let file = "/etc/exim.conf.localopts";
            let message = format!(
                "{file} sets {SMARTHOST} to `{wanted}`, and no router of {BUILT} has it: mail does not go there yet ({how})"
            );
            report(file, fact.origin.span(), message);
        }
    }
}

/// Where WHM has all mail go: all that a configuration is held to of cPanel's own files.
pub(crate) fn smarthost(cpanel: &Cpanel) -> Option<&Fact<String>> {
    cpanel.localopts.get(SMARTHOST).filter(|fact| !fact.value.trim().is_empty())
}

/// Whether the live configuration sets `name` to `value` anywhere.
fn has(config: &Config, name: &str, value: &str) -> bool {
    let drivers = config.transports.iter().chain(&config.routers).map(|driver| &driver.options);
    std::iter::once(&config.main).chain(drivers).any(|options| options.get(name).is_some_and(|set| set.value == value))
}

/// Identity settings that stand on one line, without macros: name, value, and the value's place.
fn settings(file: &Arc<SourceFile>) -> impl Iterator<Item = (&'static str, &str, Span)> {
    lines(file.text()).filter_map(|(at, line)| {
        let (name, value) = line.split_once('=')?;
        let name = name.trim().trim_start_matches("hide ").trim();
        let name = NAMES.into_iter().find(|known| *known == name)?;
        let start = at + line.len() - value.trim_start().len();
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        let plain = !value.is_empty() && !value.contains('\\') && !has_macro(value);
        plain.then(|| (name, value, file.span(start, at + line.trim_end().len())))
    })
}

/// Whether a macro may be named: an upper-case letter that no other letter or digit stands before.
fn has_macro(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use crate::collect::exim::tests::{Fixture, lines};
    use crate::facts::ProblemKind;

    const BUILT: &str = "primary_hostname = host.example.net\nbegin routers\nr:\n driver = dnslookup\n transport = t\n\
        begin transports\nt:\n driver = smtp\n interface = 198.51.100.7\n";

    #[test]
    fn what_comes_from_the_local_file_is_shown_there() {
        let local =
            "@CONFIG@\nprimary_hostname = host.example.net\n@TRANSPORTSTART@\nt:\n  interface = \"198.51.100.7\"\n";
        let found = Fixture::new(&[("/etc/exim.conf", BUILT), ("/etc/exim.conf.local", local)]).collect(true);
        assert_eq!(found.problems, []);
        assert_eq!(
            lines(&found)[0],
            "t/4 198.51.100.7 (/etc/exim.conf.local:5) | host.example.net (/etc/exim.conf.local:2) global | any"
        );
        let name = found.primary_hostname.unwrap();
        assert_eq!(name.via[0].describe(), "/etc/exim.conf:1");
    }

    #[test]
    fn what_was_never_built_is_reported_once() {
        let local = "@CONFIG@\nprimary_hostname = new.example.net\nqualify_domain = x.example\nsmtp_banner = MACRO\n";
        let found = Fixture::new(&[("/etc/exim.conf", BUILT), ("/etc/exim.conf.local", local)]).collect(true);
        assert_eq!(found.problems.len(), 1);
        assert_eq!(found.problems[0].kind, ProblemKind::NotGenerated);
        assert_eq!(found.problems[0].origin.as_ref().unwrap().describe(), "/etc/exim.conf.local:2");
        // On another server the file is nobody's source.
        let found = Fixture::new(&[("/etc/exim.conf", BUILT), ("/etc/exim.conf.local", local)]).collect(false);
        assert_eq!(found.problems, []);
    }
}
