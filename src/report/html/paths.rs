//! How mail leaves: each path as a drawing with what receivers will do, or all of them as a table.

use maud::{Markup, html};

use super::{chain, tone_class, words};
use crate::observe::iprev::Iprev;
use crate::receivers::Verdict;
use crate::report::human::{self, count};
use crate::report::verdict::{self, Tone};
use crate::report::{PathView, Report, SenderSelection, Verbosity, alike};

/// Shapes of paths of which one is drawn.
pub(crate) const DRAWN: usize = 12;
/// Paths up to which their table is open.
const OPEN: usize = 100;
/// Sender domains named of one path.
const DOMAINS: usize = 500;

/// The section about those with an error or warning; about all, where none has one.
pub(crate) fn section(report: &Report, verbosity: Verbosity) -> Markup {
    let (bad, good) = parted(report);
    let first = if bad.is_empty() { &good } else { &bad };
    html! {
        section {
            h2 { "How mail leaves" }
            @if report.mta.live.len() < report.mta.configured.len() {
                @let live: Vec<String> = report.mta.live.iter().map(ToString::to_string).collect();
                p { "Judged is " (live.join(" and ")) ", because " (report.mta.how) "." }
            }
            @if report.paths.is_empty() { p { (verdict::pathless_sentence(report)) } }
            (drawn(report, first, verbosity))
        }
    }
}

/// The section about the others, behind what is to be done.
pub(crate) fn healthy(report: &Report, verbosity: Verbosity) -> Markup {
    let (bad, good) = parted(report);
    html! {
        @if !bad.is_empty() && !good.is_empty() {
            section {
                h2 { "Paths without an error or warning" }
                (drawn(report, &good, verbosity))
            }
        }
    }
}

fn parted(report: &Report) -> (Vec<&PathView>, Vec<&PathView>) {
    let troubled = human::troubled(report);
    report.paths.iter().partition(|path| troubled.contains(path.id.as_str()))
}

/// With many paths a table first, then one drawing of each shape.
fn drawn(report: &Report, paths: &[&PathView], verbosity: Verbosity) -> Markup {
    let groups = alike::paths(report, paths);
    let many = paths.len() > alike::EACH && verbosity != Verbosity::Verbose;
    let shown: Vec<&PathView> = match many {
        true => groups.iter().filter_map(|group| group.first().copied()).take(DRAWN).collect(),
        false => paths.to_vec(),
    };
    let like = |path: &PathView| groups.iter().find(|group| group.first().is_some_and(|first| first.id == path.id));
    html! {
        @if shown.len() < paths.len() {
            details open[paths.len() <= OPEN] { summary { "All " (paths.len()) " of them" } (path_table(paths)) }
        }
        @for path in &shown {
            (card(path))
            @if let Some(group) = like(path).filter(|group| many && group.len() > 1) {
                p.muted { "And " (count(group.len() - 1, "more path")) " like " span.mono { (path.id) } "." }
            }
        }
    }
}

fn card(path: &PathView) -> Markup {
    html! {
        article.card {
            h3 {
                (chain::title(path)) " " span.muted.mono { (path.id) }
                @if path.unused { " " span.tag.doubtful { "unused" } }
            }
            p.muted {
                @if !path.services.is_empty() { "Through " span.mono { (path.services.join(", ")) } ". " }
                @if let Some(hop) = &path.relayed { "Relayed by " span.mono { (hop) } ". " }
                "Sender domains: " (domains(path)) "."
                @if let Some(origin) = &path.helo_origin { " HELO name from " span.mono { (origin.describe()) } "." }
                @if let Some(origin) = &path.source_origin { " Source address from " span.mono { (origin.describe()) } "." }
            }
            (chain::draw(path))
            (receivers(path))
            @if let Some(domains) = path.sender_domains.as_ref().filter(|domains| !domains.is_empty()) {
                details {
                    summary { (count(domains.len(), "sender domain")) }
                    p.mono {
                        (domains.get(..DOMAINS).unwrap_or(domains).join(", "))
                        @if domains.len() > DOMAINS { ", and " (domains.len() - DOMAINS) " more" }
                    }
                }
            }
        }
    }
}

/// What receivers will do, those that accept counted alone.
fn receivers(path: &PathView) -> Markup {
    let number = |verdict: Verdict| path.receivers.iter().filter(|receiver| receiver.verdict == verdict).count();
    let verdicts = Verdict::GRAVEST_FIRST.into_iter().chain([Verdict::Accept]);
    let counts: Vec<(Verdict, usize)> =
        verdicts.clone().map(|verdict| (verdict, number(verdict))).filter(|(_, number)| *number > 0).collect();
    html! {
        @if !path.receivers.is_empty() {
            details {
                summary {
                    "What receivers will do: "
                    @for (at, (verdict, number)) in counts.iter().enumerate() {
                        @if at > 0 { ", " }
                        span class=(tone_class(receiver_tone(*verdict))) { (number) " " (verdict.as_str()) }
                    }
                }
                div.scroll {
                    table {
                        thead { tr { th { "receiver" } th { "verdict" } th { "because" } th { "stands on" } } }
                        tbody {
                            @for verdict in verdicts.clone() {
                                @for receiver in path.receivers.iter().filter(|receiver| receiver.verdict == verdict) {
                                    tr {
                                        td { (receiver.name) }
                                        td class=(tone_class(receiver_tone(verdict))) { (verdict.as_str()) }
                                        td {
                                            (words(&receiver.because))
                                            @if let Some(reply) = &receiver.reply { br; code { (reply) } }
                                        }
                                        td { (receiver.basis.as_str()) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn receiver_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Accept => Tone::Good,
        Verdict::Reject => Tone::Bad,
        Verdict::Unknown | Verdict::Penalise | Verdict::Defer => Tone::Doubtful,
    }
}

fn domains(path: &PathView) -> String {
    let number = path.sender_domains.as_ref().map_or(0, Vec::len);
    match path.sender_selection {
        SenderSelection::Any => "any".into(),
        SenderSelection::Listed => alike::domains(path).unwrap_or_else(|| number.to_string()),
        SenderSelection::ListedAndOthers if number == 0 => "all that no list names".into(),
        SenderSelection::ListedAndOthers => format!("{number}, and all that no list names"),
        SenderSelection::Undecided => "undecided".into(),
    }
}

fn path_table(paths: &[&PathView]) -> Markup {
    let address = |addr: Option<std::net::IpAddr>| addr.map_or("unknown".to_owned(), |addr| addr.to_string());
    let ptr = |path: &PathView| match &path.ptr {
        None => "not known".to_owned(),
        Some(names) if names.is_empty() => "none".to_owned(),
        Some(names) => names.join(", "),
    };
    html! {
        div.scroll {
            table {
                thead { tr { th { "path" } th { "sending address" } th { "PTR" } th { "iprev" } th { "HELO" } th { "domains" } } }
                tbody {
                    @for path in paths {
                        tr {
                            td.mono { (path.id) }
                            td.mono { (address(path.sending)) }
                            td.mono { (ptr(path)) }
                            td { (iprev(path)) }
                            td.mono { (path.helo.as_deref().unwrap_or("undecided")) }
                            td { (domains(path)) }
                        }
                    }
                }
            }
        }
    }
}

fn iprev(path: &PathView) -> &'static str {
    match path.iprev {
        None => "not asked",
        Some(Iprev::Pass) => "pass",
        Some(Iprev::Fail) => "fail",
        Some(Iprev::PermError) => "permerror",
        Some(Iprev::TempError) => "temperror",
    }
}
