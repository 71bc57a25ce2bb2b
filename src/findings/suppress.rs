//! Findings that do not count: those that the settings ignore, and those known since a baseline.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::facts::Origin;
use crate::findings::{Baseline, Finding, Meta};

/// An `[[ignore]]` entry of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// Code, name or family of the rule.
    pub rule: String,
    /// What it is about, as reports name it; `*` stands for any characters.
    pub subject: String,
    /// Why, in the administrator's words.
    pub reason: String,
    /// The last day (UTC) on which it counts; `None`: for good.
    pub expires: Option<Date>,
    /// The entry's place.
    pub origin: Origin,
}

impl Ignore {
    /// Whether its last day has passed.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| last < today)
    }

    /// Whether it names the rule.
    pub fn names(&self, meta: &Meta) -> bool {
        meta.is_called(&self.rule)
    }

    /// Whether it covers the finding; case and a final dot make no difference.
    pub fn covers(&self, finding: &Finding) -> bool {
        let plain = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
        self.names(finding.meta) && fits(plain(&self.subject).as_bytes(), plain(&finding.subject).as_bytes())
    }

    /// The entry in a few words: `PTR004 203.0.113.10`.
    pub fn title(&self) -> String {
        format!("{} {}", self.rule, self.subject)
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any bytes. Every star but the last one met is settled for good, so that
/// no pattern takes longer than the product of both lengths.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((behind, from)) => {
                    star = Some((behind, from + 1));
                    (p, t) = (behind, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}

/// A finding that does not count, and why.
#[derive(Debug, Clone)]
pub struct Suppressed {
    /// The finding.
    pub finding: Finding,
    /// Why it does not count.
    pub by: Because,
}

/// Why a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// The settings ignore it.
    Ignored(Ignore),
    /// It was known when the baseline was written.
    Known(Baseline),
}

/// Findings, those ignored set apart, and what the entries came to.
#[derive(Debug, Default)]
pub struct Applied<'a> {
    /// Those that no entry covers.
    pub left: Vec<Finding>,
    /// Those that one does: the first that does so counts.
    pub suppressed: Vec<Suppressed>,
    /// Entries whose last day has passed: they cover nothing any more.
    pub expired: Vec<&'a Ignore>,
    /// Entries that cover nothing, though they still could.
    pub unused: Vec<&'a Ignore>,
}

/// Sets the findings apart that `ignores` cover on the day `today`.
pub fn apply(findings: Vec<Finding>, ignores: &[Ignore], today: Date) -> Applied<'_> {
    // There may be a finding for each of many domains.
    if ignores.is_empty() {
        return Applied { left: findings, ..Applied::default() };
    }
    let (expired, valid): (Vec<&Ignore>, Vec<&Ignore>) = ignores.iter().partition(|ignore| ignore.is_expired(today));
    if valid.is_empty() {
        return Applied { left: findings, expired, ..Applied::default() };
    }
    let mut applied = Applied { expired, ..Applied::default() };
    let mut used = vec![false; valid.len()];
    // Which entries name a rule is worked out once for each rule, not for each finding.
    let mut naming: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for finding in findings {
        let candidates = naming.entry(finding.meta.code).or_insert_with(|| {
            valid.iter().enumerate().filter(|(_, ignore)| ignore.names(finding.meta)).map(|(index, _)| index).collect()
        });
        let mut covering = candidates.iter().copied().filter(|index| valid[*index].covers(&finding)).peekable();
        match covering.peek().copied() {
            Some(first) => {
                covering.for_each(|index| used[index] = true);
                applied.suppressed.push(Suppressed { finding, by: Because::Ignored(valid[first].clone()) });
            }
            None => applied.left.push(finding),
        }
    }
    applied.unused = valid.into_iter().zip(used).filter(|(_, used)| !used).map(|(ignore, _)| ignore).collect();
    applied
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Severity;
    use jiff::civil::date;

    static META: Meta =
        Meta { code: "PTR004", name: "ptr-generic", severity: Severity::Warning, refs: &[], doc: "", needs: &[] };

    fn ignore(rule: &str, subject: &str, expires: Option<Date>) -> Ignore {
        let reason = "for the test".into();
        Ignore { rule: rule.into(), subject: subject.into(), reason, expires, origin: Origin::flag("test") }
    }

    #[test]
    fn rule_and_subject_must_both_fit() {
        let finding = META.violated("mail.example.com", "");
        for (rule, subject, covers) in [
            ("PTR004", "mail.example.com", true),
            ("ptr-generic", "MAIL.example.com.", true),
            ("ptr", "*.example.com", true),
            ("PTR004", "*", true),
            ("PTR004", "m*l*.com", true),
            ("PTR004", "example.com", false),
            ("PTR004", "*.example.org", false),
            ("PTR005", "mail.example.com", false),
            ("PTR004", "", false),
        ] {
            assert_eq!(ignore(rule, subject, None).covers(&finding), covers, "{rule} {subject}");
        }
    }

    #[test]
    fn stars_stand_for_any_bytes_and_no_pattern_takes_long() {
        let text = "a".repeat(5_000);
        let pattern = "a*".repeat(1_000) + "b";
        assert!(!fits(pattern.as_bytes(), text.as_bytes()));
        assert!(fits(b"**", b"") && fits(b"", b"") && !fits(b"", b"a") && fits(b"a*a", b"aba") && !fits(b"a*a", b"a"));
    }

    #[test]
    fn the_last_day_still_counts() {
        let entry = ignore("PTR004", "*", Some(date(2026, 11, 20)));
        assert!(!entry.is_expired(date(2026, 11, 20)));
        assert!(entry.is_expired(date(2026, 11, 21)));
    }

    #[test]
    fn each_entry_is_used_expired_or_unused() {
        let ignores = [
            ignore("PTR004", "a", None),
            ignore("PTR", "*", None),
            ignore("PTR004", "c", None),
            ignore("PTR004", "*", Some(date(2020, 1, 1))),
            ignore("HLO001", "*", None),
        ];
        let applied = apply(vec![META.violated("a", ""), META.violated("b", "")], &ignores, date(2026, 1, 1));
        assert!(applied.left.is_empty());
        let by: Vec<_> = applied.suppressed.iter().map(|s| (s.finding.subject.as_str(), s.by.clone())).collect();
        let because = |index: usize| Because::Ignored(ignores[index].clone());
        assert_eq!(by, [("a", because(0)), ("b", because(1))]);
        assert_eq!(applied.expired, [&ignores[3]]);
        assert_eq!(applied.unused, [&ignores[2], &ignores[4]]);
        let applied = apply(vec![META.violated("a", "")], &ignores[3..4], date(2026, 1, 1));
        assert_eq!(applied.left.len(), 1, "an expired entry covers nothing");
    }
}
