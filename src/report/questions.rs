//! `helolint questions`: what would be asked, and of which servers.

use crate::escape;
use crate::observe::{Question, Vantage};
use crate::report::Style;

/// The questions that follow from facts, and who would be asked. `planned`: those that planned records answer instead;
/// `authoritative`: the zones' own servers too. `inside`: questions that go to the system's resolver alone.
pub fn plan(
    questions: &[Question],
    planned: &[Question],
    inside: &[Question],
    resolvers: &[Vantage],
    authoritative: bool,
    style: &Style,
) -> String {
    let texts = |questions: &[Question]| {
        let mut texts: Vec<String> = questions.iter().map(ToString::to_string).collect();
        texts.sort();
        texts
    };
    let questions = texts(questions);
    let mut asked: Vec<String> = resolvers
        .iter()
        .map(|vantage| match vantage.server {
            Some(server) => format!("{} ({server})", vantage.name),
            None => vantage.name.clone(),
        })
        .collect();
    if authoritative {
        asked.push(
            "the authoritative servers of the zones concerned, found by NS questions to these resolvers from the name upwards, then by \
             the servers' own referrals and NS records and by the delegation, for which two servers of the zone above are asked"
                .into(),
        );
    }
    if questions.is_empty() && planned.is_empty() && inside.is_empty() {
        return "Nothing to ask: no outbound path and no name is known.\n".into();
    }
    if asked.is_empty() {
        return format!("{} known, and nobody to ask.\n", super::human::count(questions.len(), "question"));
    }
    let asked: Vec<_> = asked.iter().map(|text| escape::line(text)).collect();
    let lead = format!("{}, each to {}:", super::human::count(questions.len(), "question"), asked.join(", "));
    let mut out = style.filled("", "  ", &lead, style.width);
    for question in &questions {
        out.push_str(&format!("  {}\n", escape::line(question)));
    }
    if !planned.is_empty() {
        let lead =
            format!("{} that planned records (--overlay) answer:", super::human::count(planned.len(), "question"));
        out.push_str(&style.filled("", "  ", &lead, style.width));
        for question in texts(planned) {
            out.push_str(&format!("  {}\n", escape::line(&question)));
        }
    }
    if !inside.is_empty() {
        let lead = format!("{} to the system's resolver alone:", super::human::count(inside.len(), "question"));
        out.push_str(&style.filled("", "  ", &lead, style.width));
        for question in texts(inside) {
            out.push_str(&format!("  {}\n", escape::line(&question)));
        }
    }
    let follow = "Answers bring more: the A and AAAA records of each PTR name, what an alias leads to, and the PTR records of a HELO \
                  name's addresses where it is not known from which of them the host sends.";
    out.push_str(&style.filled("", "  ", follow, style.width));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::DomainName;
    use crate::observe::{RecordType, VantageKind};

    #[test]
    fn questions_are_sorted_and_harmless_and_all_asked_are_named() {
        let name = |text: &str| Question::new(&DomainName::new(text), RecordType::A);
        let (b, a) = (name("b.example"), name("a\u{1b}.example"));
        let server = "192.0.2.53:53".parse().ok();
        let system = Vantage { name: "system".into(), server, kind: VantageKind::System };
        let text = plan(&[b.clone(), a.clone()], &[], &[], &[system], true, &Style::plain());
        assert!(text.starts_with("2 questions, each to system (192.0.2.53:53), the authoritative servers"), "{text}");
        assert!(text.contains("  a\\x1b.example. A\n  b.example. A\n"), "{text}");
        assert!(plan(&[], &[], &[], &[], false, &Style::plain()).starts_with("Nothing to ask"));
        assert!(plan(std::slice::from_ref(&a), &[], &[], &[], false, &Style::plain()).contains("nobody to ask"));
        let zones = Vantage { name: "the zone files in z".into(), server: None, kind: VantageKind::Authoritative };
        let text = plan(&[a], &[b], &[], &[zones], false, &Style::plain());
        assert!(text.starts_with("1 question, each to the zone files in z:\n  a"), "{text}");
        assert!(text.contains("1 question that planned records (--overlay) answer:\n  b.example. A\n"), "{text}");
    }
}
