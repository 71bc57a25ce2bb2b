//! The points of a move to another host or address, for a runbook or a ticket.

use crate::findings::Severity;
use crate::observe::iprev::Iprev;
use crate::report::{PathView, Report};

/// What stands above the points: what is merely planned is not done.
pub(crate) fn title(report: &Report) -> &'static str {
    if report.planned { "Checklist, by planned records" } else { "Checklist" }
}

/// The points, each with whether it was seen to be right on every path. What the settings or a baseline take out of the count
/// is not right for that.
pub(crate) fn points(report: &Report) -> [(&'static str, bool); 8] {
    let clean = |prefixes: &[&str]| {
        let concerns = |code: &str| prefixes.iter().any(|prefix| code.starts_with(prefix));
        let mut found = report.findings.iter().chain(report.suppressed.iter().map(|suppressed| &suppressed.finding));
        !found.any(|f| f.severity > Severity::Info && concerns(f.code))
            && !report.not_checked.iter().any(|rule| concerns(rule.code))
    };
    let every = |right: &dyn Fn(&PathView) -> bool| !report.paths.is_empty() && report.paths.iter().all(right);
    let asked = report.dns.answered > 0;
    let named = every(&|path| path.ptr.as_ref().is_some_and(|names| !names.is_empty()));
    [
        ("The sending address is known", every(&|path| path.sending.is_some()) && clean(&["NET002", "NET003"])),
        ("It has a PTR record", named && clean(&["PTR001"])),
        ("The PTR name is one's own", named && clean(&["PTR004", "PTR009", "PTR010"])),
        ("The PTR name leads back to the address", every(&|path| path.iprev == Some(Iprev::Pass))),
        ("There is one PTR name with one address", named && clean(&["PTR005", "PTR006", "PTR007"])),
        ("The host name is qualified and leads here", asked && clean(&["HST"])),
        ("The HELO name agrees", asked && every(&|path| path.helo.is_some()) && clean(&["HLO"])),
        ("All resolvers agree", asked && clean(&["DNS"])),
    ]
}
