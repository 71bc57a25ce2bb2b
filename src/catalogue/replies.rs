//! `helolint explain --reply`: what a reply, a bounce or a line of a log says of this host's identity.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{find, plain};
use crate::escape;
use crate::findings::{Finding, Severity, Verdict};
use crate::receivers::{Basis, CHECKED};
use crate::replies::{self, Condition, Proof, Recognised, Reply};
use crate::report::Style;

/// Columns in which the words of a paragraph begin.
const INDENT: &str = "  ";
/// Columns of explanations: wider lines of prose are hard to read.
const PROSE_WIDTH: usize = 80;

/// What this host is like now, where it was looked at.
pub struct Present<'a> {
    /// What was found.
    pub findings: &'a [Finding],
    /// The addresses that mail leaves by, as receivers see them.
    pub sending: &'a BTreeSet<IpAddr>,
}

/// What stands in a text, who says so, which rules look into it and, where this host was looked at, which of its findings explain it.
pub fn reply(text: &str, present: Option<&Present<'_>>, style: &Style) -> String {
    let recognised = replies::recognise(text);
    let mut page = Page { out: String::new(), width: style.width.min(PROSE_WIDTH), style };
    if recognised.cut {
        page.line("The text is too long: its end was not read.");
    }
    if recognised.incoming > 0 {
        page.line(&format!(
            "{} about mail that came in: there this host refused somebody else. {} left out.",
            if recognised.incoming == 1 {
                "1 line is".to_owned()
            } else {
                format!("{} lines are", recognised.incoming)
            },
            if recognised.incoming == 1 { "It is" } else { "They are" }
        ));
    }
    if recognised.replies.is_empty() {
        // Where all of it came in, that is all there is to say.
        if recognised.incoming == 0 || recognised.code.is_some() {
            nothing(&mut page, &recognised);
        }
        return page.out;
    }
    for reply in &recognised.replies {
        one(&mut page, reply);
    }
    about(&mut page, &recognised);
    if let Some(present) = present {
        explained(&mut page, &recognised, present);
    }
    page.out
}

struct Page<'a> {
    out: String,
    width: usize,
    style: &'a Style,
}

impl Page<'_> {
    fn heading(&mut self, text: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(&format!("{}\n", self.style.heading(text)));
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(&self.style.filled("", "", text, self.width));
    }

    fn item(&mut self, lead: &str, text: &str) {
        let head = format!("{INDENT}{lead:10}");
        self.out.push_str(&self.style.filled(&head, &" ".repeat(head.len()), text, self.width));
    }
}

fn nothing(page: &mut Page<'_>, recognised: &Recognised) {
    let count = replies::all().count();
    page.line(&format!(
        "None of the {count} replies known to speak of a host's identity, or to be taken for one (as of {CHECKED}), is in this text."
    ));
    match recognised.code {
        Some(400..=499) => page.line("Its code says: refused for now, the mail is tried again."),
        Some(500..=599) => page.line("Its code says: refused for good."),
        _ if recognised.incoming == 0 => {
            page.line(
                "Give it the whole reply, from its three-digit code on, or the line of the mail log that has it.",
            );
        }
        _ => {}
    }
}

fn one(page: &mut Page<'_>, reply: &Reply) {
    let who = reply.receiver.unwrap_or("A mail server");
    page.heading(&format!("{who}: {}", verdict(reply)));
    page.item("means", reply.meaning);
    let rules: Vec<String> =
        reply.rules().iter().filter_map(|code| Some(format!("{code} {}", find(code)?.name))).collect();
    if !rules.is_empty() {
        let doubt = if reply.proof == Proof::PointsTo { " (it is said for other reasons too)" } else { "" };
        page.item("look at", &format!("{}{doubt}", rules.join(", ")));
    }
    let source = reply.source.split("; ").next().unwrap_or_default();
    page.item("known by", &format!("{} ({source})", basis(reply.basis)));
}

