//! What trials may want to read, read before nothing is read any more.

use std::collections::BTreeMap;
use std::time::Duration;

use super::candidates::tables_of;
use crate::collect;
use crate::collect::kernel::KernelFacts;
use crate::collect::processes::{Found, processor_time};
use crate::collect::root::{Changed, Root};
use crate::facts::Facts;
use crate::source::Span;

/// Files that a plan may change though nothing else has read them.
const FILES: [&str; 18] = [
    "/etc/hosts",
    "/etc/hostname",
    "/etc/mailname",
    "/etc/exim4/update-exim4.conf.conf",
    "/etc/exim4/exim4.conf.localmacros",
    "/etc/exim4/conf.d/main/000_localmacros",
    "/etc/exim.conf.local",
    "/etc/exim.conf.localopts",
    "/etc/wwwacct.conf",
    "/etc/mailhelo",
    "/etc/mailips",
    "/etc/mail_reverse_dns",
    "/var/cpanel/mainip",
    "/var/cpanel/cpnat",
    "/var/cpanel/custom_mailhelo",
    "/var/cpanel/custom_mailips",
    "/var/cpanel/per_domain_mailips",
    "/var/cpanel/use_rdns_for_helo",
];
/// Refused lines that are looked past, one behind the other: a plan mends a few.
const REFUSALS: usize = 4;
/// Processor time after which no further one is looked past: each time everything is read anew, which takes long where files mean harm. Without
/// optimization everything takes ten times as long.
const TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5_000 } else { 500 });

/// Reads the files that trials may want, before nothing is read any more.
pub fn read_ahead(root: &Root, facts: &Facts, kernel: Option<&KernelFacts>, running: &Found) {
    let configured = facts
        .postfix
        .iter()
        .flat_map(|postfix| ["main.cf", "master.cf"].map(|name| format!("{}/{name}", postfix.config_directory)));
    let tables = facts.exim.iter().flat_map(|exim| exim.transports.iter()).flat_map(|driver| driver.options.values());
    let tables = tables.filter_map(|set| set.value.as_deref()).flat_map(tables_of);
    let exim = facts.exim.iter().map(|exim| exim.file.clone());
    for file in FILES.iter().map(|file| (*file).to_owned()).chain(configured).chain(exim).chain(tables) {
        let _ = root.read(&file);
        root.place(&file);
        root.status(&file);
    }
    past_refusals(root, facts, kernel, running, TIME);
}

/// A program that refuses its configuration reads none of what that names; once the line is mended, it does. So each refused line is taken
/// away for once, and everything read as it would be then.
fn past_refusals(root: &Root, facts: &Facts, kernel: Option<&KernelFacts>, running: &Found, limit: Duration) {
    let mut refused = refusals(facts);
    let mut changed: BTreeMap<String, Option<Changed>> = BTreeMap::new();
    let started = processor_time();
    for _ in 0..REFUSALS {
        if processor_time().saturating_sub(started) >= limit {
            break;
        }
        let before = changed.clone();
        for span in &refused {
            let place = root.place(span.path());
            let known = changed.get(&place).and_then(Option::as_ref).map(|changed| changed.text.to_string());
            let Some(text) = known.or_else(|| Some(root.read(span.path()).ok()?.text().to_owned())) else { continue };
            let modified = root.status(span.path()).map_or(0, |status| status.modified);
            let text = without_line(&text, span.range().start).into();
            changed.insert(place, Some(Changed { text, modified }));
        }
        if changed == before {
            break;
        }
        root.set_trial(changed.clone());
        refused = refusals(&collect::collect_beside(root, kernel.cloned(), running));
    }
    root.set_trial(BTreeMap::new());
}

/// Where MTAs refuse their configuration.
fn refusals(facts: &Facts) -> Vec<Span> {
    let postfix = facts.postfix.iter().chain(&facts.unjudged.postfix).filter_map(|instance| instance.error.as_ref());
    let exim = facts.exim.iter().chain(&facts.unjudged.exim).filter_map(|configuration| configuration.error.as_ref());
    postfix.chain(exim).filter_map(|refusal| refusal.origin.span().cloned()).collect()
}

/// The text with the line at `at` and those that continue it empty, so that the others keep their numbers.
fn without_line(text: &str, at: usize) -> String {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let (kept, rest) = text.split_at(start);
    let mut out = kept.to_owned();
    let mut gone = true;
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        gone = gone && (number == 0 || line.starts_with([' ', '\t']));
        out.push_str(if gone { "\n" } else { line });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_what_continues_it() {
        for (text, at, expected) in [
            ("a = 1\nb = 2\nc = 3\n", 7, "a = 1\n\nc = 3\n"),
            ("a = 1\nb = 2\n 3\n\t4\nc = 5\n d\n", 10, "a = 1\n\n\n\nc = 5\n d\n"),
            ("a = 1", 3, "\n"),
            ("a = 1\n", 0, "\n"),
            ("", 0, ""),
        ] {
            assert_eq!(without_line(text, at), expected, "{text:?} {at}");
        }
    }

    /// What a refused main.cf names is known once nothing is read any more.
    #[test]
    fn tables_of_a_refused_configuration_are_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("etc/postfix")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join("etc/postfix").join(name), text).unwrap();
        write(
            "main.cf",
            "myhostname = a.example.com # b\nrelayhost = [x\ntransport_maps = texthash:/etc/postfix/routes\n",
        );
        write("routes", "a.example smtp:[b.example]\n");
        write("master.cf", "smtp unix - - n - - smtp\n");
        let root = Root::open(dir.path()).unwrap();
        let running = Found::default();
        let facts = collect::collect_beside(&root, None, &running);
        assert!(facts.postfix[0].error.is_some());
        assert!(!root.paths_read().contains(&"/etc/postfix/routes".to_owned()));
        past_refusals(&root, &facts, None, &running, Duration::ZERO);
        assert!(!root.paths_read().contains(&"/etc/postfix/routes".to_owned()), "there is no time for it");
        read_ahead(&root, &facts, None, &running);
        assert!(root.paths_read().contains(&"/etc/postfix/routes".to_owned()));
        assert_eq!(collect::collect_beside(&root, None, &running).postfix[0].error, facts.postfix[0].error);
    }
}
