use crate::facts::{ConfigFile, Facts, Mta, RunningDaemon};
use crate::findings::{Finding, Fix, Who};
use crate::rules::advice::exim_unit;
use crate::rules::{Context, rule};

rule! {
    /// A configuration file is newer than what the running daemon goes by.
    ///
    /// ## Condition
    /// The running daemon was started (for what needs a restart) or last reloaded before the file was changed. Lookup
    /// tables do not count. Subject: the file.
    ///
    /// ## Why it matters
    /// The daemon read the file when it was started or last reloaded: mail still leaves as the old text says, and helolint judges
    /// the new one. The change comes into force at some later restart, when nobody thinks of it.
    ///
    /// ## Fix
    /// Have the MTA check its configuration, then reload Postfix or restart Exim. A change of `inet_interfaces` or `inet_protocols`
    /// takes a restart of Postfix too.
    ///
    /// ## When to ignore
    /// Where the file was touched without a change.
    pub static RULE = {
        code: "CFG006",
        name: "daemon-older-than-config",
        severity: Warning,
        refs: ["postfix(1)", "postconf(5): inet_interfaces", "Exim specification, chapter 11"],
        needs: [Facts],
        check: check,
    };
}

/// Seconds by which a file must be newer: a process's start is known to the second, counted from the system's own start.
const TOLERANCE: i64 = 2;

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let mut findings = Vec::new();
    for daemon in facts.daemons.iter().filter(|daemon| facts.mtas.live.contains(&daemon.mta)) {
        let Some(loaded) = daemon.loaded.or(daemon.started) else { continue };
        let newer = daemon.config.iter().filter(|file| file.modified > loaded.saturating_add(TOLERANCE));
        findings.extend(newer.map(|file| finding(facts, daemon, file, file.modified - loaded)));
    }
    findings
}

fn finding(facts: &Facts, daemon: &RunningDaemon, file: &ConfigFile, seconds: i64) -> Finding {
    let ConfigFile { path, .. } = file;
    let later = span_of_time(seconds);
    let reloaded = daemon.loaded > daemon.started;
    let (since, then) = match daemon.mta {
        Mta::Postfix if reloaded => ("last reloaded", "what the master and the queue manager hold is the old text"),
        Mta::Postfix => ("started", "what the master and the queue manager hold is the old text"),
        Mta::Exim if reloaded => ("last restarted", "the daemon and its queue runs go by the old text"),
        Mta::Exim => ("started", "the daemon and its queue runs go by the old text"),
    };
    let message =
        format!("{path} was changed {later} after {} was {since} (process {}): {then}", daemon.mta, daemon.pid);
    let fix = match daemon.mta {
        Mta::Postfix => {
            let text = "Check the configuration and let Postfix read it; a change of inet_interfaces or inet_protocols \
                        needs a restart.";
            let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
            let option = if directory == "/etc/postfix" { String::new() } else { format!(" -c {directory}") };
            let fix = Fix::new(Who::Host, text).command(format!("postfix{option} check"));
            fix.command(format!("postfix{option} reload"))
        }
        Mta::Exim => {
            let unit = facts.exim.first().map_or("exim", exim_unit);
            let fix = Fix::new(Who::Host, "Check the configuration and restart Exim's daemon.").command("exim -bV");
            fix.command(format!("systemctl restart {unit}"))
        }
    };
    RULE.violated(path, message).fix(fix)
}

/// A span of time in its largest whole unit.
pub(super) fn span_of_time(seconds: i64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (size, unit) = units.into_iter().find(|(size, _)| seconds >= *size).unwrap_or((1, "second"));
    match seconds / size {
        1 => format!("1 {unit}"),
        number => format!("{number} {unit}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, dns, findings, healthy};

    fn with(mta: Mta, started: Option<i64>, loaded: Option<i64>, modified: i64) -> Facts {
        let config = vec![ConfigFile { path: "/etc/postfix/main.cf".into(), modified }];
        healthy().but(|f| f.daemons = vec![RunningDaemon { mta, pid: 7, started, loaded, config }])
    }

    #[test]
    fn cases() {
        let postfix = |started, loaded, modified| with(Mta::Postfix, started, loaded, modified);
        let found: &[&str] = &["warning /etc/postfix/main.cf"];
        check_table(
            &RULE,
            vec![
                ("nothing is known of daemons", healthy(), dns(&[]), &[]),
                ("started after the change", postfix(Some(2_000), Some(2_000), 1_000), dns(&[]), &[]),
                ("changed after the start", postfix(Some(1_000), Some(1_000), 2_000), dns(&[]), found),
                ("reloaded since", postfix(Some(1_000), Some(3_000), 2_000), dns(&[]), &[]),
                ("changed after the reload", postfix(Some(1_000), Some(3_000), 4_000), dns(&[]), found),
                ("in the same moment", postfix(Some(1_000), Some(1_000), 1_002), dns(&[]), &[]),
                ("times unknown", postfix(None, None, 2_000), dns(&[]), &[]),
                ("a reload unknown", postfix(Some(1_000), None, 2_000), dns(&[]), found),
                ("an MTA that is not judged", with(Mta::Exim, Some(1_000), Some(1_000), 2_000), dns(&[]), &[]),
            ],
        );
    }

    #[test]
    fn it_says_what_the_daemon_needs() {
        let of = |mta, loaded| {
            let facts = with(mta, Some(1_000), Some(loaded), 1_000_000).but(|f| f.mtas.live = vec![mta]);
            findings(&RULE, &facts, &dns(&[])).remove(0)
        };
        let postfix = of(Mta::Postfix, 5_000);
        assert!(postfix.message.contains("11 days after Postfix was last reloaded (process 7)"), "{}", postfix.message);
        assert_eq!(postfix.fix.unwrap().commands, ["postfix check", "postfix reload"]);
        let exim = of(Mta::Exim, 1_000);
        assert!(exim.message.contains("after Exim was started"), "{}", exim.message);
        assert!(exim.fix.unwrap().text.contains("restart"));
    }

    #[test]
    fn times_in_words() {
        assert_eq!([3, 60, 7_200, 90_000].map(span_of_time), ["3 seconds", "1 minute", "2 hours", "1 day"]);
    }
}
