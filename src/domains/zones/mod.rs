//! Zones that this host keeps, by a panel or in master files of its own, and what changes a record in them: the panel's command, or an edit.

mod file;

use std::collections::BTreeMap;

use super::MailDomains;
use crate::dmarc;
use crate::name::DomainName;
use crate::shell;
use crate::spf::is_spf;

pub use file::{EditKey, Edited, ZoneChange, ZoneEdit, ZoneFile};

/// Octets of one string of a TXT record (RFC 1035 section 3.3): panels that split longer texts do so in their own ways.
const STRING_LIMIT: usize = 255;

/// What keeps a zone.
#[derive(Debug, Clone)]
pub enum ZoneKeeper {
    /// cPanel & WHM.
    Cpanel,
    /// Hestia, for one of its users.
    Hestia {
        /// The user.
        user: String,
        /// The TXT records that the zone has.
        texts: Vec<KeptText>,
    },
    /// A master file that people edit, and BIND serves.
    Bind(ZoneFile),
    /// Something else on this host: what is above in the DNS is not where its records stand.
    Other,
}

/// A TXT record of a zone that Hestia keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptText {
    /// Its number.
    pub id: String,
    /// Its name within the zone; `@` is the zone itself.
    pub name: String,
    /// Its text, without quotes.
    pub text: String,
}

/// A text record as it should stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedText {
    /// Its name.
    pub name: DomainName,
    /// Whether there is one, which it replaces.
    pub replaces: bool,
    /// Its text, in one piece.
    pub text: String,
}

impl WantedText {
    /// `spf`, `dmarc` or `dkim`, by what it begins with.
    pub fn kind(&self) -> &'static str {
        kind(&self.text)
    }
}

impl MailDomains {
    /// The zone that a name is in and what keeps it, where this host does.
    pub fn kept_zone(&self, name: &DomainName) -> Option<(&DomainName, &ZoneKeeper)> {
        kept_zone(&self.zones, name)
    }
}

/// The same among zones by their names.
pub fn kept_zone<'z>(
    zones: &'z BTreeMap<DomainName, ZoneKeeper>,
    name: &DomainName,
) -> Option<(&'z DomainName, &'z ZoneKeeper)> {
    name.ancestors().find_map(|above| zones.get_key_value(&above))
}

/// What a text record says it is; a key has a name of its own, and may leave its version out (RFC 6376 section 3.6.1).
fn kind(text: &str) -> &'static str {
    if is_spf(text) {
        "spf"
    } else if dmarc::Record::read(text).is_some() {
        "dmarc"
    } else {
        "dkim"
    }
}

/// The command that has the panel publish a record; `None` where its documents have none that is sure to do that, and where no panel keeps the zone.
pub fn command((zone, keeper): (&DomainName, &ZoneKeeper), wanted: &WantedText) -> Option<String> {
    match keeper {
        ZoneKeeper::Cpanel => cpanel(wanted),
        ZoneKeeper::Hestia { user, texts } => hestia(zone, user, texts, wanted),
        ZoneKeeper::Bind(_) | ZoneKeeper::Other => None,
    }
}

/// WHM API 1: `install_spf_records` replaces a record, `enable_dkim` installs that of the key which is there; both for whole domains.
fn cpanel(wanted: &WantedText) -> Option<String> {
    match wanted.kind() {
        "spf" => {
            let (domain, record) = (shell::word(wanted.name.as_str()), percent_encoded(&wanted.text));
            Some(format!("whmapi1 install_spf_records domain={domain} record={}", shell::quoted(&record)))
        }
        "dkim" if !wanted.replaces => {
            let domain = wanted.name.as_str().strip_prefix("default._domainkey.")?;
            Some(format!("whmapi1 enable_dkim domain={}", shell::word(domain)))
        }
        _ => None,
    }
}