/// What is wrong by a reply, in a few words.
fn verdict(reply: &Reply) -> String {
    if reply.proof == Proof::NotIdentity {
        return format!("not about the host's identity, but {}", named(reply));
    }
    let lead = if reply.proof == Proof::PointsTo { "perhaps " } else { "" };
    format!("{lead}{}", named(reply))
}

fn named(reply: &Reply) -> String {
    let words: Vec<&str> = reply.means.iter().map(|condition| words(*condition)).collect();
    words.join(", or ")
}

fn words(condition: Condition) -> &'static str {
    match condition {
        Condition::PtrMissing => "no PTR record",
        Condition::PtrTemporary => "a reverse lookup that failed for now",
        Condition::NotConfirmed => "a PTR name that does not lead back to the address",
        Condition::PtrGeneric => "a generic PTR name",
        Condition::PtrInvalid => "a PTR name that is no host name",
        Condition::HeloUnresolved => "a HELO name that is not in the DNS",
        Condition::HeloNotQualified => "a HELO name that is not fully qualified",
        Condition::HeloInvalid => "an invalid HELO name",
        Condition::HeloMismatch => "a HELO name that contradicts the address or its PTR name",
        Condition::HeloForged => "a HELO name that is the receiver's own, or localhost",
        Condition::SenderUnresolved => "a sender's domain that is not in the DNS",
        Condition::Authentication => "SPF, DKIM or DMARC",
        Condition::Reputation => "the reputation of the address",
        Condition::PortBlocked => "no connection to port 25",
    }
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Documented => "the receiver's own documentation",
        Basis::SourceCode => "the software's source code",
        Basis::Reported => "reports of others",
    }
}

fn about(page: &mut Page<'_>, recognised: &Recognised) {
    if recognised.addresses.is_empty() && recognised.helo.is_empty() {
        return;
    }
    page.heading("What it speaks of");
    if !recognised.addresses.is_empty() {
        let all: Vec<String> = recognised.addresses.iter().map(IpAddr::to_string).collect();
        page.item("address", &all.join(", "));
    }
    if !recognised.helo.is_empty() {
        let all: Vec<String> = recognised.helo.iter().map(|name| escape::line(name).into_owned()).collect();
        page.item("HELO name", &all.join(", "));
    }
}

/// Which findings explain what was said.
fn explained(page: &mut Page<'_>, recognised: &Recognised, present: &Present<'_>) {
    let codes: BTreeSet<&str> = recognised.replies.iter().flat_map(|reply| reply.rules()).collect();
    if codes.is_empty() {
        return;
    }
    page.heading("On this host, now");
    let strange: Vec<String> =
        recognised.addresses.iter().filter(|addr| !present.sending.contains(addr)).map(IpAddr::to_string).collect();
    let own: Vec<IpAddr> = recognised.addresses.iter().filter(|addr| present.sending.contains(addr)).copied().collect();
    if own.is_empty() && !strange.is_empty() && !present.sending.is_empty() {
        page.line(&format!("No mail leaves this host by {}: another host may have sent it.", strange.join(", ")));
    }
    // A finding about another address of this host explains nothing.
    let concerns = |finding: &&Finding| match finding.subject.parse::<IpAddr>() {
        Ok(subject) => own.is_empty() || own.contains(&subject),
        Err(_) => true,
    };
    let named = |codes: &BTreeSet<&str>| -> Vec<&Finding> {
        present.findings.iter().filter(|finding| codes.contains(finding.meta.code)).filter(concerns).collect()
    };
    let (explaining, of_answers) = (named(&codes), {
        let codes: BTreeSet<&str> = recognised.replies.iter().flat_map(|reply| reply.rules_of_answers()).collect();
        named(&codes)
    });
    for finding in &explaining {
        finding_line(page, finding);
    }
    if explaining.is_empty() {
        page.line(
            "No present finding explains it. What it speaks of may have been cured since: a reply older than the last change proves \
             nothing.",
        );
    }
    if !of_answers.is_empty() {
        page.line("Not every receiver gets the same answer from the DNS:");
        of_answers.iter().for_each(|finding| finding_line(page, finding));
    }
}

