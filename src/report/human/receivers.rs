//! What receivers will do: one line where all accept, else those that do not, the gravest first.

use super::text::{BAD, DOUBTFUL, STRONG, count, put};
use crate::findings::Verdict as Found;
use crate::receivers::{CHECKED, Verdict};
use crate::report::{PathView, ReceiverView, Report, Style, Verbosity};

/// Groups of paths that are written out without `-v`.
const GROUPS_SHOWN: usize = 4;
/// Paths that a group's heading names.
const PATHS_NAMED: usize = 4;

/// The section, with an empty line before it; nothing where no receiver was judged.
pub(crate) fn section(report: &Report, style: &Style) -> String {
    let judged: Vec<&PathView> = report.paths.iter().filter(|path| !path.receivers.is_empty()).collect();
    let Some(first) = judged.first() else { return String::new() };
    let all = first.receivers.len();
    let mut groups: Vec<(&[ReceiverView], Vec<&str>)> = Vec::new();
    let mut right = 0;
    for path in &judged {
        if path.receivers.iter().all(accepts) {
            right += 1;
            continue;
        }
        match groups.iter_mut().find(|(receivers, _)| **receivers == *path.receivers) {
            Some((_, ids)) => ids.push(&path.id),
            None => groups.push((&path.receivers, vec![&path.id])),
        }
    }
    let mut out = String::from("\n");
    if groups.is_empty() {
        // What receivers or block lists have said already is another thing than their policies.
        let evidence = |code: &str| ["LOG001", "RBL001"].contains(&code);
        let told = report.findings.iter().any(|f| evidence(f.code) && f.verdict == Found::Fail);
        let by = if told { "by names and records alone, " } else { "" };
        let text = format!("receivers: {by}all {all} known policies accept (as of {CHECKED})");
        put(&mut out, "", "  ", &text, style.width);
        return out;
    }
    out += &format!("{} (as of {CHECKED})\n", style.heading("What receivers will do"));
    let shown = if style.verbosity == Verbosity::Verbose { groups.len() } else { GROUPS_SHOWN };
    let alone = groups.len() == 1 && right == 0;
    for (receivers, ids) in groups.iter().take(shown) {
        if !alone {
            put(&mut out, "  ", "    ", &style.paint(STRONG, &format!("{}:", named(ids))), style.width);
        }
        group(&mut out, receivers, style);
    }
    if groups.len() > shown {
        let paths: usize = groups.iter().skip(shown).map(|(_, ids)| ids.len()).sum();
        put(&mut out, "  ", "    ", &format!("... and {} (-v shows all)", count(paths, "more path")), style.width);
    }
    if right > 0 {
        put(&mut out, "  ", "    ", &format!("{}: all {all} accept", count(right, "other path")), style.width);
    }
    out
}

fn accepts(receiver: &ReceiverView) -> bool {
    receiver.verdict == Verdict::Accept
}

fn named(ids: &[&str]) -> String {
    let mut text = ids.iter().take(PATHS_NAMED).copied().collect::<Vec<_>>().join(", ");
    if ids.len() > PATHS_NAMED {
        text += &format!(" and {}", count(ids.len() - PATHS_NAMED, "more path"));
    }
    text
}

/// The receivers that do not accept; those that say the same for the same reason in one line.
fn group(out: &mut String, receivers: &[ReceiverView], style: &Style) {
    for verdict in Verdict::GRAVEST_FIRST {
        let color = if verdict == Verdict::Reject { BAD } else { DOUBTFUL };
        let mut said: Vec<(&str, Vec<&ReceiverView>)> = Vec::new();
        for receiver in receivers.iter().filter(|receiver| receiver.verdict == verdict) {
            match said.iter_mut().find(|(because, _)| *because == receiver.because) {
                Some((_, all)) => all.push(receiver),
                None => said.push((&receiver.because, vec![receiver])),
            }
        }
        for (because, all) in said {
            let text = match all[..] {
                [one] => format!("{} {because}{}", one.name, standing(one)),
                _ => format!("{}: {because}", all.iter().map(|r| r.name.as_str()).collect::<Vec<_>>().join(", ")),
            };
            let lead = format!("  {}{}", style.paint(color, verdict.as_str()), " ".repeat(10 - verdict.as_str().len()));
            let mut body = String::new();
            put(&mut body, "            ", "            ", &text, style.width);
            out.push_str(&lead);
            out.push_str(body.trim_start());
        }
    }
    let accepting = receivers.iter().filter(|receiver| accepts(receiver)).count();
    if accepting > 0 {
        put(out, "  accept    ", "            ", &format!("the other {accepting}"), style.width);
    }
}

