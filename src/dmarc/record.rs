//! Records as they are written (RFC 9989 sections 4.7 and 4.8).

use std::fmt;

use super::Policy;

/// Whether a record says that its domain is a public suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Psd {
    /// `psd=y`
    Yes,
    /// `psd=n`: it is an organizational domain, whatever stands above it.
    No,
    /// It does not say.
    #[default]
    Unknown,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFault {
    /// `p`, `sp` or `np`.
    pub tag: &'static str,
    /// Its value, which is no policy.
    pub value: String,
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}={}` is no policy (none, quarantine, reject)", self.tag, self.value)
    }
}

/// A record, read. Unknown tags and those that RFC 9989 took out (`pct`, `rf`, `ri`) are no fault; other tags with a value that is none have their
/// default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `p`; where it is missing, `none` counts.
    pub policy: Option<Policy>,
    /// `sp`: for subdomains that exist.
    pub subdomains: Option<Policy>,
    /// `np`: for subdomains that do not exist.
    pub missing_subdomains: Option<Policy>,
    /// `psd`
    pub psd: Psd,
    /// `t=y`: the next weaker policy is asked for.
    pub testing: bool,
    /// `aspf=s`: SPF's domain has to be the same.
    pub strict_spf: bool,
    /// `adkim=s`: DKIM's domain has to be the same.
    pub strict_dkim: bool,
    /// Whether `rua` names somewhere that reports can go.
    pub reports: bool,
    /// `pct`, which receivers by RFC 7489 know: of so many messages in a hundred.
    pub percent: u8,
    /// Policies that are none. With reports, `p=none` counts instead; without, the record is of no use.
    pub faults: Vec<RecordFault>,
}

/// What a record begins with; `None` where a text is none.
fn after_version(text: &str) -> Option<&str> {
    let blank = [' ', '\t'];
    let rest = text.strip_prefix(['v', 'V'])?.trim_start_matches(blank).strip_prefix('=')?;
    let rest = rest.trim_start_matches(blank).strip_prefix("DMARC1")?.trim_start_matches(blank);
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(';') }
}

impl Record {
    /// Reads a TXT record; `None` where it does not begin as a DMARC record must.
    pub fn read(text: &str) -> Option<Record> {
        let tags = after_version(text)?.split(';').filter_map(|tag| tag.split_once('='));
        let tags: Vec<(&str, &str)> = tags.map(|(name, value)| (name.trim(), value.trim())).collect();
        // The first of a name counts.
        let value_of =
            |tag: &str| tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(tag)).map(|(_, value)| *value);
        let is = |tag: &str, wanted: &str| value_of(tag).is_some_and(|value| value.eq_ignore_ascii_case(wanted));
        let mut faults = Vec::new();
        let mut policy = |tag: &'static str| {
            let value = value_of(tag)?;
            let all = [Policy::None, Policy::Quarantine, Policy::Reject];
            let known = all.into_iter().find(|policy| value.eq_ignore_ascii_case(policy.as_str()));
            if known.is_none() {
                faults.push(RecordFault { tag, value: value.to_owned() });
            }
            known
        };
        let (p, sp, np) = (policy("p"), policy("sp"), policy("np"));
        Some(Record {
            policy: p,
            subdomains: sp,
            missing_subdomains: np,
            psd: match () {
                () if is("psd", "y") => Psd::Yes,
                () if is("psd", "n") => Psd::No,
                () => Psd::Unknown,
            },
            testing: is("t", "y"),
            strict_spf: is("aspf", "s"),
            strict_dkim: is("adkim", "s"),
            reports: value_of("rua").is_some_and(|uris| uris.split(',').any(is_uri)),
            percent: value_of("pct").and_then(|value| value.parse().ok()).filter(|pct| *pct <= 100).unwrap_or(100),
            faults,
        })
    }

    /// Whether a text that is no record is meant as one.
    pub fn is_meant(text: &str) -> bool {
        let squeezed: String = text.chars().filter(|c| !c.is_ascii_whitespace() && *c != '"').collect();
        let squeezed = squeezed.to_ascii_lowercase();
        squeezed.contains("v=dmarc1") && Record::read(text).is_none()
    }

    /// Whether receivers can use it (RFC 9989 section 4.10.1).
    pub fn is_usable(&self) -> bool {
        self.faults.is_empty() || self.reports
    }

    /// The policy for the publishing domain itself; `None` where the record is of no use.
    pub fn own_policy(&self) -> Option<Policy> {
        self.is_usable()
            .then(|| if self.faults.is_empty() { self.policy.unwrap_or(Policy::None) } else { Policy::None })
    }

    /// The policy for subdomains, of which only some receivers ask whether they exist.
    pub fn subdomain_policy(&self, exists: bool) -> Option<Policy> {
        let own = self.own_policy()?;
        if !self.faults.is_empty() {
            return Some(own);
        }
        let missing = self.missing_subdomains.filter(|_| !exists);
        Some(missing.or(self.subdomains).unwrap_or(own))
    }
}

/// A scheme and something behind it.
fn is_uri(text: &str) -> bool {
    let text = text.trim();
    text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && rest.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_record_begins() {
        for (text, is) in [
            ("v=DMARC1", true),
            ("v=DMARC1;", true),
            ("V = DMARC1 ; p=none", true),
            ("v=DMARC1; p=none; rua=mailto:a@example.com", true),
            ("v=dmarc1; p=none", false),
            ("v=DMARC1 p=none", false),
            ("v=DMARC10; p=none", false),
            ("p=none; v=DMARC1", false),
            (" v=DMARC1; p=none", false),
            ("", false),
        ] {
            assert_eq!(Record::read(text).is_some(), is, "{text}");
        }
        for text in
            ["v=dmarc1; p=none", "p=none; v=DMARC1", " v=DMARC1; p=none", "\"v=DMARC1; p=none\"", "v=DMARC1 p=none"]
        {
            assert!(Record::is_meant(text), "{text}");
        }
        assert!(!Record::is_meant("v=DMARC1; p=none") && !Record::is_meant("v=spf1 -all"));
    }

    #[test]
    fn what_tags_say() {
        let record =
            Record::read("v=DMARC1;P=Reject ; sp = none;np=quarantine;t=Y;psd=n;aspf=s;adkim=r;rf=afrf;ri=1;x=y")
                .unwrap();
        assert_eq!((record.policy, record.subdomains), (Some(Policy::Reject), Some(Policy::None)));
        assert_eq!((record.missing_subdomains, record.psd), (Some(Policy::Quarantine), Psd::No));
        assert!(record.testing && record.strict_spf && !record.strict_dkim && !record.reports);
        assert!(record.faults.is_empty() && record.percent == 100);
        assert_eq!(Record::read("v=DMARC1; p=none; p=reject").unwrap().policy, Some(Policy::None), "the first counts");
        for (pct, percent) in [("0", 0), ("50", 50), ("101", 100), ("x", 100), ("-1", 100)] {
            assert_eq!(Record::read(&format!("v=DMARC1; p=reject; pct={pct}")).unwrap().percent, percent);
        }
    }

    #[test]
    fn policies_that_are_none() {
        for (text, own, sub) in [
            ("v=DMARC1", Some(Policy::None), Some(Policy::None)),
            ("v=DMARC1; p=rejekt", None, None),
            ("v=DMARC1; p=", None, None),
            ("v=DMARC1; p=rejekt; rua=mailto:a@example.com", Some(Policy::None), Some(Policy::None)),
            ("v=DMARC1; p=rejekt; rua=a@example.com", None, None),
            ("v=DMARC1; p=reject; sp=nope", None, None),
            ("v=DMARC1; p=reject; np=nope; rua=x, mailto:a@example.com", Some(Policy::None), Some(Policy::None)),
        ] {
            let record = Record::read(text).unwrap();
            assert_eq!((record.own_policy(), record.subdomain_policy(true)), (own, sub), "{text}");
        }
    }
}