fn finding_line(page: &mut Page<'_>, finding: &Finding) {
    let severity = match (finding.verdict, finding.severity) {
        (Verdict::Undetermined, _) => "undetermined",
        (Verdict::Fail, Severity::Error) => "error",
        (Verdict::Fail, Severity::Warning) => "warning",
        (Verdict::Fail, Severity::Info) => "info",
    };
    let text = format!("{severity}[{}]: {}", finding.meta.code, escape::line(&plain(&finding.message)));
    page.out.push_str(&page.style.filled(INDENT, "      ", &text, page.width));
}

#[cfg(test)]
mod tests {
    use super::*;

    const GMAIL: &str = "550-5.7.25 [192.0.2.10] The IP address sending this message does not have a\n550-5.7.25 PTR record setup, or \
                         the corresponding forward DNS entry does not\n550 5.7.25 match the sending IP.";

    fn said(text: &str, present: Option<&Present<'_>>) -> String {
        reply(text, present, &Style::plain())
    }

    fn finding(code: &str, subject: &str) -> Finding {
        find(code).unwrap().violated(subject, format!("something about {subject}"))
    }

    #[test]
    fn who_says_so_what_it_means_and_which_rules_look_into_it() {
        let text = said(GMAIL, None);
        for part in [
            "Gmail: no PTR record, or a PTR name that does not lead back to the address",
            "PTR001 ptr-missing, PTR002 ptr-target-missing, PTR003",
            "the receiver's own documentation",
            "address   192.0.2.10",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains("On this host") && text.lines().all(|line| line.len() <= 80), "{text}");
    }

    #[test]
    fn present_findings_explain_it_where_they_are_about_the_same_address() {
        let sending = BTreeSet::from(["192.0.2.10".parse().unwrap(), "192.0.2.11".parse().unwrap()]);
        let findings = [finding("PTR001", "192.0.2.10"), finding("PTR003", "192.0.2.11"), finding("HLO002", "mail")];
        let text = said(GMAIL, Some(&Present { findings: &findings, sending: &sending }));
        assert!(text.contains("error[PTR001]: something about 192.0.2.10"), "{text}");
        assert!(!text.contains("192.0.2.11") && !text.contains("HLO002"), "{text}");
        let stale = [finding("DNS002", "10.2.0.192.in-addr.arpa. PTR")];
        let text = said(GMAIL, Some(&Present { findings: &stale, sending: &sending }));
        assert!(text.contains("No present finding explains it") && text.contains("warning[DNS002]"), "{text}");
        let elsewhere = BTreeSet::from(["203.0.113.9".parse().unwrap()]);
        let text = said(GMAIL, Some(&Present { findings: &[], sending: &elsewhere }));
        assert!(text.contains("No mail leaves this host by 192.0.2.10"), "{text}");
    }

    #[test]
    fn what_is_no_reply_about_identity_says_so() {
        let text = said("554 5.7.1 Client host [192.0.2.25] blocked using zen.spamhaus.org", None);
        assert!(text.contains("not about the host's identity, but the reputation of the address"), "{text}");
        let text = said("550 5.1.1 no such user", None);
        assert!(text.contains("None of the 61 replies") && text.contains("refused for good"), "{text}");
        assert!(said("", None).contains("Give it the whole reply"));
        let incoming = "mail postfix/smtpd[9]: NOQUEUE: reject: RCPT from unknown[198.51.100.7]: 450 4.7.1 Client host rejected: cannot \
                        find your reverse hostname";
        let text = said(incoming, None);
        assert!(text.contains("1 line is about mail that came in") && !text.contains("None of the 61"), "{text}");
        let hostile = said("450 <\u{1b}[2Jx>: Helo command rejected: Host not found", None);
        assert!(!hostile.contains('\u{1b}'), "{hostile:?}");
    }
}
