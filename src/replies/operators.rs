//! Whose mail hosts are whose: anybody may answer in Gmail's words.

use super::Reply;

/// Those who run mail hosts, as [`Reply::receiver`] names them, and the domains that the names of these are below (their MX records, and what
/// their own documentation names).
const HOSTS: [(&str, &[&str]); 19] = [
    ("Gmail", &["google.com", "googlemail.com", "gmail.com"]),
    ("Google Workspace SMTP relay", &["google.com", "googlemail.com", "gmail.com"]),
    ("Microsoft 365 / Outlook.com", &["outlook.com", "mx.microsoft"]),
    ("Outlook.com", &["outlook.com", "mx.microsoft"]),
    ("Yahoo", &["yahoodns.net"]),
    ("AOL / Yahoo (older)", &["yahoodns.net", "aol.com"]),
    ("Apple iCloud", &["icloud.com"]),
    ("Proofpoint (also Apple iCloud)", &["pphosted.com", "ppe-hosted.com", "icloud.com"]),
    ("GMX, WEB.DE, mail.com, 1&1 (United Internet)", &["gmx.net", "web.de", "mail.com", "kundenserver.de", "ionos.de"]),
    ("T-Online (Deutsche Telekom)", &["t-online.de"]),
    ("Comcast", &["comcast.net"]),
    ("Cox", &["cox.net"]),
    ("Spectrum / Charter", &["charter.net", "charter.com"]),
    ("GoDaddy (secureserver.net)", &["secureserver.net"]),
    ("Mimecast", &["mimecast.com"]),
    ("Libero, Virgilio", &["libero.it", "virgilio.it"]),
    ("NetEase (163.com, 126.com)", &["netease.com"]),
    ("Orange, Wanadoo, Laposte.net", &["orange.fr", "wanadoo.fr", "laposte.net"]),
    ("freenet.de and others", &["freenet.de"]),
];

/// Who said so, where the name of the host that did is one of theirs; `None`: whoever runs that host.
pub fn operator(reply: &Reply, host: &str) -> Option<&'static str> {
    let receiver = reply.receiver?;
    let (name, domains) = HOSTS.iter().find(|(name, _)| *name == receiver)?;
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_below =
        |domain: &&str| host.strip_suffix(*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    domains.iter().any(is_below).then_some(*name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replies::all;

    #[test]
    fn hosts_of_their_own_domains_alone() {
        let gmail = all().find(|reply| reply.id == "gmail-ptr-missing").unwrap();
        for (host, expected) in [
            ("gmail-smtp-in.l.google.com", Some("Gmail")),
            ("ASPMX.L.Google.Com.", Some("Gmail")),
            ("mx.attacker.example", None),
            ("mx.notgoogle.com", None),
            ("google.com.attacker.example", None),
            ("", None),
        ] {
            assert_eq!(operator(gmail, host), expected, "{host}");
        }
    }

    #[test]
    fn each_is_a_receiver_of_known_replies() {
        for (name, domains) in HOSTS {
            assert!(all().any(|reply| reply.receiver == Some(name)), "{name}");
            assert!(domains.iter().all(|domain| domain.contains('.') && !domain.starts_with('.')), "{name}");
        }
    }
}
