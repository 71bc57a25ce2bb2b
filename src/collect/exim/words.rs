//! What the sections acl, retry and rewrite may name, by release: 4.92 (2019) to 4.99 (2025). From the tables of Exim's sources
//! (`acl.c`, `readconf.c`) and its `NewStuff`; what a build may leave out, or has only where it is asked for, is taken as known.

/// Whether a word of an ACL is a condition or a modifier, which may not be negated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// It asks something.
    Condition,
    /// It does something.
    Modifier,
}

/// Releases whose words stand here.
pub(crate) const RELEASES: std::ops::RangeInclusive<u32> = 92..=99;

/// Verbs of ACLs, the same in all releases.
pub(crate) const VERBS: [&str; 7] = ["accept", "defer", "deny", "discard", "drop", "require", "warn"];

/// Conditions of ACLs: those of every release and build, of builds with content scanning (`decode`, `malware`, `mime_regex`,
/// `regex`, `spam`), SPF, DKIM, DMARC, DCC, Brightmail; `seen` since 4.96.
const CONDITIONS: &str = "acl authenticated condition dcc decode dkim_signers dkim_status dmarc_status dnslists domains \
    encrypted hosts local_parts malware mime_regex ratelimit recipients regex seen sender_domains senders spam spf \
    spf_guess verify";

/// Modifiers of ACLs.
const MODIFIERS: &str = "add_header bmi_optin continue control delay endpass log_message log_reject_target logwrite message \
    queue remove_header set udpsend";

/// Every condition and modifier of ACLs.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    CONDITIONS.split(' ').chain(MODIFIERS.split(' ')).filter(|word| !word.is_empty())
}

/// What a word of an ACL is; `None` where no release knows it.
pub(crate) fn acl(name: &str) -> Option<Word> {
    let among = |words: &str| words.split(' ').any(|known| known == name);
    if among(CONDITIONS) {
        return Some(Word::Condition);
    }
    among(MODIFIERS).then_some(Word::Modifier)
}

/// Errors that a retry rule may name, beside those that have a part of their own (`quota_7d`, `rcpt_4xx`, `refused_MX`).
pub(crate) const RETRY_ERRORS: [&str; 8] =
    ["*", "auth_failed", "lookup", "lost_connection", "quota", "refused", "timeout", "tls_required"];

/// Flags of a rewrite rule: which addresses, and how.
pub(crate) const REWRITE_FLAGS: &str = "EFTbcfhrstqQRSw";

/// Whether the words of a release stand here, by its version (`4.96`, `4.94.2`).
pub(crate) fn is_listed(version: &str) -> bool {
    let mut parts = version.split('.');
    parts.next() == Some("4")
        && parts.next().and_then(|minor| minor.parse().ok()).is_some_and(|n| RELEASES.contains(&n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_by_version() {
        for (version, listed) in [
            ("4.96", true),
            ("4.92.3", true),
            ("4.99", true),
            ("4.91", false),
            ("4.100", false),
            ("5.0", false),
            ("", false),
        ] {
            assert_eq!(is_listed(version), listed, "{version}");
        }
    }
}
