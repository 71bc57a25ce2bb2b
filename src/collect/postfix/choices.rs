//! Values of which a program takes a few alone, and ends at any other when it starts.

use super::check;
use super::environment::Environment;
use crate::collect::root::ReadError;

/// The parameters of a client, under either of its names.
struct Client {
    tls_level: &'static str,
    host_lookup: &'static str,
    preference: &'static str,
    dns_support: &'static str,
    dns_options: &'static str,
    authenticates: &'static str,
    passwords: &'static str,
    tables: [&'static str; 3],
}

const SMTP: Client = Client {
    tls_level: "smtp_tls_security_level",
    host_lookup: "smtp_host_lookup",
    preference: "smtp_address_preference",
    dns_support: "smtp_dns_support_level",
    dns_options: "smtp_dns_resolver_options",
    authenticates: "smtp_sasl_auth_enable",
    passwords: "smtp_sasl_password_maps",
    tables: ["smtp_tls_policy_maps", "smtp_generic_maps", "smtp_header_checks"],
};
const LMTP: Client = Client {
    tls_level: "lmtp_tls_security_level",
    host_lookup: "lmtp_host_lookup",
    preference: "lmtp_address_preference",
    dns_support: "lmtp_dns_support_level",
    dns_options: "lmtp_dns_resolver_options",
    authenticates: "lmtp_sasl_auth_enable",
    passwords: "lmtp_sasl_password_maps",
    tables: ["lmtp_tls_policy_maps", "lmtp_generic_maps", "lmtp_header_checks"],
};

const TLS_LEVELS: [&str; 9] =
    ["none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure", "half-dane"];
/// A level that a table alone may give.
const OF_TABLES: &str = "half-dane";
/// Facilities of syslog(3).
const FACILITIES: [&str; 20] = [
    "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "security", "syslog", "user", "uucp",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6",
];

fn among(value: &str, known: &[&str]) -> bool {
    known.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// What every program refuses among the parameters that it is told by `value`: the parameter, and Postfix's words.
pub(crate) fn shared(value: impl Fn(&'static str) -> Option<String>) -> Option<(&'static str, String)> {
    if let Some(facility) = value("syslog_facility").filter(|text| !among(text, &FACILITIES) && text != "local7") {
        return Some(("syslog_facility", format!("parameter syslog_facility: unrecognized value: {facility}")));
    }
    if let Some(style) = value("mynetworks_style").filter(|text| !among(text, &["class", "subnet", "host"])) {
        return Some(("mynetworks_style", format!("unknown mynetworks mask style value \"{style}\" in \"{style}\"")));
    }
    let users = [("mail_owner", "user"), ("default_privs", "user"), ("setgid_group", "group")];
    users.into_iter().find_map(|(name, what)| {
        let privileged = value(name).filter(|text| text == "root")?;
        Some((name, format!("parameter {name}: {what} {privileged} has privileged {what} ID")))
    })
}

/// What a client refuses among the parameters that it is told by `value`: the parameter, and its words. `lmtp`: it runs under that name.
/// `passwords_known`: whether it is known if there is a table of passwords.
pub(crate) fn client(
    value: impl Fn(&'static str) -> Option<String>,
    lmtp: bool,
    passwords_known: impl Fn(&'static str) -> bool,
) -> Option<(&'static str, String)> {
    let own = if lmtp { LMTP } else { SMTP };
    let value = |name: &'static str| value(name).filter(|value| !value.is_empty());
    if let Some(level) =
        value(own.tls_level).filter(|text| !among(text, &TLS_LEVELS) || text.eq_ignore_ascii_case(OF_TABLES))
    {
        return Some((own.tls_level, format!("Invalid TLS level \"{level}\"")));
    }
    for (name, known) in [(own.host_lookup, &["dns", "native"]), (own.dns_options, &["res_defnames", "res_dnsrch"])] {
        let Some(list) = value(name) else { continue };
        if let Some(word) = check::words(&list).find(|word| !among(word, known)) {
            return Some((name, format!("unknown {name} value \"{word}\" in \"{list}\"")));
        }
    }
    if let Some(text) = value(own.preference).filter(|text| !among(text, &["any", "ipv4", "ipv6"])) {
        return Some((own.preference, format!("bad {} value: {text}", own.preference)));
    }
    if let Some(text) = value(own.dns_support).filter(|text| !among(text, &["disabled", "enabled", "dnssec"])) {
        return Some((own.dns_support, format!("invalid {}: \"{text}\"", own.dns_support)));
    }
    for name in own.tables {
        let is_table =
            |word: &&str| word.split_once(':').is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty());
        let table = |list: &str| check::words(list).find(|word| !is_table(word)).map(str::to_owned);
        // Inline tables have words of their own.
        if let Some(word) = value(name).filter(|list| !list.contains('{')).and_then(|list| table(&list)) {
            return Some((name, no_table(&word)));
        }
    }
    let authenticates = value(own.authenticates).is_some_and(|text| text.eq_ignore_ascii_case("yes"));
    if authenticates && passwords_known(own.passwords) && value(own.passwords).is_none() {
        let message = format!("specify a password table via the `{}' configuration parameter", own.passwords);
        return Some((own.authenticates, message));
    }
    None
}

/// Parameters that [`client`] asks for beside those that are read anyway.
pub(crate) fn of_client(lmtp: bool) -> [&'static str; 7] {
    let Client { dns_support, dns_options, authenticates, passwords, tables: [a, b, c], .. } =
        if lmtp { LMTP } else { SMTP };
    [dns_support, dns_options, authenticates, passwords, a, b, c]
}

/// What ends a program that looks something up in a list of names, files and tables: a folder among the files, and a table without type or name.
pub(crate) fn list(list: &str, env: &Environment<'_>) -> Option<String> {
    check::words(list).map(|word| word.trim_start_matches('!')).find_map(|word| {
        if word.starts_with('/') {
            let folder = matches!((env.read)(word), Err(ReadError::NotRegular("a folder")));
            return folder.then(|| format!("match_list_parse: read file {word}: Is a directory"));
        }
        let (kind, name) = word.split_once(':').filter(|_| !word.starts_with('['))?;
        (kind.is_empty() || name.is_empty()).then(|| no_table(word))
    })
}

fn no_table(word: &str) -> String {
    format!("open dictionary: expecting \"type:name\" form instead of \"{word}\"")
}