/// `v-change-dns-record USER DOMAIN ID RECORD TYPE VALUE`, `v-add-dns-record USER DOMAIN RECORD TYPE VALUE`.
fn hestia(zone: &DomainName, user: &str, texts: &[KeptText], wanted: &WantedText) -> Option<String> {
    if wanted.text.len() > STRING_LIMIT {
        return None;
    }
    let name = match wanted.name.as_str().strip_suffix(zone.as_str())? {
        "" => "@",
        below => below.strip_suffix('.')?,
    };
    let begins = wanted.text.split([';', ' ']).next().unwrap_or_default();
    let mut known = texts.iter().filter(|text| text.name == name && text.text.starts_with(begins));
    let (user, zone, record) = (shell::word(user), shell::word(zone.as_str()), shell::word(name));
    let value = shell::quoted(&wanted.text);
    match (known.next(), known.next()) {
        (None, _) if wanted.replaces => None,
        (None, _) => Some(format!("v-add-dns-record {user} {zone} {record} TXT {value}")),
        (Some(one), None) => {
            Some(format!("v-change-dns-record {user} {zone} {} {record} TXT {value}", shell::word(&one.id)))
        }
        // Which of several is meant is not known.
        (Some(_), Some(_)) => None,
    }
}

/// As the parameters of whmapi1 want it.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str, text: &str, replaces: bool) -> WantedText {
        WantedText { name: DomainName::new(name), text: text.to_owned(), replaces }
    }

    #[test]
    fn whm_s_commands() {
        let zone = DomainName::new("a.example");
        let told = |wanted: WantedText| command((&zone, &ZoneKeeper::Cpanel), &wanted);
        assert_eq!(
            told(wanted("a.example", "v=spf1 ip4:192.0.2.1 +a -all", true)).as_deref(),
            Some("whmapi1 install_spf_records domain=a.example record='v%3Dspf1%20ip4%3A192.0.2.1%20%2Ba%20-all'")
        );
        assert_eq!(
            told(wanted("default._domainkey.a.example", "v=DKIM1; p=x", false)).as_deref(),
            Some("whmapi1 enable_dkim domain=a.example")
        );
        assert_eq!(
            told(wanted("default._domainkey.a.example", "v=DKIM1; p=x", true)),
            None,
            "it may leave the old one"
        );
        assert_eq!(told(wanted("s._domainkey.a.example", "v=DKIM1; p=x", false)), None);
        assert_eq!(told(wanted("_dmarc.a.example", "v=DMARC1; p=none", false)), None);
    }

    #[test]
    fn hestia_s_commands() {
        let zone = DomainName::new("a.example");
        let text = |id: &str, name: &str, text: &str| KeptText { id: id.into(), name: name.into(), text: text.into() };
        let texts = vec![
            text("3", "@", "v=spf1 a -all"),
            text("4", "@", "other"),
            text("5", "two", "v=spf1"),
            text("6", "two", "v=spf1 x"),
        ];
        let keeper = ZoneKeeper::Hestia { user: "joe".into(), texts };
        let told = |wanted: WantedText| command((&zone, &keeper), &wanted);
        assert_eq!(
            told(wanted("a.example", "v=spf1 ip4:192.0.2.1 -all", true)).as_deref(),
            Some("v-change-dns-record joe a.example 3 @ TXT 'v=spf1 ip4:192.0.2.1 -all'")
        );
        assert_eq!(
            told(wanted("_dmarc.a.example", "v=DMARC1; p=none", false)).as_deref(),
            Some("v-add-dns-record joe a.example _dmarc TXT 'v=DMARC1; p=none'")
        );
        assert_eq!(told(wanted("_dmarc.a.example", "v=DMARC1; p=none", true)), None, "it is not in the files");
        assert_eq!(told(wanted("two.a.example", "v=spf1 -all", true)), None, "which of two is not known");
        assert_eq!(told(wanted("b.example", "v=spf1 -all", false)), None);
        assert_eq!(told(wanted("s._domainkey.a.example", &format!("v=DKIM1; p={}", "x".repeat(300)), false)), None);
    }
}