/// The reply, and what is known for certain.
fn standing(receiver: &ReceiverView) -> String {
    let basis = receiver.basis;
    match (&receiver.reply, receiver.reply_basis) {
        (Some(reply), Some(of_reply)) if of_reply != basis => format!(": `{reply}` ({basis}; the reply {of_reply})"),
        (Some(reply), _) => format!(": `{reply}` ({basis})"),
        (None, _) => format!(" ({basis})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receivers::Basis;
    use crate::report::sample;

    fn view(name: &str, verdict: Verdict, because: &str) -> ReceiverView {
        ReceiverView {
            receiver: name.to_lowercase(),
            verdict,
            because: because.into(),
            name: name.into(),
            basis: Basis::Documented,
            reply: None,
            reply_basis: None,
        }
    }

    fn text(paths: [Vec<ReceiverView>; 2]) -> String {
        let mut report = sample::report("");
        for (path, receivers) in report.paths.iter_mut().zip(paths) {
            path.receivers = receivers.into();
        }
        section(&report, &Style { width: 100, color: false, unicode: false, verbosity: Verbosity::Normal })
    }

    #[test]
    fn all_that_accept_are_one_line() {
        let good = || vec![view("A", Verdict::Accept, "fine"), view("B", Verdict::Accept, "fine")];
        assert_eq!(text([good(), good()]), format!("\nreceivers: all 2 known policies accept (as of {CHECKED})\n"));
        let mut report = sample::report("");
        report.paths[0].receivers = good().into();
        let plain = Style { width: 100, color: false, unicode: false, verbosity: Verbosity::Normal };
        for code in ["LOG001", "RBL001"] {
            (report.findings[0].code, report.findings[0].verdict) = (code, Found::Undetermined);
            assert!(section(&report, &plain).contains("receivers: all 2 known"), "{code}");
            report.findings[0].verdict = Found::Fail;
            assert!(section(&report, &plain).contains("receivers: by names and records alone, all 2 known"), "{code}");
        }
        assert_eq!(text([good(), Vec::new()]).lines().count(), 2, "a relayed path has none");
        assert_eq!(text([Vec::new(), Vec::new()]), "");
    }

    #[test]
    fn those_that_do_not_are_listed_the_gravest_first() {
        let mut gmail = view("Gmail", Verdict::Reject, "requires a PTR record");
        (gmail.reply, gmail.reply_basis) = (Some("550 no PTR".into()), Some(Basis::Reported));
        let late = |name| view(name, Verdict::Defer, "cannot look it up for now");
        let bad = vec![
            view("A", Verdict::Penalise, "frowns"),
            late("B"),
            gmail,
            late("C"),
            view("D", Verdict::Accept, "fine"),
        ];
        let good = vec![view("A", Verdict::Accept, "fine"); 5];
        let expected = [
            "  postfix/ipv4/1:",
            "  reject    Gmail requires a PTR record: `550 no PTR` (documented; the reply reported)",
            "  defer     B, C: cannot look it up for now",
            "  penalise  A frowns (documented)",
            "  accept    the other 1",
            "  1 other path: all 5 accept",
        ];
        let found = text([bad.clone(), good]);
        assert_eq!(found.lines().skip(2).collect::<Vec<_>>(), expected, "{found}");
        assert!(!text([bad.clone(), bad]).contains("postfix/ipv4/1"), "what holds for every path needs no name");
    }
}
